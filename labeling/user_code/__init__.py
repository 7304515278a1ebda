"""Labeling functions from a file of the user's: loading it, finding its functions, and knowing what they depend on."""
