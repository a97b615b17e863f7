"""Mistakes in the options of a run: those that can be told before it is made, and what to say of the others."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.strategies import StrategyRegistry
from wandb.errors import Error as WandbError

from lightning_app.errors import RunError, UsageError, did_you_mean

_LARGEST_SEED = 2**32 - 1
_LONGEST_NAME = 200  # of the 255 that file systems take: files are named after runs
_MIXED = {"bf16-true": "bf16-mixed", "16-true": "16-mixed"}
_LIMITS = {
    "fit": "limit_train_batches",
    "validate": "limit_val_batches",
    "test": "limit_test_batches",
    "predict": "limit_predict_batches",
}
# What a library says, as a pattern, and what to say instead.
_EXPLAINED = (
    (r"No supported gpu backend|CUDAAccelerator.*not available|MPSAccelerator.*not available",
     "torch finds no such GPU here; --trainer.accelerator auto takes what there is."),
    (r"`Trainer\(devices=(.+?)\)` value is not a valid",
     "--trainer.devices {0}: it is the number of GPUs or processes, 1 or more, or auto."),
    (r"`val_check_interval` \((\d+)\) must be less than or equal to the number of the training batches \((\d+)\)",
     "--trainer.val_check_interval {0}, but an epoch has {1} batches; take fewer, or count over epochs with "
     "--trainer.check_val_every_n_epoch null."),
    (r"(?i)connection (?:closed|reset) by (?:peer|remote)|gloo/transport|NCCL.*(?:aborted|remote process)",
     "another process of this run has ended, and this one cannot go on without it. Look for what that one said; then "
     "go on with --ckpt_path last."),
    (r"`enable_checkpointing=False` but found",
     "--trainer.enable_checkpointing false, but checkpoints are configured; leave them out with --checkpoint null "
     "--last_checkpoint null."),
    (r"(?i)neither `tensorboard` nor|no module named 'tensorboard",
     "TensorBoard is not installed: pip install 'disentangle[tensorboard]', or take another --trainer.logger."),
    (r"(?i)no module named 'mlflow|mlflow\S* (is|was) not|requirement.*mlflow",
     "MLflow is not installed: pip install 'disentangle[mlflow]', or take another --trainer.logger."),
    (r"api_key not configured|No API key configured",
     "W&B has no key: type `wandb login`, set WANDB_API_KEY, or keep the log here with --trainer.logger.offline true."),
)  # fmt: skip


def check_options(subcommand: str, options: Namespace) -> None:
    """Checks what the options alone can tell.

    Args:
        subcommand: ``fit``, ``validate``, ``test`` or ``predict``.
        options: The subcommand's, all references resolved.

    Raises:
        UsageError: One is not possible; names it and the remedy.
    """
    name, seed, trainer = options["name"], options["seed_everything"], options["trainer"]
    if not name or name in (".", "..") or re.search(r"[/\\]", name):
        raise UsageError(
            f"--name {name!r}: a run's name becomes the name of its folder, so it is not empty and has no slashes. "
            "Another place for the folder is --trainer.default_root_dir."
        )
    if len(os.fsencode(name)) > _LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"--name {name[:20]!r}...: a run's name becomes the name of its folder, so it is a line of up to "
            f"{_LONGEST_NAME} bytes; take a shorter one."
        )
    if not isinstance(seed, bool) and not 0 <= seed <= _LARGEST_SEED:
        raise UsageError(f"--seed_everything {seed}: a seed is between 0 and {_LARGEST_SEED}.")
    if options["weights_only"] is False:
        raise UsageError(
            "--weights_only false: checkpoints are read without running what may be in them; leave it out."
        )
    strategy, known = trainer["strategy"], ["auto", *StrategyRegistry.available_strategies()]
    if isinstance(strategy, str) and strategy not in known:
        raise UsageError(f"--trainer.strategy {strategy}: there is no such strategy.{did_you_mean(strategy, known)}")
    if trainer["barebones"]:
        raise UsageError(
            "--trainer.barebones true leaves out the checkpoints, the logs and the progress bar that every run has; "
            "leave it out. Where the time goes is told by --trainer.profiler simple."
        )
    _refuse_half_precision(trainer["precision"])
    _refuse_without_batches(subcommand, trainer)
    if trainer["limit_val_batches"] == 0 and subcommand == "fit":
        _refuse_without_validation(options)


def monitored(options: Namespace) -> dict[str, str]:
    """Returns the scores that checkpoints, early stopping and the like follow, by slot."""
    followed = {slot: options.get(f"{slot}.init_args.monitor") for slot in vars(options)}
    return {slot: score for slot, score in followed.items() if isinstance(score, str)}


def _refuse_half_precision(precision: object) -> None:
    mixed = _MIXED.get(str(precision))
    if mixed is not None:
        raise UsageError(
            f"--trainer.precision {precision} keeps the weights themselves in half precision, where the small steps of "
            f"Adam are lost, and so are the digits of the clips' attributes; take {mixed}."
        )


def _refuse_without_batches(subcommand: str, trainer: Namespace) -> None:
    limit = _LIMITS[subcommand]
    if trainer[limit] == 0:
        raise UsageError(f"--trainer.{limit} 0 leaves nothing to {subcommand}; leave it out, or take 1 or more.")


def _refuse_without_validation(options: Namespace) -> None:
    waiting = [slot for slot, score in monitored(options).items() if score.startswith("val/")]
    if waiting:
        raise UsageError(
            f"--trainer.limit_val_batches 0, but {', '.join(waiting)} follow{'s' * (len(waiting) == 1)} scores of the "
            f"validation clips; validate, or leave out {' '.join(f'--{slot} null' for slot in waiting)}."
        )


@contextmanager
def explained() -> Iterator[None]:
    """Says in one message what Lightning and the loggers say of a wrong option with a traceback.

    Raises:
        RunError: The option, and the remedy where it is known.
    """
    try:
        yield
    except RunError:
        raise
    except Exception as error:
        text = " ".join(f"{error} {error.__cause__ or ''}".split())  # jsonargparse wraps what a class raises
        message = _remedy(text)
        if message is None and isinstance(error, (MisconfigurationException, WandbError)):
            message = text
        if message is None:
            raise
        raise RunError(message) from error


def _remedy(text: str) -> str | None:
    for pattern, remedy in _EXPLAINED:
        if found := re.search(pattern, text):
            return remedy.format(*found.groups())
    missing = re.search(r"Checkpoint\(monitor='(.+?)'\)` could not find .*?metrics: \[(.*?)\]", text) or re.search(
        r"Early stopping conditioned on metric `(.+?)` which is not available.*?following: (.*)", text
    )
    if missing is None:
        return None
    logged = re.findall(r"['`]([^'`]+)['`]", missing[2])
    return f"the model logs no {missing[1]} (monitor).{did_you_mean(missing[1], logged)} It logs {', '.join(logged)}."
