"""Renders notes to audio with FluidSynth and a General MIDI soundfont, bit-identical from run to run.

That holds for one build of FluidSynth, libsndfile and SciPy on all processors of an architecture, like x86-64, whatever
kernels and threads NumPy and torch use there; across architectures, compilers may round differently.

What a synthesizer played before leaks into what it plays next, so each call gets a fresh one; loading samples on demand
keeps that cheap.
"""

import contextlib
import ctypes
import functools
import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from datamodules.errors import DataError

SOUNDFONT_VARIABLE = "DISENTANGLE_SOUNDFONT"
SOUNDFONT_NAME = "MuseScore_General.sf3"
_SOUNDFONT_FOLDERS = (
    "/usr/share/sounds/sf3",
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
    "~/.local/share/soundfonts",
)
_INSTALL = (
    "Debian, Ubuntu: apt-get install fluidsynth musescore-general-soundfont; macOS: brew install fluid-synth; "
    "conda: conda install -c conda-forge fluidsynth"
)
# The synthesizer does not low-pass what it resamples; at the data sets' low rate it would alias. So: render, decimate.
_OVERSAMPLING = 3
# FluidSynth's own limits; it keeps 44,100 Hz where it is asked for more or less.
_LOWEST_RATE, _HIGHEST_RATE = 8_000, 96_000
# Its reverb leaves an offset of 2e-8 without any note.
_SILENCE = 1e-6
_GAIN = 0.5
VELOCITY = 100
"""MIDI velocity, unless another is asked for."""


class NoteRangeError(DataError):
    """An instrument has no sound for a note."""


def find_soundfont(path: Path | None = None) -> Path:
    """Returns the soundfont to use: the one given, else the one in the environment, else the system's.

    Args:
        path: A soundfont (SF2 or SF3) of one's own.

    Raises:
        DataError: The named file is not there, or none was found; the message says what to install.
    """
    named = path or os.environ.get(SOUNDFONT_VARIABLE)
    if named:
        if not Path(named).expanduser().is_file():
            raise DataError(
                f"no soundfont at {named}. Correct the path (soundfont or the variable {SOUNDFONT_VARIABLE}), or "
                "leave it out to use the system's.",
                argument="soundfont",
            )
        return Path(named).expanduser()
    for folder in _SOUNDFONT_FOLDERS:
        candidate = Path(folder).expanduser() / SOUNDFONT_NAME
        if candidate.is_file():
            return candidate
    raise DataError(
        f"no soundfont {SOUNDFONT_NAME} in {', '.join(_SOUNDFONT_FOLDERS)}. On Debian and Ubuntu: apt-get install "
        "musescore-general-soundfont. Elsewhere, fetch it from musescore.org, or take any General MIDI soundfont, and "
        f"set soundfont or the variable {SOUNDFONT_VARIABLE} to its path.",
        argument="soundfont",
    )


def synthesis_key(soundfont: Path) -> dict[str, Any]:
    """Returns all that determines rendered audio besides the notes, for a cache key."""
    return {
        "soundfont_sha256": _sha256(soundfont, soundfont.stat().st_mtime_ns),
        "fluidsynth": _fluidsynth_version(),
        # It decodes the soundfont's samples. FluidSynth takes the one that is loaded already: that of soundfile, since
        # this module imports it. Otherwise the sound would depend on what else a process has imported.
        "libsndfile": soundfile.__libsndfile_version__,
        "scipy": scipy.__version__,
        "gain": _GAIN,
        "velocity": VELOCITY,
        "oversampling": _OVERSAMPLING,
    }


def render(
    pitches: NDArray[np.integer],
    program: int,
    *,
    soundfont: Path,
    sample_rate: int,
    n_samples: int,
    durations: Sequence[float] | None = None,
    velocity: int = VELOCITY,
) -> NDArray[np.float32]:
    """Renders a melody on one instrument.

    Args:
        pitches: MIDI note number of each tick, -1 for a rest; shape (n_ticks,).
        program: General MIDI program, counted from zero.
        soundfont: The soundfont, an SF2 or SF3 file.
        sample_rate: Sample rate of the result, in Hz.
        n_samples: Length of the result, which the ticks share.
        durations: Durations of the ticks, in any unit; None for equal ones.
        velocity: MIDI velocity of all notes, 1 to 127.

    Returns:
        Mono audio divided by its peak, shape (n_samples,), in [-1, 1].

    Raises:
        NoteRangeError: The program has no sound for one of the notes.
        DataError: FluidSynth is missing; or the soundfont is unreadable, lacks the program, or gave only silence.
    """
    oversampling = min(_OVERSAMPLING, _HIGHEST_RATE // sample_rate)
    if sample_rate * oversampling < _LOWEST_RATE:
        raise DataError(
            f"FluidSynth cannot render at {sample_rate} Hz; choose a sample_rate from "
            f"{-(-_LOWEST_RATE // _OVERSAMPLING)} to {_HIGHEST_RATE}.",
            argument="sample_rate",
        )
    fluidsynth = _library()
    synth = fluidsynth.Synth(
        gain=_GAIN, samplerate=sample_rate * oversampling, channels=16, **{"synth.dynamic-sample-loading": 1}
    )
    try:
        font = synth.sfload(str(soundfont))
        if font < 0:
            raise DataError(f"FluidSynth cannot read the soundfont {soundfont}; name another.", argument="soundfont")
        if synth.program_select(0, font, 0, program) < 0:
            raise DataError(
                f"the soundfont {soundfont} has no General MIDI program {program} (bank 0); name another.",
                argument="soundfont",
            )
        shares = np.ones(len(pitches)) if durations is None else np.asarray(durations)
        stereo = _play(synth, pitches, shares, velocity, n_samples * oversampling)
    finally:
        synth.delete()
    audio = resample_poly(stereo.mean(axis=0), 1, oversampling)
    peak = np.abs(audio).max()
    if peak < _SILENCE:
        raise DataError(f"program {program} of {soundfont} gave only silence; choose another instrument or soundfont.")
    return (audio / peak).astype(np.float32)


def _play(
    synth: Any, pitches: NDArray[np.integer], shares: NDArray[np.floating], velocity: int, n_samples: int
) -> NDArray[np.float32]:
    stereo = np.zeros((2, n_samples), np.float32)
    bounds = (np.concatenate([[0.0], np.cumsum(shares)]) * n_samples / np.sum(shares)).astype(int)
    for pitch, start, stop in zip(pitches.tolist(), bounds[:-1], bounds[1:], strict=True):
        if pitch >= 0:
            _start_note(synth, pitch, velocity)
        _write_float()(
            synth.synth, int(stop - start), stereo[0].ctypes.data, int(start), 1, stereo[1].ctypes.data, int(start), 1
        )
        if pitch >= 0:
            synth.noteoff(0, pitch)
    return stereo


def _start_note(synth: Any, pitch: int, velocity: int) -> None:
    """Starts a note; FluidSynth itself passes over one that the instrument has no sample for."""
    voices = _library().fluid_synth_get_active_voice_count
    before = voices(synth.synth)
    synth.noteon(0, pitch, velocity)
    if voices(synth.synth) == before:
        raise NoteRangeError(
            f"the soundfont's instrument has no sound for MIDI note {pitch}, which is out of its range; choose "
            "another octave or instrument.",
            argument="octaves",
        )


@functools.cache
def _library() -> ModuleType:
    """Imports pyfluidsynth, which looks for the system's libfluidsynth on import; after soundfile, see above."""
    try:
        # Where the variable CI is set, pyfluidsynth prints where it found the library.
        with contextlib.redirect_stdout(io.StringIO()):
            import fluidsynth
    except (ImportError, OSError) as error:
        raise DataError(f"FluidSynth's library (libfluidsynth) was not found. {_INSTALL}.") from error
    return fluidsynth


@functools.cache
def _write_float() -> Any:
    """FluidSynth's float output, which pyfluidsynth does not bind; the 16-bit one it binds adds dither."""
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    arguments = {
        **{"synth": pointer, "len": integer},
        **{"left": pointer, "left_offset": integer, "left_step": integer},
        **{"right": pointer, "right_offset": integer, "right_step": integer},
    }
    return _library().cfunc("fluid_synth_write_float", integer, *((name, kind, 1) for name, kind in arguments.items()))


def _fluidsynth_version() -> str:
    major, minor, micro = (ctypes.c_int() for _ in range(3))
    _library().fluid_version(major, minor, micro)
    return f"{major.value}.{minor.value}.{micro.value}"


@functools.cache
def _sha256(path: Path, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
