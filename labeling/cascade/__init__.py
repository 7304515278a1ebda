"""Asking costly voters about the rows that need it."""
