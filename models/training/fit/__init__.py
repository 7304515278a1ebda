"""The fit itself: the loop, its losses, memory and checkpoints."""
