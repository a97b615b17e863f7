"""Grids of spectrograms."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from lightning_app.files import whole_file


def save_spectrogram_grid(
    path: Path,
    columns: Mapping[str, NDArray[np.floating]],
    row_titles: Sequence[str],
    seconds: float,
    *,
    unit: str = "mel band",
    scale: str = "log power",
    labels: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Draws a PNG with a row for each example and a column for each version of it, all in one colour scale.

    Args:
        path: Path of the PNG.
        columns: The spectrograms of each column, by title; each of shape (n_examples, n_frames, n_bins).
        row_titles: One for each example.
        seconds: Length of the clips.
        unit: What a bin is.
        scale: What the colours show.
        labels: A text on each spectrogram, by column; one for each example.
    """
    titles, first = list(columns), next(iter(columns.values()))
    colours = colour_range(first)
    figure = Figure(figsize=(2.5 * len(titles) + 0.6, 1.9 * len(row_titles) + 0.8), layout="constrained")
    axes = figure.subplots(len(row_titles), len(titles), squeeze=False, sharex=True, sharey=True)
    for column, title in enumerate(titles):
        axes[0, column].set_title(title, fontsize=10)
        axes[-1, column].set_xlabel("seconds", fontsize=8)
        for row, row_title in enumerate(row_titles):
            axis = axes[row, column]
            image = show_spectrogram(axis, columns[title][row], seconds, colours)
            if labels is not None:
                axis.text(0.03, 0.95, labels[title][row], transform=axis.transAxes, color="w", fontsize=8, va="top")
            if column == 0:
                axis.set_ylabel(f"{row_title}\n{unit}", fontsize=8)
    figure.colorbar(image, ax=axes, label=scale, pad=0.01).ax.tick_params(labelsize=7)
    with whole_file(path) as draft:
        figure.savefig(draft, dpi=110)


def colour_range(inputs: NDArray[np.floating]) -> tuple[float, float]:
    """Returns the values of the darkest and the lightest colour from what a model heard.

    A wild decoding then does not wash out what it stands beside.
    """
    low, high = np.quantile(inputs, [0.02, 1.0])
    return float(low), float(high)


def show_spectrogram(
    axis: Axes, spectrogram: NDArray[np.floating], seconds: float, colours: tuple[float, float]
) -> AxesImage:
    """Draws a spectrogram of shape (n_frames, n_bins) and a length in seconds; see `colour_range`."""
    axis.tick_params(labelsize=7)
    return axis.imshow(
        spectrogram.T,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="magma",
        vmin=colours[0],
        vmax=colours[1],
        extent=(0.0, seconds, 0, spectrogram.shape[1]),
    )
