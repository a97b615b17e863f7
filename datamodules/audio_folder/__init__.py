"""Recordings of one's own: a folder of audio of any formats, rates and lengths, with classes and attributes or without.

`recordings` finds the files, `measures` listens to each once, `labels` tells what is known of them, and `source` cuts
them into clips.
"""
