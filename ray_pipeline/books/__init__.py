"""Long texts spoken beside other work: chapters in blocks, each a file once it is said."""
