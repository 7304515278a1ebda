"""What voters know of words, languages and sentences."""
