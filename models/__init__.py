"""Encoders, zero-shot scorers and end models; nothing here imports torch until a model is used."""
