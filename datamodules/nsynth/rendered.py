"""Notes rendered from a soundfont in NSynth's own layout, for those who do not have NSynth."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from datamodules.clips.correlation import Correlation
from datamodules.clips.split import check_fraction
from datamodules.errors import DataError
from datamodules.nsynth.factors import notes_by_factors
from datamodules.nsynth.index import FAMILIES, SOURCES
from datamodules.nsynth.notes import NoteFormat
from datamodules.storage.cores import usable_cores
from datamodules.storage.sound_bytes import sound_bytes
from datamodules.storage.whole import OUT_OF_SPACE, whole_folder
from datamodules.storage.worker_pool import in_order
from datamodules.synthesis import fluidsynth, general_midi

INSTRUMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "bass": {
        "acoustic": ("acoustic_bass",),
        "electronic": ("fingered_bass", "picked_bass", "fretless_bass", "slap_bass_1"),
        "synthetic": ("synth_bass_1", "synth_bass_2"),
    },
    "brass": {
        "acoustic": ("trumpet", "trombone", "tuba", "muted_trumpet", "french_horn"),
        "synthetic": ("synth_brass_1",),
    },
    "flute": {"acoustic": ("piccolo", "flute", "recorder", "pan_flute", "ocarina")},
    "guitar": {
        "acoustic": ("nylon_guitar", "steel_guitar", "banjo"),
        "electronic": ("jazz_guitar", "clean_electric_guitar", "distortion_guitar"),
    },
    "keyboard": {
        "acoustic": ("acoustic_grand_piano", "honky_tonk_piano", "harpsichord"),
        "electronic": ("electric_piano_1", "electric_piano_2", "clavinet"),
    },
    "mallet": {"acoustic": ("celesta", "glockenspiel", "vibraphone", "marimba", "xylophone", "tubular_bells")},
    "organ": {"acoustic": ("church_organ", "reed_organ"), "electronic": ("drawbar_organ", "rock_organ")},
    "reed": {"acoustic": ("soprano_sax", "alto_sax", "tenor_sax", "oboe", "bassoon", "clarinet")},
    "string": {"acoustic": ("violin", "viola", "cello", "contrabass", "pizzicato_strings", "orchestral_harp")},
    "synth_lead": {"synthetic": ("square_lead", "sawtooth_lead", "charang_lead")},
    "vocal": {"acoustic": ("choir_aahs", "voice_oohs"), "synthetic": ("synth_voice",)},
}
"""General MIDI instruments by NSynth's families and sources."""

# NSynth's notes are held for three of their four seconds (Engel et al. 2017, section 4.1).
_HELD, _RELEASED = 3.0, 1.0


@dataclass(frozen=True)
class RenderedNotes:
    """Which notes to render: every instrument of the families at every pitch and velocity that it can play.

    Attributes:
        families: Some of NSynth's families.
        pitches: MIDI notes to render.
        velocities: MIDI velocities to render, 1 to 127; NSynth has 25, 50, 75, 100 and 127.
        validation_fraction: Share of the instruments of each family whose notes are for validation; NSynth, too, has
            no instrument on both sides.
        seed: Seed of the choice of instruments for validation, and of what is passed over for a correlation.
        correlation: Two factors that go together, like ``{factors: [pitch, velocity], strength: 0.8}``: some of family,
            source, instrument, pitch and velocity. The stronger, the fewer of the notes are rendered. None renders all,
            as a strength of 0 does.
        held_out: Combinations of factors that no training note is to have, like ``[{family: string, pitch: 60}]``;
            notes for validation have them.

    Raises:
        DataError: A family or factor that there is not, or no note at all.
    """

    families: tuple[str, ...] = FAMILIES
    pitches: tuple[int, ...] = tuple(range(36, 97, 6))
    velocities: tuple[int, ...] = (50, 100)
    validation_fraction: float = 0.2
    seed: int = 0
    correlation: Correlation | None = None
    held_out: tuple[dict[str, str | int], ...] = ()

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise DataError(f"seed is {self.seed}; it must be 0 or more.", argument="rendered.seed")
        if len(set(self.families)) < len(self.families):
            raise DataError(f"families is {list(self.families)}; name each once.", argument="rendered.families")
        for family in self.families:
            if family not in INSTRUMENTS:
                raise DataError(
                    f"families has '{family}'; choose from {', '.join(INSTRUMENTS)}.", argument="rendered.families"
                )
        for name, lowest in (("pitches", 0), ("velocities", 1)):
            values = getattr(self, name)
            if not values or any(not lowest <= value <= 127 for value in values):
                raise DataError(
                    f"{name} is {list(values)}; it needs MIDI numbers from {lowest} to 127.",
                    argument=f"rendered.{name}",
                )
        if not self.families:
            raise DataError("families is empty; name one or more.", argument="rendered.families")
        check_fraction(self.validation_fraction, "rendered.validation_fraction")
        self.notes()  # says what cannot be chosen

    def notes(self) -> "dict[str, list[Note]]":
        """Returns the notes of ``train`` and ``valid``."""
        parts = self._all_notes()
        if not self._chooses:
            return parts
        return notes_by_factors(parts, self.correlation, self.held_out, self.seed)

    @property
    def _chooses(self) -> bool:
        """Whether notes are left out for what their factors are."""
        return bool(self.held_out or (self.correlation is not None and self.correlation.strength))

    def _all_notes(self) -> "dict[str, list[Note]]":
        generator = np.random.default_rng(self.seed)
        parts: dict[str, list[Note]] = {"train": [], "valid": []}
        for family in self.families:
            instruments = [
                (source, number, program)
                for source, programs in INSTRUMENTS[family].items()
                for number, program in enumerate(programs)
            ]
            n_valid = min(max(1, round(self.validation_fraction * len(instruments))), len(instruments) - 1)
            valid = set(generator.permutation(len(instruments))[:n_valid].tolist())
            for position, (source, number, program) in enumerate(instruments):
                parts["valid" if position in valid else "train"] += [
                    Note(family, source, number, program, pitch, velocity)
                    for pitch in self.pitches
                    for velocity in self.velocities
                ]
        return parts

    def key(self, form: NoteFormat, soundfont: Path) -> dict[str, Any]:
        """Returns all that determines the rendered files, as JSON values."""
        described = asdict(self)
        if not self._chooses:  # as before there was a choice, so that notes need not be rendered again
            del described["correlation"], described["held_out"]
        return {
            **json.loads(json.dumps(described)),
            "instruments": INSTRUMENTS,
            "seconds": [_HELD, _RELEASED],
            "sample_rate": form.sample_rate,
            "n_samples": form.n_samples,
            **fluidsynth.synthesis_key(soundfont),
        }


class Note(NamedTuple):
    """A note to render."""

    family: str
    source: str
    number: int
    instrument: str
    pitch: int
    velocity: int

    @property
    def name(self) -> str:
        """The name of the note, as NSynth forms it.

        >>> Note("bass", "synthetic", 1, "synth_bass_2", 31, 100).name
        'bass_synthetic_001-031-100'
        """
        return f"{self.instrument_name}-{self.pitch:03d}-{self.velocity:03d}"

    @property
    def instrument_name(self) -> str:
        """The name of the instrument, as NSynth forms it."""
        return f"{self.family}_{self.source}_{self.number:03d}"

    def entry(self, sample_rate: int) -> dict[str, Any]:
        """Returns its entry of ``examples.json``."""
        return {
            "note_str": self.name,
            "instrument_str": self.instrument_name,
            "instrument_family": FAMILIES.index(self.family),
            "instrument_family_str": self.family,
            "instrument_source": SOURCES.index(self.source),
            "instrument_source_str": self.source,
            "pitch": self.pitch,
            "velocity": self.velocity,
            "sample_rate": sample_rate,
            "general_midi": self.instrument,
        }


def render_nsynth(folder: Path, notes: RenderedNotes, form: NoteFormat, soundfont: Path, n_workers: int) -> list[str]:
    """Writes notes in the layout of NSynth's release: ``nsynth-{train,valid}/{examples.json,audio/*.wav}``.

    Args:
        folder: Folder that the notes are written to; made where missing.
        notes: The notes to render.
        form: Sample rate and length of the notes.
        soundfont: The soundfont, an SF2 or SF3 file.
        n_workers: Processes that render. The files do not depend on their number.

    Returns:
        The names of notes that were left out, since they are out of their instrument's range.

    Raises:
        DataError: FluidSynth or the soundfont cannot be used, or a split is left without a note.
    """
    splits = {folder / f"nsynth-{split}": wanted for split, wanted in notes.notes().items()}
    for split in splits:
        (split / "audio").mkdir(parents=True, exist_ok=True)
    calls = [(note, split / "audio", form, soundfont) for split, wanted in splits.items() for note in wanted]
    left_out: list[str] = []
    # Closed, so that no process writes to the folder after an error has left this function.
    with closing(in_order(_render, calls, n_workers, title="Rendering notes")) as in_range:
        for split, wanted in splits.items():
            sounding = list(islice(in_range, len(wanted)))
            played = [note for note, sounds in zip(wanted, sounding, strict=True) if sounds]
            left_out += [note.name for note, sounds in zip(wanted, sounding, strict=True) if not sounds]
            if not played:
                raise DataError(
                    f"all notes of {split.name} are out of their instruments' ranges; choose other pitches.",
                    argument="rendered.pitches",
                )
            entries = {note.name: note.entry(form.sample_rate) for note in played}
            (split / "examples.json").write_text(json.dumps(entries, indent=1) + "\n")
    return left_out


def _render(note: Note, folder: Path, form: NoteFormat, soundfont: Path) -> bool:
    """Renders a note to its file; False where it is out of its instrument's range."""
    try:
        wave = fluidsynth.render(
            np.array([note.pitch, -1]),
            general_midi.program(note.instrument),
            soundfont=soundfont,
            sample_rate=form.sample_rate,
            n_samples=form.n_samples,
            durations=(_HELD, _RELEASED),
            velocity=note.velocity,
        )
    except fluidsynth.NoteRangeError:
        return False
    (folder / f"{note.name}.wav").write_bytes(sound_bytes(wave, form.sample_rate))
    return True


def render_to(
    destination: Path,
    notes: RenderedNotes = RenderedNotes(),
    soundfont: Path | None = None,
    n_workers: int | None = None,
) -> None:
    """Renders notes with a soundfont in the layout of NSynth's release.

    Args:
        destination: A folder that does not exist yet; it appears when all notes are rendered.
        notes: The notes to render.
        soundfont: A soundfont of one's own (SF2 or SF3); None for the system's.
        n_workers: Processes that render; None takes one for each CPU core.

    Raises:
        DataError: The folder exists, another process renders to it, it cannot be made, a number of workers below 1, or
            see `render_nsynth`.
    """
    if n_workers is not None and n_workers < 1:
        raise DataError(f"n_workers is {n_workers}; it must be 1 or more.", argument="n_workers")
    _refuse_existing(destination)
    font = fluidsynth.find_soundfont(soundfont)
    with _alone_at(destination), whole_folder(destination) as draft:
        left_out = render_nsynth(draft, notes, NoteFormat(), font, n_workers or usable_cores())
    if left_out:
        print(f"Left out {len(left_out)} notes out of their instruments' ranges: {', '.join(left_out)}.")


def _refuse_existing(destination: Path) -> None:
    if destination.exists():
        raise DataError(f"{destination} exists already; name another folder, or remove it first.")


@contextmanager
def _alone_at(destination: Path) -> Iterator[None]:
    """Keeps other processes from rendering to the same folder."""
    lock = FileLock(destination.with_name(f".{destination.name}.lock"), timeout=0)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            try:
                _refuse_existing(destination)
                yield
            finally:
                Path(lock.lock_file).unlink(missing_ok=True)
    except Timeout:
        raise DataError(
            f"another process is rendering to {destination}; wait for it, or name another folder."
        ) from None
    except OSError as error:
        remedy = "free some space" if error.errno in OUT_OF_SPACE else "name another folder"
        raise DataError(f"cannot write {destination}: {error.strerror}; {remedy}. Nothing was left of it.") from error
