"""Voters, applying them, the label models, and diagnostics of votes."""
