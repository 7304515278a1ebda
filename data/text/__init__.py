"""What is done to the text of reviews before anybody reads it."""
