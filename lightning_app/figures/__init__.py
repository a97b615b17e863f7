"""Figures of the papers from finished runs; ``disentangle figure`` draws them."""
