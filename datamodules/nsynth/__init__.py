"""NSynth: the release as it is unpacked, or notes rendered in its layout."""
