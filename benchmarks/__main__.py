"""Runs every benchmark."""

from benchmarks import audio_folder, information, nsynth, start_up

start_up.main()
information.main()
nsynth.main()
audio_folder.main((1.0,))
