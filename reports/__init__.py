"""Evaluation of labels and models, reports, samples and annotation."""
