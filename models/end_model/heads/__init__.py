"""What an end model can be: one file per head, and what heads need."""
