"""Runs every benchmark."""

from benchmarks import information

information.main()
