"""The page of a report: its sections, put together into one HTML file."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from rich.progress import Progress

from datamodules.protocols import ClipData
from lightning_app.listening.opened_run import OpenedRun
from lightning_app.listening.tiles import Sounds, TileMaker
from lightning_app.report.curves import curves
from lightning_app.report.latent_map import LatentMap, latent_map
from lightning_app.report.line_chart import HEIGHT, WIDTH
from lightning_app.report.overview import overview
from lightning_app.report.score_tables import score_tables
from lightning_app.report.swaps import AudioMatrix, Examples, audio_matrix, examples
from lightning_app.report.traversals import TraversalRow, traversals
from modules.seeding import seeded

GENERATOR = '<meta name="generator" content="disentangle report">'
"""What tells a report from other pages, near its beginning."""

ASSETS = Path(__file__).parent / "assets"
"""The folder of the page's template, style and script."""
# The colours of a picture are those of what the model heard in this many clips.
_N_CLIPS_OF_COLOURS = 64


@dataclass(frozen=True)
class Choices:
    """What a report shows of each run.

    Attributes:
        factor: The way of classing to swap by; None takes the first of each run's data.
        sources: Number of sources in the audio matrix.
        examples: Number of pairs, and of clips whose dimensions are traversed.
        points: Number of clips on the map.
        seed: Seed of the choice of clips, and of the phases of their audio.
    """

    factor: str | None
    sources: int
    examples: int
    points: int
    seed: int


@dataclass
class RunSection:
    """What there is to see and hear of a run; what there is not is said in `missing`."""

    run: OpenedRun
    map: LatentMap | None = None
    matrix: AudioMatrix | None = None
    examples: Examples | None = None
    traversals: list[TraversalRow] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def render(runs: Sequence[OpenedRun], choices: Choices, progress: Progress) -> str:
    """Makes the page of some runs; the same runs and choices give the same page.

    Args:
        runs: The runs.
        choices: What to show of them.
        progress: Shows how far it is.
    """
    sounds = Sounds()
    task = progress.add_task("Encoding pictures and sounds", total=4 * len(runs))
    sections = []
    for run in runs:
        with seeded(choices.seed):  # samples from the prior, and the phases of traversals
            sections.append(_section(run, choices, sounds, lambda: progress.advance(task)))
    charts, unlogged = curves(runs)
    tables, unscored = score_tables(runs)
    assets = {name: Markup((ASSETS / name).read_text()) for name in ("report.css", "report.js")}
    environment = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html.jinja").render(
        generator=Markup(GENERATOR),
        css=assets["report.css"],
        js=assets["report.js"],
        policy=_policy(str(assets["report.js"])),
        runs=runs,
        overview=overview(runs),
        charts=charts,
        chart_size=(WIDTH, HEIGHT),
        unlogged=unlogged,
        tables=tables,
        unscored=unscored,
        sections=sections,
        sounds=Markup(json.dumps(sounds.encoded)),
        choices=choices,
        markers=_MARKERS,
    )


# Shapes of the map's points, about its middle: with eight colours they tell 24 classes apart.
_MARKERS = (
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "M-4.5 -4.5h9v9h-9z",
    "M0 -5.8L5.6 4.2H-5.6z",
    "M0 -6.4L6.4 0L0 6.4L-6.4 0z",
    "M-2 -5.5h4v3.5h3.5v4h-3.5v3.5h-4v-3.5h-3.5v-4h3.5z",
    "M0 5.8L5.6 -4.2H-5.6z",
)


@torch.no_grad()
def _section(run: OpenedRun, choices: Choices, sounds: Sounds, advance: Any) -> RunSection:
    section = RunSection(run)
    clips = run.clips
    if clips is None:
        section.missing.append(
            f"Its data, {type(run.data).__name__}, are no clips that can be heard (datamodules.protocols.ClipData): "
            "there is nothing to listen to."
        )
        return section
    dataset = clips.validation_dataset
    first = run.heard(range(min(_N_CLIPS_OF_COLOURS, len(dataset))))
    make = TileMaker.of(first, clips.representation, clips.n_samples, sounds, choices.seed)
    factor = run.factor(choices.factor)
    section.map = latent_map(run, clips, factor, choices.points, choices.seed, sounds)
    if section.map is None:
        section.missing.append(
            f"{type(run.model).__name__} has neither a global latent nor regularised dimensions, so that there is no "
            "map (modules.protocols)."
        )
    advance()
    _add_swaps(section, clips, factor, choices, make, advance)
    if (model := run.regularised) is not None:
        section.traversals = traversals(run, model, clips, choices.examples, choices.seed, make)
    else:
        section.missing.append(
            f"{type(run.model).__name__} has no regularised dimensions here, so that there are no traversals "
            "(modules.protocols.Regularised)."
        )
    advance()
    return section


def _add_swaps(
    section: RunSection, clips: ClipData, factor: str | None, choices: Choices, make: TileMaker, advance: Any
) -> None:
    model = section.run.swappable
    if model is None:
        section.missing.append(
            f"{type(section.run.model).__name__} has no global and local latents to swap, so that there is no audio "
            "matrix (modules.protocols.Swappable)."
        )
    elif factor is None:
        wanted = f"no class '{choices.factor}'" if choices.factor else "no class"
        section.missing.append(f"Its data have {wanted} of two or more values to swap by: there is no audio matrix.")
    else:
        section.matrix = audio_matrix(section.run, model, clips, factor, choices.sources, choices.seed, make)
        advance()
        section.examples = examples(section.run, model, clips, factor, choices.examples, choices.seed, make)
        advance()
        return
    advance()
    advance()


def _policy(script: str) -> str:
    """A policy under which the page can load nothing from elsewhere, and run no script but its own."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )
