"""Tables in: one reader for files, pipes and frames, chunk by chunk or whole."""
