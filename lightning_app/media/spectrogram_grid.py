"""Grids of spectrograms."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
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
        path: Of the PNG.
        columns: The spectrograms of each column, by title; each of shape (n_examples, n_frames, n_bins).
        row_titles: One for each example.
        seconds: Length of the clips.
        unit: What a bin is.
        scale: What the colours show.
        labels: A text on each spectrogram, by column; one for each example.
    """
    titles, first = list(columns), next(iter(columns.values()))
    # What is shown is scaled by the first column, the input; a wild decoding does not wash it out.
    low, high = np.quantile(first, [0.02, 1.0])
    figure = Figure(figsize=(2.5 * len(titles) + 0.6, 1.9 * len(row_titles) + 0.8), layout="constrained")
    axes = figure.subplots(len(row_titles), len(titles), squeeze=False, sharex=True, sharey=True)
    for column, title in enumerate(titles):
        axes[0, column].set_title(title, fontsize=10)
        axes[-1, column].set_xlabel("seconds", fontsize=8)
        for row, row_title in enumerate(row_titles):
            axis = axes[row, column]
            image = axis.imshow(
                columns[title][row].T,
                origin="lower",
                aspect="auto",
                interpolation="nearest",
                cmap="magma",
                vmin=low,
                vmax=high,
                extent=(0.0, seconds, 0, first.shape[2]),
            )
            axis.tick_params(labelsize=7)
            if labels is not None:
                axis.text(0.03, 0.95, labels[title][row], transform=axis.transAxes, color="w", fontsize=8, va="top")
            if column == 0:
                axis.set_ylabel(f"{row_title}\n{unit}", fontsize=8)
    figure.colorbar(image, ax=axes, label=scale, pad=0.01).ax.tick_params(labelsize=7)
    with whole_file(path) as draft:
        figure.savefig(draft, dpi=110)
