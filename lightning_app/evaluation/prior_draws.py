"""Latents drawn from what a model takes for their priors, the same for any number of processes."""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from datamodules.protocols import ClipData
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import EncodedClips, Subject
from lightning_app.evaluation.posterior_mixture import check_components, draw_from_posteriors
from modules.protocols import LocalLatents
from modules.seeding import seeded

_MOST = 512  # sequences that are drawn; clips beyond them take the first ones again


class PriorDraws:
    """Draws v and z for each clip that is evaluated.

    z is from the model's prior. v is from N(0, 1) where that is the model's prior, and else, where each clip has one of
    its own, from a Gaussian mixture that is fitted to the posterior means of the training clips.

    Args:
        subject: What is evaluated.
        n_components: Components of the mixture.
    """

    def __init__(self, subject: Subject, n_components: int) -> None:
        self._subject, self._n_components = subject, n_components
        self._of_each = bool(getattr(subject.model, "needs_reference", False))
        self._v = ClipRows().to(subject.device)

    @staticmethod
    def check_clips(n_components: int, data: ClipData, leave_out: str) -> None:
        """Says where there are too few clips for a mixture.

        Raises:
            RunError: There are.
        """
        check_components(n_components, len(data.train_dataset), "evaluation.mixture_components", leave_out)

    def learn(self, clips: EncodedClips) -> None:
        """Takes training clips."""
        self._v.update(clips["index"], clips.v.double())

    def learnt(self) -> None:
        """Draws, once all training clips are known; to be called on every process."""
        model, seed = self._subject.model, self._subject.seed
        n_draws = min(_MOST, len(self._subject.dataset))
        trained = self._v.compute()[1]
        if self._of_each:
            v = draw_from_posteriors(trained.cpu().numpy(), n_draws, self._n_components, seed)
        else:
            v = np.random.default_rng(seed).standard_normal((n_draws, trained.shape[1]))
        like = next(model.parameters())
        self._global = torch.from_numpy(v).to(like)
        with seeded(seed, like.device):
            self._local = cast(LocalLatents, model).draw_local(n_draws)

    def of_global(self, positions: Tensor) -> Tensor:
        """Returns the v of clips by their positions in the evaluated part, (B, V)."""
        return self._global[positions % len(self._global)]

    def local(self, positions: Tensor) -> Tensor:
        """Returns the z of clips likewise, (B, T, Z)."""
        return self._local[positions % len(self._local)]

    def settings(self) -> dict[str, Any]:
        """What was drawn from."""
        return {"v_drawn_from": f"mixture of {self._n_components}" if self._of_each else "standard normal"}
