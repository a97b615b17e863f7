"""What there is in a folder of recordings, before any training: found out, printed, and made a configuration of."""
