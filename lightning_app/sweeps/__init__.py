"""Sweeps: a file in the form of W&B, trials as runs in processes of their own, and what comes of them."""
