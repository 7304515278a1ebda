"""Hand labels: reading them, where a run keeps them, what each counts, and scores against them."""
