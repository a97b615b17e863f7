"""Sound from notes."""
