"""Audio as the bytes of a file, for writers that want to know why a disk takes no more of them."""

import io

import numpy as np
import soundfile


def sound_bytes(wave: np.ndarray, rate: int, *, subtype: str = "PCM_16", format: str = "WAV") -> bytes:
    """Returns the content of a file of audio; libsndfile's own writing to a full disk is a "System error".

    Args:
        wave: Mono audio, (n_samples,), within -1 and 1.
        rate: Sample rate in Hz.
        subtype: How the samples are coded, in libsndfile's word.
        format: Format of the file, in libsndfile's word.

    >>> len(sound_bytes(np.zeros(100), 8000))  # a header of 44 bytes, and two for each sample
    244
    """
    content = io.BytesIO()
    soundfile.write(content, wave, rate, subtype=subtype, format=format)
    return content.getvalue()
