"""The WAV folders that Luo et al. (2022) released (Zenodo record 6540603)."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from datamodules.clips.folder_parts import part_of
from datamodules.clips.source import ClipSource, Part
from datamodules.dmelodies.rendered import CLIP_SECONDS
from datamodules.errors import DataError
from datamodules.storage.audio_files import audio_files
from modules.audio import resample

_STEM = re.compile(r"(?P<index>\d+)_.*-(?P<instrument>[A-Za-z ]+)")


@dataclass(frozen=True)
class ReleasedWavs(ClipSource):
    """A folder of WAV files named ``<index>_...-<Instrument>.wav``, in ``train``, ``val``, ``test`` or in it.

    Files of other instruments are left out. Audio is mixed to mono, brought to the sample rate and to
    four seconds, and divided by its peak.

    Args:
        folder: The folder.
        instruments: Names of the instruments to keep, in lower case with underscores.
        sample_rate: Sample rate that clips are brought to, in Hz.

    Raises:
        DataError: There is no such folder, no WAV in it, one with another kind of name, or none of an instrument.
    """

    folder: Path
    instruments: tuple[str, ...]
    sample_rate: int
    name = "dmelodies-wav"
    files: tuple[Path, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise DataError(
                f"no folder {self.folder}; correct wav_dir, or leave it out to render the melodies.", argument="wav_dir"
            )
        found = audio_files(self.folder)
        if not found:
            raise DataError(
                f"no WAV file in {self.folder} or its folders; wav_dir should name a folder of the release, like "
                "C_4_major-rFilter-vn_tp-3000.",
                argument="wav_dir",
            )
        kept = tuple(path for path in found if _parse_stem(path)[1] in self.instruments)
        for instrument in self.instruments:
            if not any(_parse_stem(path)[1] == instrument for path in kept):
                there = sorted({_parse_stem(path)[1] for path in found})
                raise DataError(
                    f"no WAV of {instrument} in {self.folder}; it has {', '.join(there)}.", argument="instruments"
                )
        object.__setattr__(self, "files", kept)

    @property
    def n_samples(self) -> int:  # type: ignore[override]
        return CLIP_SECONDS * self.sample_rate

    def __len__(self) -> int:
        return len(self.files)

    def key(self) -> dict[str, Any]:
        facts = [
            (str(path.relative_to(self.folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in self.files
        ]
        return {
            "folder": str(self.folder.resolve()),
            "libsndfile": soundfile.__libsndfile_version__,
            "resampling": resample.VERSION,
            "files_sha256": hashlib.sha256(repr(facts).encode()).hexdigest(),
            "instruments": list(self.instruments),
            "sample_rate": self.sample_rate,
            "seconds": CLIP_SECONDS,
        }

    def audio(self, index: int) -> NDArray[np.float32]:
        path = self.files[index]
        try:
            channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as error:
            raise DataError(f"cannot read {path}: {error} Replace or remove it") from error
        if not len(channels):
            raise DataError(f"{path} holds no sound. Replace or remove it")
        mono = torch.from_numpy(channels.mean(axis=1))
        if not mono.isfinite().all():
            raise DataError(f"{path} holds NaN or infinite samples. Replace or remove it")
        audio = resample.resampled(mono[None], rate, self.sample_rate)[0].numpy()[: self.n_samples]
        peak = np.abs(audio).max(initial=0.0)
        if peak == 0:
            raise DataError(f"{path} holds no sound. Replace or remove it")
        return np.pad(audio / peak, (0, self.n_samples - len(audio))).astype(np.float32)

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        return {"instrument": self.instruments}

    def labels(self) -> dict[str, NDArray[np.integer]]:
        return {"instrument": np.array([self.instruments.index(_parse_stem(path)[1]) for path in self.files])}

    def groups(self) -> NDArray[np.integer]:
        """The melody of each clip: the number in the file's name."""
        return np.array([_parse_stem(path)[0] for path in self.files])

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        """The folder's own division; where it has no validation folder, a random one by melody.

        Whatever lies in a folder that is called like a part belongs to it, in any letter case.
        """
        folders = [path.relative_to(self.folder).parts[:-1] for path in self.files]
        named = [part_of(names) for names in folders]
        if Part.VALIDATION in named:
            return np.array([Part.TRAIN if part is None else part for part in named])
        drawn = super().parts(validation_fraction, seed)
        return np.array([part if own is not Part.TEST else own for own, part in zip(named, drawn, strict=True)])

    def clip_names(self, indices: NDArray[np.integer]) -> list[str]:
        paths = [self.files[index] for index in indices.tolist()]
        return [str(path.relative_to(self.folder)) for path in paths]


def _parse_stem(path: Path) -> tuple[int, str]:
    match = _STEM.fullmatch(path.stem)
    if match is None:
        raise DataError(
            f"{path} is not named like the release's files, <index>_...-<Instrument>.wav; move it elsewhere."
        )
    return int(match["index"]), match["instrument"].strip().lower().replace(" ", "_")
