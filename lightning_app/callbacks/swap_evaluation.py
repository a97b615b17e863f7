"""The evaluation of Luo et al. (2022), section 6: instrument, pitch and quality of swaps."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table
from torch import Tensor

from datamodules.protocols import ClipData
from lightning_app.callbacks.progress import bar_beside
from lightning_app.errors import RunError
from lightning_app.evaluation.reporting import ClipCount, FirstSeen, record_of_test, report
from lightning_app.evaluation.requirements import (
    clip_data,
    require_classes_on_both_sides,
    swap_factor,
    swappable,
)
from lightning_app.evaluation.scores import Score, macro_f1, swap_scores
from lightning_app.evaluation.swap_audio import ReconstructionDistance, SwapAudio, SwapPitch
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from metrics import SwapClassification
from modules.audio.crepe import Capacity
from modules.audio_embedding import EmbeddingName, audio_embedding
from modules.protocols import Swap


class SwapEvaluation(Callback):
    """Scores, in one pass of ``test``, what v carries, whether swaps keep the melody, and how the decoded clips sound.

    Each test clip is swapped with one of another class. Logged as ``test/...``, printed as a table, and written
    with the terms of the loss to ``evaluation.json`` in the run's folder are

    - ``swap_f1/...``: macro F1 of the factor, by `SwapClassification`;
    - ``rpa/...``: raw pitch accuracy, by `SwapPitch`;
    - ``fad/...``: Fréchet audio distance of the reconstructions, by `ReconstructionDistance`.

    The last two are measured on the data's own spectrograms too, turned into audio in the same way:
    ``rpa/resynthesis`` and ``fad_resynthesis/...``. They listen to audio, which is slow: on a CPU core a clip takes
    seconds with CREPE's tiny model and more than a minute with the full one.

    Args:
        factor: Name of the class that v should carry; None takes the first that the data has, such as the instrument.
        seed: Seed of the pairing, of the choice of clips that are listened to, and of the phases of their audio.
        f1: Whether to score the factor.
        rpa: The model of CREPE to score the pitch with, ``full`` as the paper or ``tiny``; None does not score it.
        fad: Embeddings to measure the distance in: ``crepe-full``, ``crepe-tiny``, ``vggish``.
        vggish_weights: A file with the weights of VGGish, which else are downloaded once.
        audio_clips: Number of clips to listen to; None takes all.

    Raises:
        RunError: ``audio_clips`` below 1, or an embedding that is named twice.
    """

    def __init__(
        self,
        factor: str | None = None,
        seed: int = 0,
        f1: bool = True,
        rpa: Capacity | None = None,
        fad: tuple[EmbeddingName, ...] = (),
        vggish_weights: Path | None = None,
        audio_clips: int | None = None,
    ) -> None:
        if audio_clips is not None and audio_clips < 1:
            raise RunError(
                f"evaluation.audio_clips is {audio_clips}; it must be 1 or more, or null for all. To listen to none, "
                "use --evaluation.rpa null --evaluation.fad []."
            )
        if len(set(fad)) < len(fad):
            raise RunError(f"evaluation.fad names an embedding twice: {', '.join(fad)}.")
        self.factor = factor
        self.seed = seed
        self.f1 = f1
        self.rpa = rpa
        self.fad = tuple(fad)
        self.vggish_weights = vggish_weights
        self.audio_clips = audio_clips

    def check(self, model: LightningModule, data: object, stage: str) -> None:
        """Says what cannot be evaluated, before any work; see `lightning_app.callbacks.checks`."""
        if stage in ("fit", "test"):
            swappable(model)
            swap_factor(clip_data(data), self.factor)

    def test_scores(self, model: LightningModule) -> list[str]:
        """What is measured besides the terms of the loss; see `lightning_app.sweeps.check`."""
        measured = {"swap_f1": self.f1, "rpa": self.rpa is not None, "fad": True, "fad_resynthesis": True}
        known = [score.key for score in swap_scores(self.factor or "", self.fad)]
        return [key for key in known if measured.get(key.partition("/")[0], False)]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage not in ("fit", "test"):
            return
        self._data = data = clip_data(trainer.datamodule)  # type: ignore[attr-defined]
        self.check(pl_module, data, stage)
        self._factor = swap_factor(data, self.factor)
        if self.f1:
            require_classes_on_both_sides(data, self._factor)
        if stage == "fit":
            return
        # The model is not there yet. Apple's GPUs have no float64.
        device = trainer.strategy.root_device if trainer.strategy.root_device.type != "mps" else torch.device("cpu")
        self._dataset = data.test_dataset
        self._partners = partners_of_other_class(self._dataset.labels[self._factor], self.seed)
        self._position = {int(index): position for position, index in enumerate(self._dataset.indices)}
        self._instrument = SwapClassification().to(device) if self.f1 else None
        self._audible = self._chosen_clips()
        n_audible = int(self._audible.sum())
        # Loaded before inference mode begins: this process shares the networks with others, which may need gradients.
        self._audio = SwapAudio(
            data.audio,
            data.representation,
            SwapPitch(self.rpa, data.representation.sample_rate, device) if self.rpa else None,
            [
                ReconstructionDistance(audio_embedding(name, device, self.vggish_weights), n_audible, device)
                for name in self.fad
            ],
            device,
            self.seed,
        )

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._advance: Callable[[], None] | None = None
        self._scored, self._heard, self._first_seen = ClipCount(), ClipCount(), FirstSeen()
        if self._instrument is None:
            return
        for batch in _own_share(self._data, trainer, pl_module.device):
            v = swappable(pl_module).global_latent(batch["x"].to(pl_module.dtype))
            self._instrument.update(v, batch[self._factor], batch["index"], "train")

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Mapping[str, Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        model = swappable(pl_module)
        positions = [self._position[index] for index in batch["index"].tolist()]
        target = self._data.batch(self._dataset, self._partners[positions], pl_module.device)
        swap = model.swap(batch["x"], target["x"].to(batch["x"]))
        self._scored.add(batch["index"])
        audible = self._audible[positions] & self._first_seen(batch["index"])
        self._heard.add(batch["index"].cpu()[audible])
        if self._instrument is not None:
            shown = {
                "pre_swap": (swap.reconstruction, batch),
                "global_swap": (swap.global_swap, target),
                "local_swap": (swap.local_swap, batch),
            }
            for step, (decoded, wanted) in shown.items():
                v = model.global_latent(decoded)
                self._instrument.update(v, wanted[self._factor], batch["index"], step)
        for row in np.flatnonzero(audible):
            # Not before the first batch, when the run's own bar is there.
            self._advance = self._advance or bar_beside(trainer, "Listening", self._n_audible(trainer))
            one = Swap(*(decoded[row : row + 1].float() for decoded in swap))
            source = batch["x"][row : row + 1].float()
            self._audio.update(source, one, int(batch["index"][row]), int(target["index"][row]))
            self._advance()

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        scores = self._audio.compute()
        if self._instrument is not None:
            scores |= {macro_f1(step).key: score for step, score in self._instrument.compute().items()}
        self._scores = {name: float(score) for name, score in scores.items()}
        self._n_scored, self._n_heard = self._scored.total(), self._heard.total()
        pl_module.log_dict({f"test/{name}": score.float() for name, score in scores.items()}, rank_zero_only=True)

    @rank_zero_only
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        settings = {
            "factor": self._factor,
            "seed": self.seed,
            "rpa_model": self.rpa,
            "n_audio_clips": self._n_heard,
            "n_train_clips": len(self._data.train_dataset),
        }
        record = record_of_test(trainer, self, settings, self._n_scored, self._scores)
        report(trainer, record, _table(record.scores, swap_scores(self._factor, self.fad)))

    def _n_audible(self, trainer: Trainer) -> int:
        """About how many clips this process listens to."""
        return math.ceil(self._audible.sum() / trainer.world_size)

    def _chosen_clips(self) -> NDArray[np.bool_]:
        """Which clips are listened to, over all processes."""
        n_clips = len(self._dataset)
        chosen = np.zeros(n_clips, bool)
        if self.rpa or self.fad:
            n_chosen = n_clips if self.audio_clips is None else min(self.audio_clips, n_clips)
            chosen[np.random.default_rng(self.seed).permutation(n_clips)[:n_chosen]] = True
        return chosen


def _own_share(data: ClipData, trainer: Trainer, device: torch.device) -> Iterator[dict[str, Tensor]]:
    """This process's share of the training clips, in batches."""
    own = np.arange(trainer.global_rank, len(data.train_dataset), trainer.world_size)
    batches = np.split(own, range(data.batch_size, len(own), data.batch_size))
    for positions in track(batches, "Encoding the training set", disable=not trainer.is_global_zero):
        if len(positions):
            yield data.batch(data.train_dataset, positions, device)


def _table(scores: Mapping[str, float], known: Iterable[Score]) -> Table:
    table = Table(title="Swap evaluation")
    table.add_column("score on the validation clips")
    table.add_column("value", justify="right")
    for score in known:
        if score.key in scores:
            table.add_row(score.label, f"{scores[score.key]:.3f}")
    return table
