"""Runs every benchmark."""

from benchmarks import information, nsynth, start_up

start_up.main()
information.main()
nsynth.main()
