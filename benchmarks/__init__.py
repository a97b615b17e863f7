"""Timings of what has to be fast, which `make bench` runs, and pictures of how the metrics behave."""
