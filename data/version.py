"""The version of the package: what each layer records, in a file that imports nothing."""

__version__ = "0.1.0"
