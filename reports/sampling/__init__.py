"""Drawing the reviews to label by hand, and writing them where people label."""
