"""What pretrained models say of texts without training: vectors, scores, and moving them to a class balance."""
