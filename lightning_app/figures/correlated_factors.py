"""What the metrics say of models that were trained on correlated factors, over the strength of the correlation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lightning_app.errors import RunError
from lightning_app.evaluation.scores import LATENT_LABELS
from lightning_app.evaluation.under_correlation import CEILING, SCORES, EncodedClips, scores_under_correlation
from lightning_app.figures.over_seeds import margin
from lightning_app.figures.saving import save_figure
from lightning_app.runs.evaluation_record import EvaluationRecord, is_finished
from lightning_app.runs.run_folder import RunFolder

_VALIDATION = 1  # the part of the encodings
_BESIDE = 0.01  # so that intervals do not cover one another


@dataclass(frozen=True)
class _Trained:
    """A run, and what of it must be the same for all."""

    strength: float
    seed: int
    alike: dict[str, Any]
    clips: EncodedClips


def correlated_factors(runs: Path, n_draws: int = 20, output: Path | None = None) -> None:
    """Draws MIG, DMIG, XMIG and SCC of AR-VAEs over the strength at which two factors of their clips are correlated.

    Three lines: models that were trained without the correlation, which are the same at every strength, so that what
    changes is the score; models that were trained at each strength, on clips of that strength; and these on clips
    without the correlation, which tells what they have learnt. A dotted line is what MIG could be of dimensions that
    tell their attributes perfectly. Bars are 95 % intervals of the mean over seeds (Student's t).

    Clips of a strength are drawn among the validation clips of each run, whose factors are independent, equally many at
    each strength.

    Args:
        runs: Folder of the runs, like runs/correlated_factors, which `disentangle sweep run correlated_factors` makes;
            each needs its encodings, by `disentangle predict --run`.
        n_draws: Number of draws of clips that a score is the mean of.
        output: Folder of ``correlated_factors.png``, ``.svg`` and ``.csv``; by default ``figures`` in that of the runs.

    Raises:
        RunError: There are no such runs, some are not finished or not encoded, or they cannot be compared.
    """
    trained = _read(runs)
    strengths = sorted({run.strength for run in trained})
    factors = trained[0].alike["factors"]
    rows: list[dict[str, Any]] = []
    for run in trained:
        scores, n_clips = scores_under_correlation(run.clips, tuple(factors), strengths, n_draws)
        for tested, values in scores.items():
            for number, attribute in enumerate(run.alike["attributes"]):
                row = {"trained_at": run.strength, "seed": run.seed, "tested_at": tested, "attribute": attribute}
                rows.append(row | {name: of_all[number] for name, of_all in values.items()} | {"n_clips": n_clips})
    table = {name: [row[name] for row in rows] for name in rows[0]}
    folder = runs / "figures" if output is None else output
    shown = f"{len(trained)} runs at strengths {', '.join(map(str, strengths))}"
    save_figure(_drawn(rows, strengths, factors), folder / "correlated_factors", table, shown)


def _read(runs: Path) -> list[_Trained]:
    folders = [RunFolder(path.parent) for path in sorted(runs.glob("*/config.yaml"))]
    if not folders:
        raise RunError(f"no runs in {runs}; make them with `disentangle sweep run correlated_factors`.")
    if unfinished := [folder.path.name for folder in folders if not is_finished(folder)]:
        raise RunError(
            f"{len(unfinished)} of {len(folders)} runs in {runs} are not finished, or not evaluated: "
            f"{', '.join(unfinished)}. The sweep goes on when it is given again."
        )
    if lacking := [folder for folder in folders if not folder.encodings().is_file()]:
        raise RunError(
            f"{len(lacking)} of {len(folders)} runs in {runs} have no encodings: "
            f"{', '.join(folder.path.name for folder in lacking)}. Make them, the first by `disentangle predict --run "
            f"{lacking[0].path}`."
        )
    trained = [_trained(folder) for folder in folders]
    for name, value in trained[0].alike.items():
        for folder, run in zip(folders, trained, strict=True):
            if run.alike[name] != value:
                raise RunError(
                    f"{folders[0].path} and {folder.path} cannot be compared: their {name} are {value} and "
                    f"{run.alike[name]}."
                )
    return trained


def _trained(folder: RunFolder) -> _Trained:
    config, record = folder.read_config(), EvaluationRecord.read(folder)
    data = config["data"].get("init_args", {})
    correlation = data.get("correlation")
    if not correlation:
        raise RunError(f"{folder.config} has no data.correlation; its strength may be 0.")
    if correlation["strength"] and correlation.get("of") != "training":
        raise RunError(
            f"the validation clips of {folder.path} are correlated, and independent ones are needed; train with "
            "--data.correlation.of training."
        )
    dims = record.settings.get("regularized_dims")
    if not dims:
        raise RunError(f"{folder.evaluation} is not of a model with regularised dimensions, like ar_vae.")
    factors = list(correlation["factors"])
    clips = _validation_clips(folder, list(dims.values()), factors)
    alike = {"factors": factors, "attributes": list(dims), "max_epochs": config["trainer"]["max_epochs"]}
    alike |= {"numbers of validation clips": len(clips.latents)}
    return _Trained(float(correlation["strength"]), int(config["seed_everything"]), alike, clips)


def _validation_clips(folder: RunFolder, dims: Sequence[int], factors: Sequence[str]) -> EncodedClips:
    with np.load(folder.encodings()) as encodings:
        try:
            rows = encodings["part"] == _VALIDATION
            return EncodedClips(
                latents=encodings["z_mean"][rows],
                attributes=encodings["attributes"][rows, : len(dims)],
                dims=dims,
                values={name: tuple(encodings[f"{name}_names"].tolist()) for name in factors},
                labels={name: encodings[name][rows] for name in factors},
            )
        except KeyError as error:
            raise RunError(
                f"{folder.encodings()} is not of these models and data: {error.args[0]}. "
                f"`disentangle predict --run {folder.path}` makes it again."
            ) from error


def _drawn(rows: Sequence[Mapping[str, Any]], strengths: Sequence[float], factors: Sequence[str]) -> Figure:
    attributes = list(dict.fromkeys(row["attribute"] for row in rows))
    figure = Figure(figsize=(3.1 * len(SCORES), 2.6 * len(attributes) + 0.9), layout="constrained")
    panels = figure.subplots(len(attributes), len(SCORES), squeeze=False, sharex=True, sharey=True)
    for attribute, line_of_panels in zip(attributes, panels, strict=True):
        own = [row for row in rows if row["attribute"] == attribute]
        for score, panel in zip(SCORES, line_of_panels, strict=True):
            _draw(panel, score, own, strengths)
            panel.set_title(f"{LATENT_LABELS[score]}, {attribute}", fontsize=10)
            panel.grid(alpha=0.3)
    figure.supxlabel(f"strength of the correlation of {' and '.join(factors)}", fontsize=10)
    handles = {
        label: line for panel in panels[0] for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=2, fontsize=8)
    return figure


def _draw(panel: Axes, score: str, rows: Sequence[Mapping[str, Any]], strengths: Sequence[float]) -> None:
    def at(value: str, trained: float, tested: float) -> NDArray[np.float64]:
        pairs = ((row["trained_at"], row["tested_at"], row[value]) for row in rows)
        return np.array([one for of, on, one in pairs if of == trained and on == tested])

    without = min(strengths)
    for shift, colour, label, pairs in (
        (-_BESIDE, "#0072b2", f"trained at {without:g}, tested at the strength", [(without, one) for one in strengths]),
        (0.0, "#d55e00", "trained and tested at the strength", [(one, one) for one in strengths]),
        (_BESIDE, "#009e73", f"trained at the strength, tested at {without:g}", [(one, without) for one in strengths]),
    ):
        values = [at(score, *pair) for pair in pairs]
        means = np.array([one.mean() for one in values])
        margins = np.array([margin(one) for one in values])
        places = np.array(strengths) + shift
        panel.errorbar(places, means, margins, fmt="o-", color=colour, label=label, markersize=3.5, capsize=2.5)
    if score == "mig":
        ceiling = [np.mean([at(CEILING, one, strength).mean() for one in strengths]) for strength in strengths]
        panel.plot(strengths, ceiling, ":", color="black", label="the most that MIG can be")
