"""Sounds of one's own, of any length and rate, and what a trained model makes of them."""
