"""The judge of a data set, trained on its real clips once and kept in its cache."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch.nn import functional

from datamodules.protocols import CachedData, ClipData
from datamodules.storage.cache import cached
from modules.judge import Judge
from modules.protocols import lacking
from modules.seeding import seeded

VERSION = 2
"""To be raised when what follows trains another judge; a cached one is then not taken any more."""

_STEPS, _BATCH = 400, 64
_PEAK_LEARNING_RATE, _WEIGHT_DECAY = 3e-3, 1e-2
_NOISE = 0.3  # in deviations of the data: what models decode is never as clean as the clips
_TO_STANDARDISE = 1000  # clips
_FILE = "judge.pt"


def judge_of(data: ClipData, seed: int, device: torch.device, shows_progress: bool) -> Judge:
    """Returns a classifier of all classes of the data, trained on their training clips, in evaluation mode.

    It has never heard a model. Data with a cache keep it there.

    Args:
        data: The data, set up.
        seed: Seed of its weights and of the order of clips.
        device: The device to train on, and of the judge.
        shows_progress: Whether to show a progress bar.

    Raises:
        DataError: The cache cannot be written.
        ModelError: Clips that a judge cannot hear.
    """
    factors = {name: len(classes) for name, classes in data.class_names.items() if len(classes) > 1}
    # Neither do a run's random numbers matter to the judge, nor it to them.
    with seeded(seed, device), torch.inference_mode(False):
        judge = Judge(data.x_shape, factors).to(device)

        def train(folder: Path) -> None:
            _train(judge, data, np.random.default_rng(seed), shows_progress)
            torch.save(judge.state_dict(), folder / _FILE)

        if lacking(data, CachedData):
            _train(judge, data, np.random.default_rng(seed), shows_progress)
        else:
            kept = cast(CachedData, data)
            clips = hashlib.sha256(np.asarray(data.train_dataset.indices, np.int64).tobytes()).hexdigest()
            key = {"judge": VERSION, "data": kept.cache_key, "clips": clips, "classes": factors, "seed": seed}
            n_bytes = sum(values.numel() * values.element_size() for values in judge.state_dict().values())
            entry = cached(kept.cache_dir, "judge", key, train, n_bytes)
            judge.load_state_dict(torch.load(entry / _FILE, map_location=device, weights_only=True))
    return judge.eval().requires_grad_(False)


def _train(judge: Judge, data: ClipData, generator: np.random.Generator, shows_progress: bool) -> None:
    device = judge.mean.device
    order = generator.permutation(len(data.train_dataset))
    judge.standardise_by(data.batch(data.train_dataset, order[:_TO_STANDARDISE], device)["x"].float())
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_LEARNING_RATE, total_steps=_STEPS)
    batches = _batches(len(order), generator)
    for _ in track(range(_STEPS), "Training the judge on real clips", disable=not shows_progress):
        batch = data.batch(data.train_dataset, next(batches), device)
        x = batch["x"].float()
        logits = judge(x + _NOISE * judge.scale * torch.randn_like(x))
        losses = [functional.cross_entropy(of_factor, batch[factor]) for factor, of_factor in logits.items()]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()
        schedule.step()


def _batches(n_clips: int, generator: np.random.Generator) -> Iterator[NDArray[np.integer]]:
    """Positions of training clips, epoch after epoch without an end."""
    size = min(_BATCH, n_clips)
    while True:
        order = generator.permutation(n_clips)
        yield from (order[start : start + size] for start in range(0, n_clips - size + 1, size))
