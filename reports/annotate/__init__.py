"""Labelling a sample of reviews by keyboard, on a web page that only this computer can open."""
