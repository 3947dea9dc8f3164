"""Our models beside the original's, in one process. Parts of `compare_with_original`."""
