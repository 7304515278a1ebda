"""How good the labels are, and how that is told."""
