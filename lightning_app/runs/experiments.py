"""The runs behind the figures of Luo et al. (2022), as ``configs/experiments.yaml`` lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from lightning_app.commands.config_files import CONFIGS
from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder

EXPERIMENTS = CONFIGS / "experiments.yaml"
Value = TypeVar("Value", int, str)


@dataclass(frozen=True)
class Run:
    """A run and where it lies.

    Attributes:
        model: Name of a file ``<model>.yaml`` in ``configs``.
        data: Name of a file ``data/<data>.yaml`` there.
        z_dim: Dimensions of the local latents.
        posterior: ``factorised`` or ``full``.
        seed: Seed of the training.

    >>> Run("ts_dsae", "dmelodies", 8, "factorised", 0).name
    'ts_dsae-dmelodies-z8-factorised-seed0'
    """

    model: str
    data: str
    z_dim: int
    posterior: str
    seed: int

    @property
    def group(self) -> str:
        """The part of the name that the runs of all seeds share."""
        return f"{self.model}-{self.data}-z{self.z_dim}-{self.posterior}"

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return f"{self.group}-seed{self.seed}"

    def folder(self, runs: Path) -> RunFolder:
        """Returns the run's folder in the folder of all runs."""
        return RunFolder(runs / self.name)

    def fit_arguments(self, configs: Path, presets: Sequence[str], runs: Path) -> list[str]:
        """The arguments of ``disentangle`` that train it.

        Args:
            configs: The folder of the configurations.
            presets: Files there, on top of the model's and the data's.
            runs: The folder of all runs.
        """
        return [
            *["fit", "-c", str(configs / f"{self.model}.yaml")],
            *["--data", str(configs / "data" / f"{self.data}.yaml")],
            *(argument for preset in presets for argument in ("-c", str(configs / preset))),
            *["--name", self.name, "--trainer.default_root_dir", str(self.folder(runs).path)],
            *["--model.z_dim", str(self.z_dim), "--model.posterior", self.posterior],
            *["--seed_everything", str(self.seed)],
        ]

    def test_arguments(self, runs: Path) -> list[str]:
        """The arguments of ``disentangle`` that evaluate it once it is trained."""
        return ["test", "--run", str(self.folder(runs).path)]


@dataclass(frozen=True)
class Model:
    """A model in figures: its label and colour, and in how many stages it trains."""

    label: str
    colour: str
    stages: int


@dataclass(frozen=True)
class Grid:
    """The runs of a figure: all combinations."""

    models: list[str]
    data: list[str]
    z_dims: list[int]
    posteriors: list[str]
    seeds: list[int]


@dataclass(frozen=True)
class Experiments:
    """What ``experiments.yaml`` says.

    Attributes:
        models: The models by the names of their files.
        data: Labels of the data sets, by the names of their files.
        lengths: The preset files of a run, by the name of the length and the number of the model's stages.
        figures: The runs that each figure needs.
    """

    models: dict[str, Model]
    data: dict[str, str]
    lengths: dict[str, dict[int, list[str]]]
    figures: dict[str, Grid]

    def runs_of(
        self,
        figure: str,
        data: str,
        z_dims: Sequence[int] | None = None,
        posteriors: Sequence[str] | None = None,
        seeds: Sequence[int] | None = None,
    ) -> list[Run]:
        """Lists the runs of a figure on one data set, narrowed to some of its settings where these are given.

        Raises:
            RunError: There is no such figure, or it has none of what it is narrowed to.
        """
        if figure not in self.figures:
            raise RunError(f"there is no figure {figure!r}; there are {', '.join(self.figures)}.")
        grid = self.figures[figure]
        return [
            Run(model, data, z_dim, posterior, seed)
            for data in _narrowed(figure, "data", grid.data, [data])
            for z_dim in _narrowed(figure, "z_dims", grid.z_dims, z_dims)
            for posterior in _narrowed(figure, "posteriors", grid.posteriors, posteriors)
            for model in grid.models
            for seed in _narrowed(figure, "seeds", grid.seeds, seeds)
        ]

    def presets(self, model: str, length: str) -> list[str]:
        """Lists the presets that give a model's run that length.

        Raises:
            RunError: There is no such length.
        """
        if length not in self.lengths:
            raise RunError(f"there is no length {length!r}; there are {', '.join(self.lengths)}.")
        return self.lengths[length][self.models[model].stages]


def read_experiments(path: Path = EXPERIMENTS) -> Experiments:
    """Reads the experiments of a file.

    Raises:
        RunError: There is no such file, or it does not describe experiments.
    """
    try:
        described = OmegaConf.merge(OmegaConf.structured(Experiments), cast(Any, OmegaConf.load(path)))
        experiments = cast(Experiments, OmegaConf.to_object(described))
    except (OSError, UnicodeDecodeError):
        raise RunError(f"cannot read {path}; name another file with --experiments.") from None
    except (OmegaConfBaseException, YAMLError, TypeError) as error:
        raise RunError(f"{path} does not describe experiments: {' '.join(str(error).split())}.") from error
    for figure, grid in experiments.figures.items():
        for kind, used, known in (("model", grid.models, experiments.models), ("data", grid.data, experiments.data)):
            if unknown := [name for name in used if name not in known]:
                raise RunError(f"{path} does not describe the {kind} {', '.join(unknown)} of figure {figure}.")
    for length, presets in experiments.lengths.items():
        if unknown := [name for name, model in experiments.models.items() if model.stages not in presets]:
            raise RunError(f"{path} has no presets of length {length} for the stages of {', '.join(unknown)}.")
    return experiments


def _narrowed(figure: str, kind: str, has: Sequence[Value], chosen: Sequence[Value] | None) -> list[Value]:
    if chosen is None:
        return list(has)
    unknown = [value for value in chosen if value not in has]
    if unknown or not chosen:
        wrong = f"has no {kind} {', '.join(map(str, unknown))}" if unknown else f"needs one of its {kind} or more"
        raise RunError(f"figure {figure} {wrong}; it has {', '.join(map(str, has))}.")
    return [value for value in has if value in chosen]
