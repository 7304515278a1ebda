"""``embedded``: a real multilingual encoder that needs no network."""
