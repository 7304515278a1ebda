"""A report as a page, as Markdown and as numbers."""
