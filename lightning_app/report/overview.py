"""What was run: model, data, settings, training and machine of each run, and in what the runs differ."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lightning_app.listening.opened_run import OpenedRun
from lightning_app.runs.settings import differing, flattened

_MOST_CLASSES = 8


@dataclass(frozen=True)
class Overview:
    """What was run.

    Attributes:
        facts: The rows of a table, a text for each run, by what they are.
        differing: The settings that differ, in the same way; empty for one run.
        settings: All the others.
    """

    facts: dict[str, list[str]]
    differing: dict[str, list[str]]
    settings: dict[str, list[str]]


def overview(runs: Sequence[OpenedRun]) -> Overview:
    """Collects what was run."""
    settings = [flattened(run.config) for run in runs]
    names = dict.fromkeys(name for one in settings for name in one)
    rows = {name: [one.get(name, "-") for one in settings] for name in names}
    differ = differing(settings)
    of_each = [_facts(run) for run in runs]
    facts = {name: [one.get(name, "-") for one in of_each] for name in dict.fromkeys(n for one in of_each for n in one)}
    return Overview(
        facts,
        {name: rows[name] for name in differ},
        {name: values for name, values in rows.items() if name not in differ},
    )


def _facts(run: OpenedRun) -> dict[str, str]:
    facts = {"model": type(run.model).__name__}
    n_parameters = sum(parameter.numel() for parameter in run.model.parameters())
    facts["parameters"] = f"{n_parameters:,}"
    if (clips := run.clips) is not None:
        named = getattr(getattr(run.data, "source", None), "name", type(run.data).__name__)
        facts["data"] = f"{named}, {len(clips.train_dataset):,} + {len(clips.validation_dataset):,} clips"
        facts["classes"] = _classes(clips.class_names)
    training = run.folder.training()
    if training is None:
        facts["training"] = "goes on, or has failed"
    else:
        ended = f", ended by {training.ended_by}" if training.ended_by else ""
        facts["training"] = f"{training.epochs:,} epochs, {training.steps:,} steps{ended}"
    if (record := run.record()) is not None and record.checkpoint is not None and record.epoch is not None:
        facts["scored checkpoint"] = f"{record.checkpoint}, of epoch {record.epoch + 1}"
    return facts | _machine(run)


def _classes(names: Mapping[str, Sequence[str]]) -> str:
    """The first way of classing with its classes, and the names of the others."""
    if not names:
        return "none"
    first, *others = names
    shown, more = ", ".join(names[first][:_MOST_CLASSES]), len(names[first]) - _MOST_CLASSES
    parts = [f"{first}: {shown}" + (f" and {more} more" if more > 0 else "")]
    return "; ".join(parts + ([f"also {', '.join(others)}"] if others else []))


def _machine(run: OpenedRun) -> dict[str, str]:
    try:
        found = json.loads(run.folder.machine_of("fit").read_text())
        processor = found["processor"]
        named = processor.get("model name") or processor["architecture"]
        facts = {"machine": found["gpu"] or f"{named}, {found['cores']} cores"}
        versions = found["versions"]
        return facts | {"versions": ", ".join(f"{name} {versions[name]}" for name in ("python", "torch", "lightning"))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # a run whose machine is not known is a run all the same
