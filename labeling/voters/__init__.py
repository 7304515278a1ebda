"""Voters by kind: one file each. See ``labeling/voting/registry.py``."""
