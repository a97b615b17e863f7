"""Figure 7 of Luo et al. (2022): a source whose global latent is replaced by that of three targets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from datamodules.protocols import ClipData
from lightning_app.errors import RunError
from lightning_app.evaluation.kept_melody import Heard, listen
from lightning_app.evaluation.replacement import N_TARGETS, ROLES, Reader, Replacement, replace, title
from lightning_app.evaluation.requirements import clip_data, swappable
from lightning_app.figures.saving import save_figure, save_table
from lightning_app.media.examples import save_wav
from lightning_app.media.spectrogram_grid import colour_range, show_spectrogram
from lightning_app.runs.load_run import load_run
from lightning_app.runs.run_folder import RunFolder


def global_factors(
    run: Path,
    factors: tuple[str, str] = ("instrument", "octave"),
    seed: int = 0,
    output: Path | None = None,
    trust: bool = False,
) -> None:
    """Draws what becomes of a clip when its v is replaced by that of clips that differ in one factor, or in both.

    Above are three targets: of another class in the first factor, in the second, and in both. Below are the source and,
    under each target, the source's z decoded with the target's v, on posterior means. The melodies are four. Under each
    panel is what was measured: the classes that a linear discriminant analysis of the training clips reads from v
    (encoded anew from what was decoded), and the pitch by CREPE of the audio made from the spectrogram. The melody is
    kept where that is the source's, moved by the octaves between source and target where one factor is the octave.

    Args:
        run: The folder of a run on data with two such factors, like dmelodies_two_octaves.
        factors: Two attributes of the data that are classes.
        seed: Seed of the choice of classes and clips, of the pairs of all validation clips, and of the phases of the
            audio.
        output: Folder of ``global_factors.png``, ``.svg``, ``.csv``, the WAVs in ``global_factors/`` and, over all
            validation clips, ``global_factors_f1.csv``; by default the run's own ``figures``.
        trust: Whether a run from another machine may name any class or function, which is then executed.

    Raises:
        RunError: The run has no model with v and z, its data no such factors, or no such clips.
    """
    made = load_run(run, trust=trust)
    model, known = swappable(made.model), clip_data(made.data).class_names
    if missing := [factor for factor in factors if factor not in known]:
        raise RunError(f"the data of {run} has no factor {', '.join(missing)}; it has {', '.join(known)} (--factors).")
    if factors[0] == factors[1]:
        raise RunError(f"the figure is of two different factors; got {factors[0]} twice (--factors).")
    data = clip_data(made.ready_data)

    sounds = replace(model, data, factors, seed)
    reader = Reader(model, data, factors)
    read, f1 = reader.classes(sounds.x), reader.validation_f1(seed)
    representation, n_samples = data.representation, data.n_samples
    octaves = octaves_above_source(data, factors, sounds.wanted)
    heard = listen(sounds.x, representation, n_samples, octaves, seed)
    wanted_titles, read_titles = ([title(data, factors, row) for row in rows] for rows in (sounds.wanted, read))

    folder = RunFolder(run).figures if output is None else output
    summary = (
        f"all {len(data.validation_dataset)} validation clips,\neach with the v of one that differs in both:\nmacro F1 "
        + ", ".join(f"{factor} {f1[factor]:.3f}" for factor in factors)
    )
    seconds, pictures = n_samples / representation.sample_rate, representation.picture(sounds.x, n_samples).numpy()
    figure = _drawn(pictures, wanted_titles, read_titles, heard, seconds, summary)
    rows = _rows(data, factors, sounds, read, heard)
    table = {name: [row[name] for row in rows] for name in rows[0]}
    save_figure(figure, folder / "global_factors", table, f"over {summary}".replace("\n", " "))
    save_table(folder / "global_factors_f1.csv", {"factor": f1.keys(), "macro_f1": f1.values()})
    for former in (folder / "global_factors").glob("*.wav"):  # of another seed, say
        former.unlink()
    for role, wanted, wave in zip(ROLES, wanted_titles, heard.audio, strict=True):
        name = f"{role}_{wanted}".replace(",", "").replace(" ", "_") + ".wav"
        save_wav(folder / "global_factors" / name, wave, representation.sample_rate)
    print(f"Wrote what they sound like to {folder / 'global_factors'}, and these scores to global_factors_f1.csv.")


def octaves_above_source(data: ClipData, factors: Sequence[str], wanted: NDArray[np.int64]) -> list[int]:
    """Returns how many octaves above the first, the source, each should sound: none where no factor is the octave.

    Args:
        data: Data with the names of the classes.
        factors: Two attributes that are classes.
        wanted: The class of each sound in either, shape (n, 2).
    """
    if "octave" not in factors:
        return [0] * len(wanted)
    octaves = [int(data.class_names["octave"][label]) for label in wanted[:, factors.index("octave")]]
    return [octave - octaves[0] for octave in octaves]


def _drawn(
    log_mels: NDArray[np.float32],
    wanted: Sequence[str],
    read: Sequence[str],
    heard: Heard,
    seconds: float,
    summary: str,
) -> Figure:
    """The seven panels, with what each should be above it and what was measured below."""
    figure = Figure(figsize=(3.0 * (N_TARGETS + 1) + 0.6, 6.6), layout="constrained")
    axes = figure.subplots(2, N_TARGETS + 1, sharex=True, sharey=True)
    axes[0, 0].axis("off")
    note = f"Below: the source, and its z\nwith the v of each target.\n\nOver {summary}"
    axes[0, 0].text(0.0, 0.5, note, transform=axes[0, 0].transAxes, fontsize=8, va="center")
    colours = colour_range(log_mels[: 1 + N_TARGETS])
    panels = [axes[1, 0], *axes[0, 1:], *axes[1, 1:]]
    for number, (axis, role) in enumerate(zip(panels, ROLES, strict=True)):
        image = show_spectrogram(axis, log_mels[number], seconds, colours)
        replaced = number > N_TARGETS
        axis.set_title(f"{'expected' if replaced else role.replace('_', ' ')}: {wanted[number]}", fontsize=9)
        pitch, kept = heard.median_hz[number], heard.accuracy[number]
        measured = [f"LDA of v reads {read[number]}", "no pitch" if pitch is None else f"median pitch {pitch:.0f} Hz"]
        if replaced and kept is not None:
            measured.append(f"melody kept in {kept:.0%} of voiced frames")
        axis.set_xlabel("\n".join(["seconds", *measured]), fontsize=8)
        axis.tick_params(labelbottom=True)
    for axis in (axes[0, 1], axes[1, 0]):
        axis.tick_params(labelleft=True)
        axis.set_ylabel("mel band", fontsize=8)
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=40)
    bar.set_label("log power", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def _rows(
    data: ClipData, factors: Sequence[str], sounds: Replacement, read: NDArray[np.int64], heard: Heard
) -> list[dict[str, Any]]:
    """What is known of each of the seven sounds; where a factor is replaced, clip and melody are the source's."""
    dataset, rows = data.validation_dataset, []
    for number, (role, position) in enumerate(zip(ROLES, sounds.positions, strict=True)):
        row: dict[str, Any] = {"role": role, "clip": int(dataset.indices[position])}
        for suffix, classes in (("", sounds.wanted), ("_read", read)):
            named = zip(factors, classes[number], strict=True)
            row |= {f"{factor}{suffix}": data.class_names[factor][label] for factor, label in named}
        row["melody"] = int(dataset.groups[position])
        row["median_pitch_hz"] = heard.median_hz[number]
        row["raw_pitch_accuracy"] = heard.accuracy[number] if number > N_TARGETS else None
        rows.append(row)
    return rows
