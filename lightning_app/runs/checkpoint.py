"""Checkpoints: whether they are whole, how far they were trained, and of which model they are."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.model_helpers import is_overridden

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder

_SPOILT = "{} is not a checkpoint, or was cut short; take another, or train again."


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Opens a checkpoint, whose weights are read from the file only when they are used.

    Raises:
        RunError: There is no such file, or it is not a whole checkpoint.
    """
    if not path.is_file():
        raise RunError(f"no checkpoint at {path}; a run has one from the end of its first epoch on.")
    _require_whole(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        if isinstance(checkpoint, dict) and {"state_dict", "epoch", "global_step"} <= checkpoint.keys():
            return checkpoint
    except pickle.UnpicklingError as error:
        raise RunError(
            f"{path} is not a checkpoint of this project: it holds objects other than weights, which are not loaded, "
            "since they could run any program. Take another, or train again."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise RunError(_SPOILT.format(path)) from error
    raise RunError(f"{path} is not a checkpoint of this project; take another, or train again.")


def _require_whole(path: Path) -> None:
    """Refuses a file that was cut short, or has changed since it was written: torch would take what there is."""
    try:
        with zipfile.ZipFile(path) as archive:
            spoilt = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        raise RunError(_SPOILT.format(path)) from error
    if spoilt is not None:
        raise RunError(f"{path} was damaged after it was written ({spoilt}); take another, or train again.")


def trained_step(path: Path) -> int | None:
    """Returns the step that a checkpoint was trained to; None where there is no such file."""
    return read_checkpoint(path)["global_step"] if path.is_file() else None


def evaluated_state(path: str | Path | None) -> dict[str, Any]:
    """Returns the entries of an `EvaluationRecord` that say which checkpoint was evaluated; none without one."""
    if not path:
        return {}
    checkpoint = read_checkpoint(Path(path))
    return {"checkpoint": Path(path).name, "epoch": checkpoint["epoch"], "step": checkpoint["global_step"]}


def newest_whole_checkpoint(folder: RunFolder) -> Path:
    """Finds the checkpoint of a run that was trained furthest, and says so where newer ones are spoilt.

    Raises:
        RunError: There is none.
    """
    whole: list[tuple[int, bool, Path]] = []
    spoilt: list[str] = []
    for path in folder.checkpoint_files():
        try:
            # Of two of the same step the last one knows more: what early stopping has seen, say.
            whole.append((read_checkpoint(path)["global_step"], path == folder.last_checkpoint, path))
        except RunError:
            spoilt.append(path.name)
    if not whole:
        raise RunError(f"{folder.path} has no whole checkpoint to take up; train it anew with --overwrite.")
    step, _, newest = max(whole)
    if spoilt:
        print(f"{', '.join(spoilt)} in {folder.checkpoints} cannot be read; taking {newest.name}, of step {step}.")
    return newest


def load_weights(model: LightningModule, path: Path) -> None:
    """Loads the weights of a checkpoint into a model.

    Raises:
        RunError: The file is not a whole checkpoint, or is one of another model.
        ModelError: It is of a model with other settings, as far as the model itself knows.
    """
    checkpoint = read_checkpoint(path)
    own, loaded = model.state_dict().keys(), checkpoint["state_dict"].keys()
    trained = checkpoint.get("hyper_parameters", {})
    if not own & loaded:
        what = trained.get("_class_path", "another model")
        raise RunError(f"{path} is a checkpoint of {what}, not of {_path_of(model)}; take one of this model.")
    try:
        model.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        here = ", ".join(_differing(trained, model.hparams)) or "other weights"
        raise RunError(f"{path} is a checkpoint of a model with {here}; take the config of its run.") from error


def require_fit(model: LightningModule, path: Path) -> None:
    """Refuses the checkpoint of another model, before any data is prepared.

    Raises:
        RunError: See `load_weights`.
        ModelError: See there.
    """
    # The weights of a model that is built later, with the data, can only be compared then.
    if not is_overridden("configure_model", model) and not is_overridden("setup", model):
        load_weights(model, path)


def _path_of(model: LightningModule) -> str:
    """The path that the configuration gives, or else the class's own."""
    return model.hparams.get("_class_path", f"{type(model).__module__}.{type(model).__name__}")


def _differing(trained: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The settings that differ, like ``latent_dim 8 (here 16)``."""
    names = [name for name in trained if name in here and not name.startswith("_")]
    return [f"{name} {trained[name]} (here {here[name]})" for name in names if trained[name] != here[name]]
