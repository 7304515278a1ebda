"""The run directory: what is where, who may write it, and what each stage recorded."""
