"""Asking a language model behind an OpenAI-compatible server what class a text is of."""
