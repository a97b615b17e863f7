"""NSynth as a LightningDataModule."""

from pathlib import Path
from typing import Any, Literal

from datamodules.clips.datamodule import ClipDataModule
from datamodules.clips.sample_rate import sample_rate_of
from datamodules.nsynth.index import NoteFilter
from datamodules.nsynth.notes import NoteFormat
from datamodules.nsynth.rendered import RenderedNotes
from datamodules.nsynth.source import NSynthSource
from datamodules.storage.cache import DEFAULT_CACHE_DIR
from datamodules.storage.cores import usable_cores
from modules.audio.representation import Representation


class NSynthDataModule(ClipDataModule):
    """Notes of NSynth, from the release as it is unpacked or rendered in its layout.

    Its classes are family, source, instrument, pitch and velocity; pitch and velocity are attributes, too. Brightness
    and depth are kept in a table beside the notes. In memory are the index (about 60 bytes a note) and the attributes.

    Args:
        root: The folder with ``nsynth-train``, ``nsynth-valid`` and, for testing, ``nsynth-test``; where that is
            missing, tests take the validation notes. None renders notes with FluidSynth.
        families: Families to take, like ``[bass, string]``; None takes all.
        sources: Sources to take, some of acoustic, electronic and synthetic; None takes all.
        pitches: The lowest and the highest MIDI note to take; None takes all.
        velocities: Velocities to take; None takes all.
        n_samples: Length of every note, in samples; NSynth's have four seconds.
        rendered: The notes to render where ``root`` is None.
        soundfont: A soundfont of one's own to render with.
        representation: What a model hears; None is `modules.audio.LogMelSequence` as it is published.
        represent: When that is computed: ``on_device`` at each step, from the notes' files, or ``ahead`` of training,
            into the cache.
        batch_size: Notes in a batch, on each device.
        prepare_workers: Processes that render, measure and represent notes; None takes one for each CPU core.
        cache_dir: Folder of the cache, for rendered notes and, if ``root`` is read-only, the table of attributes.
        common: See `datamodules.ClipDataModule`; its ``validation_fraction`` does not apply.

    Raises:
        DataError: An option that names nothing, or nothing usable.
    """

    def __init__(
        self,
        root: Path | None = None,
        families: tuple[str, ...] | None = None,
        sources: tuple[str, ...] | None = None,
        pitches: tuple[int, int] | None = None,
        velocities: tuple[int, ...] | None = None,
        n_samples: int = 64_000,
        rendered: RenderedNotes = RenderedNotes(),  # noqa: B008 (frozen)
        soundfont: Path | None = None,
        representation: Representation | None = None,
        represent: Literal["ahead", "on_device"] = "on_device",
        batch_size: int = 32,
        prepare_workers: int | None = None,
        cache_dir: Path = DEFAULT_CACHE_DIR,
        **common: Any,
    ) -> None:
        source = NSynthSource(
            None if root is None else Path(root).expanduser(),
            NoteFilter(families, sources, pitches, velocities),
            NoteFormat(sample_rate_of(representation), n_samples),
            rendered,
            soundfont,
            prepare_workers or usable_cores(),
            Path(cache_dir).expanduser(),
        )
        super().__init__(
            source,
            representation=representation,
            represent=represent,
            batch_size=batch_size,
            prepare_workers=prepare_workers,
            cache_dir=cache_dir,
            **common,
        )
