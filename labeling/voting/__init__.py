"""Applying voters: which there are, how they are configured, who runs them, and where they go on."""
