"""Runs on disk: their folders, records and logs."""
