"""What is measured: one file per section of RESULTS.md."""
