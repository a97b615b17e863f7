"""Keeps off the terminal what libraries say and a user cannot act on: advertisements, and warnings to their authors."""

import logging
import warnings
from functools import cache
from typing import Any

import wandb

_WARNINGS = (
    "does not have many workers",
    "LeafSpec.*is deprecated",
    "configure_optimizers` will be overridden",  # that is what an optimizer in the configuration is for
    "Checkpoint directory .* exists and is not empty",  # a run that goes on writes to its own folder
    "is smaller than the logging interval",  # what is logged here is of whole epochs
)


def silence_libraries() -> None:
    """Filters the warnings and log messages of libraries; errors, and what is said of the run, are still shown."""
    for message in _WARNINGS:
        warnings.filterwarnings("ignore", message=f".*{message}")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_is_no_advertisement)
    _filter_wandb()


def _is_no_advertisement(record: logging.LogRecord) -> bool:
    """Lightning recommends its own services at each start."""
    return "Tip:" not in record.getMessage()


@cache
def _filter_wandb() -> None:
    """W&B warns at each start of an option that Lightning gives it, and that a run's folder is no git repository."""
    warn = wandb.termwarn

    def filtered(string: str, *args: Any, **kwargs: Any) -> None:
        if not any(part in string for part in ("anonymous setting", "git root")):
            warn(string, *args, **kwargs)

    wandb.termwarn = filtered
