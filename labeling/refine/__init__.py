"""Refining: text models that learned from the labels of other rows correct the label model, and make it calibrated."""
