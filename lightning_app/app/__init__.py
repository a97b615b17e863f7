"""A page on this machine alone, where a trained model is tried on sounds of one's own."""
