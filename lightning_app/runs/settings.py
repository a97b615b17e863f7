"""What was chosen for runs: which settings they have, in which they differ, and which differ in their seed alone."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_PARTS = ("seed_everything", "model", "data", "optimizer", "lr_scheduler", "schedule", "early_stopping", "trainer")
_OF_THE_TRAINER = re.compile(
    r"trainer\.(max_|min_|precision|gradient_clip|accumulate|limit_train|devices|num_nodes|strategy)"
)
# Where things lie, and how many processes make them, is no choice of the experiment.
_OF_THE_MACHINE = re.compile(r"(_dir|_workers|\.root|\.soundfont|\.represent|\.verbose)$")
_SEED = re.compile(r"(^seed_everything|\.seed)$")


def flattened(config: Mapping[str, Any]) -> dict[str, str]:
    """Returns the settings of an experiment from its configuration, by the names that the command line gives them.

    >>> flattened({"model": {"class_path": "modules.DSAE", "init_args": {"z_dim": 8}}, "name": "mine"})
    {'model': 'DSAE', 'model.z_dim': '8'}
    """
    found: dict[str, str] = {}
    for part in _PARTS:
        _collect(part, config.get(part), found)
    return {
        key: value
        for key, value in found.items()
        if not _OF_THE_MACHINE.search(key) and (not key.startswith("trainer.") or _OF_THE_TRAINER.match(key))
    }


def _collect(key: str, value: Any, found: dict[str, str]) -> None:
    match value:
        case {"class_path": str(path)}:
            found[key] = path.rpartition(".")[2]
            _collect(key, dict(value.get("init_args") or {}), found)
        case dict():
            for name, inner in value.items():
                _collect(f"{key}.{name}", inner, found)
        case None:
            pass
        case list() | tuple():
            found[key] = ", ".join(map(str, value)) or "none"
        case _:
            found[key] = str(value)


def differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """Returns the names of the settings that are not the same for all runs, in the order of the first that has them."""
    names = dict.fromkeys(name for one in settings for name in one)
    return [name for name in names if len({one.get(name) for one in settings}) > 1]


def without_seeds(settings: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings that make runs replicates of one another where all of them are the same.

    >>> without_seeds({"seed_everything": "1", "data.seed": "1", "model.z_dim": "8"})
    {'model.z_dim': '8'}
    """
    return {name: value for name, value in settings.items() if not _SEED.search(name)}


def of_the_data(settings: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings that must be the same for scores to be of the same data."""
    kept = without_seeds(settings).items()
    return {key: value for key, value in kept if key.partition(".")[0] == "data" and key != "data.batch_size"}
