"""The sweep file, in the form of W&B: read, and checked as far as it can be by itself."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from lightning_app.commands.config_files import CONFIGS, found_config
from lightning_app.errors import UsageError, did_you_mean
from lightning_app.sweeps.distributions import Choice, Distribution
from lightning_app.sweeps.parameters import distributions

SEED = "seed_everything"
"""The parameter whose values are replicates of each trial."""
_METHODS = ("grid", "random", "bayes")
_IGNORED = ("apiVersion", "kind", "description", "project", "entity", "program")
_KEYS = ("name", "method", "metric", "parameters", "early_terminate", "command", "run_cap", *_IGNORED)
_METRIC_KEYS = ("name", "goal", "impute", "impute_while_running")
_ARGS = "${args}"
_COMMANDS = (("disentangle",), ("${interpreter}", "-m", "lightning_app"), ("python", "-m", "lightning_app"))
_OWN_OPTIONS = ("--trainer.default_root_dir", "--run", "--ckpt_path", "--overwrite", "--print_config")


@dataclass(frozen=True)
class Metric:
    """What trials are compared by.

    Attributes:
        name: ``test/...``, a score of the evaluation, or ``val/...``, something that is logged at each epoch.
        goal: Whether less or more of it is better.
    """

    name: str
    goal: Literal["minimize", "maximize"] = "minimize"


@dataclass(frozen=True)
class Halving:
    """When a trial is given up: unless it is among the best ``1 / eta`` at epochs min_iter, min_iter * eta, ...

    Attributes:
        min_iter: The first of these epochs, counted from 1.
        eta: The factor from one to the next.
    """

    min_iter: int
    eta: int


@dataclass(frozen=True)
class Sweep:
    """What a sweep file says.

    Attributes:
        path: The file.
        name: Name of the sweep.
        method: How values are chosen: ``grid``, ``random`` or ``bayes``.
        metric: What trials are compared by.
        parameters: The distributions of the options, by their names.
        seeds: The seeds that each trial is trained with; None where the file names none.
        halving: When trials are given up early; None where all go on to their end.
        command: The arguments of ``disentangle fit``, with ``${args}`` where those of a trial go.
        n_trials: Number of trials.
        settings: All that a trial's values and training follow from, as JSON can say it.
    """

    path: Path
    name: str
    method: Literal["grid", "random", "bayes"]
    metric: Metric
    parameters: Mapping[str, Distribution]
    seeds: tuple[int, ...] | None
    halving: Halving | None
    command: tuple[str, ...]
    n_trials: int
    settings: Mapping[str, Any]

    def fit_arguments(self, values: Mapping[str, Any], seed: int | None) -> list[str]:
        """The arguments of ``disentangle fit`` that train with these values, like W&B's agent would give them."""
        given = {**values, **({} if seed is None else {SEED: seed})}
        arguments = [f"--{name}={typed_value(value)}" for name, value in given.items()]
        return [word for part in self.command for word in (arguments if part == _ARGS else [part])]


def typed_value(value: Any) -> str:
    """Returns a value as one would type it on the command line.

    >>> typed_value(None), typed_value([4, 5]), typed_value(0.5), typed_value("full")
    ('null', '[4, 5]', '0.5', 'full')
    """
    return value if isinstance(value, str) else json.dumps(value)


def find_sweep_file(word: str) -> Path:
    """Returns the path of a sweep file: of a file, or of one of the project's own by its name.

    Raises:
        UsageError: There is none.
    """
    folder = CONFIGS / "sweeps"
    own = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return found_config(word, Path(), own, "the sweep file")


def read_sweep(path: Path) -> Sweep:
    """Reads a sweep file.

    Raises:
        UsageError: It cannot be read, or says what it may not or what cannot be done here; names the file and the key.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))  # as W&B reads it
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"problems parsing {path}: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} is no sweep file: it has no method, metric and parameters.")
    _refuse_unknown(content, path)
    method = content.get("method")
    if method not in _METHODS:
        raise UsageError(
            f"{path}: method is {method!r}.{did_you_mean(str(method), _METHODS)} It is one of {', '.join(_METHODS)}."
        )
    metric = _metric(content.get("metric"), f"{path}: metric")
    parameters = distributions(content.get("parameters"), f"{path}: parameters")
    _refuse_own_options([f"--{name}" for name in parameters], f"{path}: parameters")
    seeds = _seeds(parameters.pop(SEED, None), f"{path}: parameters.{SEED}")
    if not parameters:
        raise UsageError(f"{path}: parameters has nothing besides {SEED}, whose values are replicates of each trial.")
    settings = {key: value for key, value in content.items() if key not in (*_IGNORED, "run_cap", "name")}
    return Sweep(
        path=path,
        name=_name(content.get("name", path.stem), f"{path}: name"),
        method=method,
        metric=metric,
        parameters=parameters,
        seeds=seeds,
        halving=_halving(content.get("early_terminate"), metric, f"{path}: early_terminate"),
        command=_command(content.get("command"), f"{path}: command"),
        n_trials=_n_trials(content.get("run_cap"), method, parameters, len(seeds or (None,)), path),
        settings=json.loads(json.dumps(settings)),
    )


def _refuse_unknown(content: Mapping[str, Any], path: Path) -> None:
    for key in content:
        if key in ("controller", "scheduler", "metrics", "job", "image_uri"):
            raise UsageError(f"{path}: {key} is for W&B's servers alone; leave it out.")
        if key not in _KEYS:
            raise UsageError(f"{path}: there is no key {key}.{did_you_mean(str(key), _KEYS)}")


def _name(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name or name in (".", "..") or re.search(r"[/\\]", name):
        raise UsageError(f"{where} is {name!r}; it becomes the name of a folder, so it is a text without slashes.")
    return name


def _metric(entry: Any, where: str) -> Metric:
    if not isinstance(entry, Mapping) or "name" not in entry:
        raise UsageError(f"{where} takes a name and a goal, like {{name: val/negative_elbo, goal: minimize}}.")
    if "target" in entry:
        raise UsageError(f"{where}.target is not possible here: a sweep ends with its last trial; leave it out.")
    for key in entry:
        if key not in _METRIC_KEYS:
            raise UsageError(f"{where} has no {key}.{did_you_mean(key, _METRIC_KEYS)}")
    name, goal = entry["name"], entry.get("goal", "minimize")
    if not isinstance(name, str) or not name.startswith(("val/", "test/")):
        raise UsageError(
            f"{where}.name is {name!r}; it is val/ and what a run logs at each epoch, or test/ and a score of its "
            "evaluation."
        )
    if goal not in ("minimize", "maximize"):
        raise UsageError(f"{where}.goal is {goal!r}; it is minimize or maximize.")
    return Metric(name, goal)


def _seeds(distribution: Distribution | None, where: str) -> tuple[int, ...] | None:
    if distribution is None:
        return None
    values = distribution.values if isinstance(distribution, Choice) and distribution.probabilities is None else ()
    if not values or not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        raise UsageError(f"{where} takes `value` or `values`, integers: each trial is trained once with each of them.")
    return values


def _halving(entry: Any, metric: Metric, where: str) -> Halving | None:
    if entry is None:
        return None
    if not isinstance(entry, Mapping) or entry.get("type") != "hyperband":
        raise UsageError(f"{where} takes `type: hyperband` with min_iter, or with max_iter and s.")
    allowed = ("type", "min_iter", "max_iter", "s", "eta", "strict")
    for key in entry:
        if key not in allowed:
            raise UsageError(f"{where} has no {key}.{did_you_mean(key, allowed)} It takes {', '.join(allowed)}.")
    if entry.get("strict", True) is not True:
        raise UsageError(f"{where}.strict: trials are always judged strictly here; leave it out.")
    if metric.name.startswith("test/"):
        raise UsageError(
            f"{where} follows the metric from epoch to epoch, and {metric.name} is there at the end alone; take a "
            "val/... metric, or leave early_terminate out."
        )
    eta = _whole(entry.get("eta", 3), 2, f"{where}.eta")
    if "min_iter" in entry:
        return Halving(_whole(entry["min_iter"], 1, f"{where}.min_iter"), eta)
    if "max_iter" not in entry or "s" not in entry:
        raise UsageError(f"{where} needs min_iter, or max_iter and s.")
    max_iter, s = (_whole(entry[key], 1, f"{where}.{key}") for key in ("max_iter", "s"))
    return Halving(max(1, max_iter // eta ** min(s, int(math.log(max_iter, eta) + 1e-9))), eta)


def _whole(value: Any, least: int, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{where} is {value!r}; it is an integer of {least} or more.")
    return value


def _command(entry: Any, where: str) -> tuple[str, ...]:
    form = f"[${{env}}, disentangle, fit, {_ARGS}], with options of fit before or behind {_ARGS}"
    if not isinstance(entry, list) or not all(isinstance(word, str) for word in entry):
        raise UsageError(f"{where} is a list like {form}.")
    words = entry[1:] if entry[:1] == ["${env}"] else entry
    start = next((start for start in _COMMANDS if tuple(words[: len(start) + 1]) == (*start, "fit")), None)
    if start is None:
        raise UsageError(f"{where} runs {' '.join(entry)!r}; it is a list like {form}.")
    arguments = tuple(words[len(start) + 1 :])
    if arguments.count(_ARGS) != 1:
        raise UsageError(
            f"{where} has {_ARGS} {arguments.count(_ARGS)} times; it stands once, where a trial's values go."
        )
    if macros := [word for word in arguments if re.match(r"\$\{(?!oc\.)", word) and word != _ARGS]:
        raise UsageError(f"{where}: {macros[0]} is not possible here; values go where {_ARGS} stands.")
    _refuse_own_options(arguments, where)
    return arguments


def _refuse_own_options(words: Sequence[str], where: str) -> None:
    for word in words:
        if (option := word.partition("=")[0]) in _OWN_OPTIONS:
            raise UsageError(f"{where} has {option.removeprefix('--')}, which a sweep sets for each run; leave it out.")


def _n_trials(run_cap: Any, method: str, parameters: Mapping[str, Distribution], n_seeds: int, path: Path) -> int:
    """The number of trials; W&B counts runs, and each seed is one."""
    capped = None if run_cap is None else max(1, _whole(run_cap, 1, f"{path}: run_cap") // n_seeds)
    if method != "grid":
        if capped is None:
            raise UsageError(
                f"{path}: method {method} never ends by itself; say after how many runs, like run_cap: 40."
            )
        return capped
    for name, distribution in parameters.items():
        if not distribution.points():
            raise UsageError(
                f"{path}: parameters.{name} has no values to make a grid of; give it `values`, or take method random."
            )
    size = math.prod(len(distribution.points() or ()) for distribution in parameters.values())
    return size if capped is None else min(size, capped)
