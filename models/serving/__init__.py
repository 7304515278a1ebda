"""An end model behind HTTP."""
