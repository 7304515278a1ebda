"""Rules that are missing and rules that do harm."""
