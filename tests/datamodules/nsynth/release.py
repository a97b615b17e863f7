"""Releases of NSynth with short notes, each with its own pitch and its own balance of harmonics."""

import json
from pathlib import Path

import numpy as np
import soundfile

from datamodules.nsynth.index import FAMILIES, SOURCES

RATE = 16_000
N_SAMPLES = 4000
SILENT = "guitar_acoustic_002-052-075"
TRAIN = (
    "bass_electronic_018-031-100",
    "bass_electronic_018-036-050",
    "brass_acoustic_006-060-127",
    "flute_acoustic_001-072-100",
    SILENT,
    "keyboard_synthetic_000-048-025",
    "keyboard_synthetic_000-055-100",
    "organ_electronic_104-064-075",
    "string_acoustic_014-067-050",
    "synth_lead_synthetic_003-084-100",
    "vocal_acoustic_000-057-127",
)
VALID = ("bass_synthetic_033-033-050", "flute_synthetic_000-079-100", "organ_electronic_001-060-127")
TEST = ("reed_acoustic_037-068-127", "reed_acoustic_037-070-025")


def write_note(path: Path, number: int) -> None:
    pitch = int(path.stem.split("-")[1])
    time = np.arange(N_SAMPLES) / RATE
    orders = np.arange(1, 8)
    tone = np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.outer(time, orders)) @ (
        1 / orders ** (1 + number % 4)
    )
    audio = 0.0 * tone if path.stem == SILENT else 0.5 * tone / np.abs(tone).max() * np.exp(-4 * time)
    soundfile.write(path, audio, RATE, subtype="PCM_16")


def entry(name: str) -> dict[str, object]:
    """As the release has it, as far as anything of it is read."""
    instrument, pitch, velocity = name.rsplit("-", 2)
    family, source, _ = instrument.rsplit("_", 2)
    return {
        "note_str": name,
        "instrument_str": instrument,
        "instrument_family": FAMILIES.index(family),
        "instrument_family_str": family,
        "instrument_source": SOURCES.index(source),
        "instrument_source_str": source,
        "pitch": int(pitch),
        "velocity": int(velocity),
    }


def write_release(root: Path, **splits: tuple[str, ...]) -> Path:
    """Writes splits, each with the notes of these names."""
    for split, names in splits.items():
        audio = root / f"nsynth-{split}" / "audio"
        audio.mkdir(parents=True)
        for number, name in enumerate(names):
            write_note(audio / f"{name}.wav", number)
        entries = {name: entry(name) for name in reversed(names)}
        (audio.parent / "examples.json").write_text(json.dumps(entries))
    return root


def path_of(root: Path, split: str, name: str) -> Path:
    return root / f"nsynth-{split}" / "audio" / f"{name}.wav"


def audio_of(root: Path, split: str, name: str) -> np.ndarray:
    return soundfile.read(path_of(root, split, name))[0]


def entries_of(root: Path) -> dict[str, dict[str, object]]:
    """What all splits' ``examples.json`` say."""
    paths = root.glob("nsynth-*/examples.json")
    return {name: said for path in paths for name, said in json.loads(path.read_text()).items()}
