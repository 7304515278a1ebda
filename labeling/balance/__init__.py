"""The class balance of a run: settled, from hand labels, and classes that take the rest."""
