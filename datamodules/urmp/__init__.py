"""URMP: recordings of chamber music, each instrument on a track of its own (Li et al. 2019)."""
