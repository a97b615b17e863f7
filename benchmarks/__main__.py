"""Runs every benchmark."""

from benchmarks import information, nsynth

information.main()
nsynth.main()
