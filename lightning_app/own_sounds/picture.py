"""Pictures of sounds: their spectrograms over one another, or as a matrix."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from lightning_app.files import whole_file
from lightning_app.media.spectrogram_grid import show_spectrogram
from lightning_app.own_sounds.sound import Sound
from modules.audio.log_mel import LogMel, LogMelSpec
from modules.audio.resample import resampled

_N_BANDS = 96
_RANGE_DB = 70.0
_MOST_FRAMES = 2000
_MARKS = (200, 500, 1000, 2000, 5000, 10_000, 20_000)


class Spectrogram(NamedTuple):
    """What there is to see of a sound."""

    decibels: NDArray[np.float32]
    """(n_frames, n_bands)"""
    seconds: float
    """Length of the sound."""
    rate: int
    """Sample rate of the audio that it is of, in Hz: the highest band ends at half of it."""


def spectrogram(sound: Sound, rate: int) -> Spectrogram:
    """Returns the mel spectrogram of a sound at the sample rate of a model, in Hz."""
    n_fft = 2 ** round(np.log2(0.128 * rate))
    spec = LogMelSpec(rate, n_fft, n_fft // 4, min(_N_BANDS, n_fft // 16))
    wave = resampled(torch.from_numpy(sound.wave)[None], sound.rate, rate)[0]
    wave = torch.nn.functional.pad(wave, (0, max(0, n_fft - len(wave))))
    decibels = 10 / np.log(10) * LogMel(spec)(wave).numpy()
    step = -(-len(decibels) // _MOST_FRAMES)
    return Spectrogram(decibels[: len(decibels) // step * step].reshape(-1, step, decibels.shape[1]).max(axis=1),
                       len(wave) / rate, rate)  # fmt: skip


def save_stack(path: Path, spectrograms: Mapping[str, Spectrogram], caption: str = "") -> None:
    """Draws spectrograms over one another as a PNG, all with one time axis and one colour scale.

    Args:
        path: Path of the PNG.
        spectrograms: The spectrograms, by their titles.
        caption: A title of the whole.
    """
    figure = Figure(figsize=(9.0, 1.9 * len(spectrograms) + 0.9), layout="constrained")
    axes = figure.subplots(len(spectrograms), 1, squeeze=False, sharex=True)[:, 0]
    loudest = max(float(one.decibels.max()) for one in spectrograms.values())
    for axis, (title, one) in zip(axes, spectrograms.items(), strict=True):
        image = _show(axis, one, loudest)
        axis.set_title(_plain(title), fontsize=9, loc="left")
        axis.set_ylabel("Hz", fontsize=8)
    axes[-1].set_xlim(0, max(one.seconds for one in spectrograms.values()))
    axes[-1].set_xlabel("seconds", fontsize=8)
    figure.colorbar(image, ax=list(axes), label="dB (0: the loudest)", pad=0.01).ax.tick_params(labelsize=7)
    figure.suptitle(_plain(caption), fontsize=10, wrap=True)
    _save(figure, path)


def save_matrix(
    path: Path, rows: Mapping[str, Spectrogram], columns: Mapping[str, Spectrogram],
    cells: Sequence[Sequence[Spectrogram]], caption: str,
) -> None:  # fmt: skip
    """Draws a matrix of spectrograms as a PNG, with what its rows and its columns are made of at the edges.

    Args:
        path: Path of the PNG.
        rows: The spectrograms of the rows, by their titles.
        columns: The spectrograms of the columns, by their titles.
        cells: The spectrogram of each row and column.
        caption: A title of the whole.
    """
    figure = Figure(figsize=(2.6 * len(columns) + 3.0, 1.9 * len(rows) + 2.6), layout="constrained")
    axes = figure.subplots(len(rows) + 1, len(columns) + 1, squeeze=False)
    axes[0, 0].set_axis_off()
    everything = [*rows.values(), *columns.values(), *(cell for row in cells for cell in row)]
    loudest = max(float(one.decibels.max()) for one in everything)
    for axis, (title, one) in zip(axes[0, 1:], columns.items(), strict=True):
        _show(axis, one, loudest)
        axis.set_title(_plain(title), fontsize=9)
    for row, (title, one), made in zip(axes[1:], rows.items(), cells, strict=True):
        for axis, shown in zip(row, [one, *made], strict=True):
            _show(axis, shown, loudest)
        row[0].set_title(_plain(title), fontsize=9)
        row[0].set_ylabel("Hz", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("seconds", fontsize=8)
    figure.suptitle(_plain(caption), fontsize=10, wrap=True)
    _save(figure, path)


def _show(axis: Axes, one: Spectrogram, loudest: float) -> AxesImage:
    image = show_spectrogram(axis, one.decibels - loudest, one.seconds, (-_RANGE_DB, 0.0))
    highest, n_bands = _mel(one.rate / 2), one.decibels.shape[1]
    marks = [mark for mark in _MARKS if mark < one.rate / 2]
    axis.set_yticks([_mel(mark) / highest * n_bands for mark in marks], [f"{mark:,}" for mark in marks])
    return image


def _mel(hz: float) -> float:
    """The HTK mel scale, in whose equal steps the bands lie."""
    return float(2595.0 * np.log10(1.0 + hz / 700.0))


def _plain(text: str) -> str:
    """Text in which Matplotlib sees no formula."""
    return text.replace("$", r"\$")


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as draft, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks shows as boxes
        figure.savefig(draft, dpi=110)
