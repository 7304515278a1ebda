"""What share of the reviews is of each class: of all, and of each group of them."""
