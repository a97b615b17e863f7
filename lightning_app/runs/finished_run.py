"""The model and the data of a finished run."""

import pickle
from argparse import ArgumentError
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jsonargparse import ArgumentParser
from lightning import LightningDataModule, LightningModule
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from lightning_app.cli import link_data_to_model
from lightning_app.errors import RunError


class FinishedRun(NamedTuple):
    """What a run has trained, and on what."""

    model: LightningModule
    """With the weights of the best checkpoint, on the CPU, in evaluation mode."""
    data: LightningDataModule
    """As it is made: neither prepared nor set up."""


def finished_run(folder: Path) -> FinishedRun:
    """Makes the model and the data of a run from its ``config.yaml`` and ``checkpoints/best.ckpt``.

    No trainer is made and so no logger: the run's folder stays as it is.

    Args:
        folder: Of the run, like runs/ts_dsae.

    Raises:
        RunError: The folder has no configuration of a model and data or no checkpoint, or they cannot be read.
        ModelError: The checkpoint is of a model of another shape.
        DataError: The data cannot be had with these options.
    """
    config = _config(folder / "config.yaml")
    state = _state(folder / "checkpoints" / "best.ckpt")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(LightningModule, "model", required=True)
    parser.add_subclass_arguments(LightningDataModule, "data", required=True)
    link_data_to_model(parser)
    try:
        parsed = parser.parse_object(config)
    except ArgumentError as error:
        raise RunError(f"{folder / 'config.yaml'} does not fit this version of the project: {error}") from error
    parts = parser.instantiate(parsed)
    parts.model.load_state_dict(state)
    return FinishedRun(parts.model.eval(), parts.data)


def _config(path: Path) -> dict[str, Any]:
    """The entries of the model and the data."""
    try:
        config = OmegaConf.load(path)
        if not isinstance(config, DictConfig) or not {"model", "data"} <= config.keys():
            raise RunError(f"{path} is no record of a run: it has no model and data. Name the folder of a run.")
        resolved: Any = OmegaConf.to_container(config, resolve=True)
    except FileNotFoundError:
        raise RunError(f"no {path}; name the folder of a run, like runs/ts_dsae.") from None
    except (OmegaConfBaseException, OSError, YAMLError) as error:
        raise RunError(f"cannot read {path}: {error}") from error
    return {name: resolved[name] for name in ("model", "data")}


def _state(path: Path) -> dict[str, Any]:
    """The weights of a checkpoint."""
    if not path.is_file():
        raise RunError(f"no checkpoint at {path}; a run has one from the end of its first epoch on.")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    except (KeyError, TypeError, RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise RunError(f"{path} is not a checkpoint, or was cut short; train again.") from error
