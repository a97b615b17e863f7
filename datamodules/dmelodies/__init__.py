"""dMelodies: two-bar melodies made from nine factors, rendered to audio (Pati, Gururani & Lerch, 2020)."""
