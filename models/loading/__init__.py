"""From the name of a model to an open one: where it is, what it can do, on which device."""
