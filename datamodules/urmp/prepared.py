"""Segments of URMP that were prepared in the layout of Hayes et al. (2021): ``<instrument>/<split>/audio/*.npy``."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.clips.source import ClipSource, Part
from datamodules.errors import DataError
from datamodules.storage.audio_files import is_audio_file
from datamodules.urmp.segments import SEGMENT_SECONDS
from datamodules.urmp.stems import INSTRUMENTS, check_instruments

SPLITS = {"train": Part.TRAIN, "val": Part.VALIDATION, "test": Part.TEST}

_CODES = {name: code for code, name in INSTRUMENTS.items()}


@dataclass(frozen=True)
class PreparedSegments(ClipSource):
    """Segments in one NumPy file each, with the division into training and validation that their folders are.

    Audio is as in the files: normalisation and choice are done. The folder of test segments may be missing.

    Args:
        folder: The folder with a folder for each instrument, named by URMP's code (``vn``) or by its name (``violin``).
        instruments: Names from `INSTRUMENTS`, in the order of their numbers.
        sample_rate: Sample rate of the segments, in Hz; the files do not tell.

    Raises:
        DataError: No such folder, or no segments of an instrument in one of the splits.
    """

    folder: Path
    instruments: tuple[str, ...]
    sample_rate: int
    name = "urmp-prepared"
    files: tuple[tuple[Path, int, Part], ...] = field(init=False)
    """The file of each segment, the number of its instrument, and what it is for."""

    def __post_init__(self) -> None:
        check_instruments(self.instruments)
        if not self.folder.is_dir():
            raise DataError(
                f"no folder {self.folder}; correct prepared_dir, or set root to URMP itself.", argument="prepared_dir"
            )
        files = []
        for number, instrument in enumerate(self.instruments):
            for split, part in SPLITS.items():
                there = (self._instrument_folder(instrument) / split / "audio").glob("*")
                found = sorted(path for path in there if is_audio_file(path.name, (".npy",)))
                if not found and part is not Part.TEST:
                    raise DataError(
                        f"no segments of {instrument} for '{split}' in {self.folder}: expected "
                        f"{_CODES[instrument]}/{split}/audio/*.npy. Correct prepared_dir or instruments.",
                        argument="prepared_dir",
                    )
                files += [(path, number, part) for path in found]
        object.__setattr__(self, "files", tuple(files))

    @property
    def n_samples(self) -> int:  # type: ignore[override]
        return SEGMENT_SECONDS * self.sample_rate

    def __len__(self) -> int:
        return len(self.files)

    def key(self) -> dict[str, Any]:
        states = [(path, path.stat()) for path, _, _ in self.files]
        facts = [(str(path.relative_to(self.folder)), state.st_size, state.st_mtime_ns) for path, state in states]
        return {
            "folder": str(self.folder.resolve()),
            "files_sha256": hashlib.sha256(repr(facts).encode()).hexdigest(),
            "instruments": list(self.instruments),
            "sample_rate": self.sample_rate,
        }

    def audio(self, index: int) -> NDArray[np.float32]:
        path = self.files[index][0]
        try:
            with path.open("rb") as file:
                audio = np.lib.format.read_array(file, allow_pickle=False)  # np.load would open an archive, too
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"cannot read {path}: {error} Replace or remove it") from error
        if audio.shape != (self.n_samples,):
            raise DataError(
                f"{path} has the shape {audio.shape}; expected ({self.n_samples},), {SEGMENT_SECONDS} s at "
                f"{self.sample_rate} Hz. Replace or remove it, or correct sample_rate"
            )
        if not np.issubdtype(audio.dtype, np.floating):
            raise DataError(f"{path} does not hold audio in floating-point numbers. Replace or remove it")
        if not np.isfinite(audio).all():
            raise DataError(f"{path} holds NaN or infinite samples. Replace or remove it")
        return audio.astype(np.float32)

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        return {"instrument": self.instruments}

    def labels(self) -> dict[str, NDArray[np.integer]]:
        return {"instrument": np.array([number for _, number, _ in self.files])}

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        """The folders' own division."""
        return np.array([part for _, _, part in self.files])

    def clip_names(self, indices: NDArray[np.integer]) -> list[str]:
        paths = [self.files[index][0] for index in indices.tolist()]
        return [str(path.relative_to(self.folder)) for path in paths]

    def _instrument_folder(self, instrument: str) -> Path:
        by_code = self.folder / _CODES[instrument]
        return by_code if by_code.is_dir() else self.folder / instrument
