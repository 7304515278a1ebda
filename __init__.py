"""Weak supervision for piles of unlabelled reviews: voters, a label model, and a model trained on their labels."""

from .data.version import __version__ as __version__
