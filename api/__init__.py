"""The Python interface, of which the command line is a thin cover."""
