"""Continuous attributes of a data set's clips: what its source knows, and what is measured on the audio."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from datamodules.analysis import timbral
from datamodules.analysis.attribute_table import AttributeModel, attribute_table
from datamodules.clips.source import ClipSource
from datamodules.errors import DataError

TIMBRAL = AttributeModel(
    "timbral", timbral.VERSION, ("brightness", "depth"), timbral.timbral_attributes, timbral.RESOLUTION
)
"""Attributes of any audio, computed once and kept in a table."""


def check_attributes(wanted: Sequence[str], source: ClipSource) -> None:
    """Checks the names of attributes.

    Raises:
        DataError: The source has no such attribute, and it cannot be measured; or one is named twice.
    """
    known = (*TIMBRAL.columns, *source.attribute_names)
    for name in wanted:
        if name not in known:
            raise DataError(f"attributes has '{name}'; choose from {', '.join(known)}.", argument="attributes")
    if len(set(wanted)) < len(wanted):
        raise DataError(f"attributes is {list(wanted)}; name each once.", argument="attributes")


def attribute_values(source: ClipSource, wanted: Sequence[str], cache_dir: Path, n_workers: int) -> NDArray[np.float32]:
    """Returns attributes of all clips, shape (n_clips, n_wanted); NaN where a clip has none.

    Args:
        source: The clips.
        wanted: Names of attributes.
        cache_dir: Folder of the cache, for tables that cannot lie beside the data.
        n_workers: Worker processes that measure.

    Raises:
        DataError: A table cannot be completed; see `attribute_table`.
    """
    values = {name: np.asarray(column, np.float32) for name, column in source.attributes().items()}
    if set(wanted) & set(TIMBRAL.columns):
        values |= dict(zip(TIMBRAL.columns, _measured(source, cache_dir, n_workers), strict=True))
    return np.stack([values[name] for name in wanted], axis=1) if wanted else np.empty((len(source), 0), np.float32)


def _measured(source: ClipSource, cache_dir: Path, n_workers: int) -> NDArray[np.float32]:
    """The columns of `TIMBRAL`, shape (n_columns, n_clips)."""
    values = np.full((len(TIMBRAL.columns), len(source)), np.nan, np.float32)
    folders = source.attribute_folders() or {_folder(source, cache_dir): np.arange(len(source))}
    for folder, clips in folders.items():
        names = [
            f"{name}, {state}" if state else name
            for name, state in zip(source.clip_names(clips), source.clip_states(clips), strict=True)
        ]
        table = attribute_table(
            dict(zip(names, map(source.audio_maker, clips.tolist()), strict=True)),
            TIMBRAL,
            folder,
            read=partial(_made, source.sample_rate),
            cache_dir=cache_dir,
            n_workers=n_workers,
        )
        for row, name in enumerate(TIMBRAL.columns):
            values[row, clips] = pc.fill_null(table[name], np.nan).to_numpy()
    return values


def _folder(source: ClipSource, cache_dir: Path) -> Path:
    key = hashlib.sha256(json.dumps(source.key(), sort_keys=True).encode()).hexdigest()[:16]
    return cache_dir / f"{source.name}-attributes-{key}"


def _made(sample_rate: int, audio_maker: Callable[[], NDArray[np.float32]]) -> tuple[NDArray[np.float32], int]:
    return audio_maker(), sample_rate
