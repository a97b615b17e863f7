"""Attributes measured on audio."""
