"""Golden cases: what the original computes, against what this project computes."""
