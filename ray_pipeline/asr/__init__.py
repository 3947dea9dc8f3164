"""What is said in a clip: by the user's own transcripts, or by a recogniser."""
