"""Label models on vote patterns, and what the votes say without one."""
