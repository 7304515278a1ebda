"""Measured comparisons with peers; run them with `make bench`."""
