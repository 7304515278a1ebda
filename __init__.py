"""Weak supervision for piles of unlabelled reviews: voters, a label model, and a model trained on their labels."""

__version__ = "0.1.0"
