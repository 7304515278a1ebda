"""Voters by kind: one file each. See ``labeling/registry.py``."""
