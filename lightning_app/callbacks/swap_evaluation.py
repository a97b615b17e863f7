"""The evaluation of Luo et al. (2022), section 6: instrument, pitch and quality of swaps."""

from collections.abc import Callable, Iterable, Mapping
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
from torch.utils.data import DataLoader, Subset

from datamodules.clips import ClipDataModule
from lightning_app.callbacks.progress import bar_beside
from lightning_app.errors import RunError
from lightning_app.evaluation.parts import clip_data, swappable
from lightning_app.evaluation.reporting import ClipCount, logged_scores, report
from lightning_app.evaluation.scores import Score, macro_f1, swap_scores
from lightning_app.evaluation.swap_audio import ReconstructionDistance, SwapAudio, SwapPitch
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from lightning_app.runs.checkpoint import evaluated_state
from lightning_app.runs.evaluation_record import EvaluationRecord
from metrics import SwapClassification
from modules.audio.crepe import Capacity
from modules.audio_embedding import EmbeddingName, audio_embedding
from modules.dsae import Swap


class SwapEvaluation(Callback):
    """Scores, in one pass of ``test``, what v carries, whether swaps keep the melody, and how the decoded clips sound.

    Each validation clip is swapped with one of another class. Logged as ``test/...``, printed as a table, and written
    with the terms of the loss to ``evaluation.json`` in the run's folder are

    - ``swap_f1/...``: macro F1 of the factor, by `SwapClassification`;
    - ``rpa/...``: raw pitch accuracy, by `SwapPitch`;
    - ``fad/...``: Fréchet audio distance of the reconstructions, by `ReconstructionDistance`.

    The last two come with what they are of the data's own log-mels, made audible the same way: ``rpa/resynthesis`` and
    ``fad_resynthesis/...``. They listen to audio, which is slow: on a CPU core a clip takes seconds with CREPE's tiny
    model and more than a minute with the full one.

    Args:
        factor: The attribute of the data set that v should carry.
        seed: Of the pairing, of the choice of clips that are listened to, and of the phases of their audio.
        f1: Whether to score the factor.
        rpa: The model of CREPE to score the pitch with, ``full`` as the paper or ``tiny``; None does not score it.
        fad: Embeddings to measure the distance in: ``crepe-full``, ``crepe-tiny``, ``vggish``.
        vggish_weights: A file with the weights of VGGish, which else are downloaded once.
        audio_clips: How many validation clips to listen to; None takes all.

    Raises:
        RunError: ``audio_clips`` below 1, or an embedding that is named twice.
    """

    def __init__(
        self,
        factor: str = "instrument",
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

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage not in ("fit", "test"):
            return
        # What cannot be evaluated is better known before the training than after it.
        swappable(pl_module)
        data = clip_data(trainer, self.factor)
        if stage == "fit":
            return
        # The model is not there yet. Apple's GPUs have no float64.
        device = trainer.strategy.root_device if trainer.strategy.root_device.type != "mps" else torch.device("cpu")
        self._dataset = data.validation_dataset
        self._partners = partners_of_other_class(self._dataset.attributes[self.factor], self.seed)
        self._position = {int(index): position for position, index in enumerate(self._dataset.indices)}
        self._instrument = SwapClassification().to(device) if self.f1 else None
        self._audible = self._chosen_clips()
        n_audible = int(self._audible.sum())
        # Here and not later: networks that are loaded in inference mode are of no use to others in this process.
        self._audio = SwapAudio(
            data.audio,
            data.log_mel,
            SwapPitch(self.rpa, data.log_mel.sample_rate, device) if self.rpa else None,
            [
                ReconstructionDistance(audio_embedding(name, device, self.vggish_weights), n_audible, device)
                for name in self.fad
            ],
            device,
            self.seed,
        )

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # A distributed sampler gives each process every n-th clip, and repeats some to fill the last batch.
        self._audible &= np.arange(len(self._dataset)) % trainer.world_size == trainer.global_rank
        self._advance: Callable[[], None] | None = None
        self._scored, self._heard = ClipCount(), ClipCount()
        if self._instrument is None:
            return
        model, data = swappable(pl_module), clip_data(trainer, self.factor)
        for batch in _own_share(data, trainer):
            v = model.global_encoder(batch["log_mel"].to(model.device)).mean
            self._instrument.update(v, batch[self.factor], batch["index"], "train")

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
        targets = [self._dataset[self._partners[position]] for position in positions]
        target = torch.stack([clip["log_mel"] for clip in targets]).to(model.device)
        swap = model.swap(batch["log_mel"], target)
        self._scored.add(batch["index"])
        self._heard.add(batch["index"].cpu()[self._audible[positions]])
        if self._instrument is not None:
            target_label = torch.stack([clip[self.factor] for clip in targets]).to(model.device)
            shown = {
                "pre_swap": (swap.reconstruction, batch[self.factor]),
                "global_swap": (swap.global_swap, target_label),
                "local_swap": (swap.local_swap, batch[self.factor]),
            }
            for step, (decoded, label) in shown.items():
                self._instrument.update(model.global_encoder(decoded).mean, label, batch["index"], step)
        for row in np.flatnonzero(self._audible[positions]):
            # Not before the first batch, when the run's own bar is there.
            self._advance = self._advance or bar_beside(trainer, "Listening", int(self._audible.sum()))
            one = Swap(*(decoded[row : row + 1] for decoded in swap))
            source = batch["log_mel"][row : row + 1]
            self._audio.update(source, one, int(batch["index"][row]), int(targets[row]["index"]))
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
            "factor": self.factor,
            "seed": self.seed,
            "rpa_model": self.rpa,
            "n_audio_clips": self._n_heard,
            "n_train_clips": len(clip_data(trainer, self.factor).train_dataset),
        }
        scores = logged_scores(trainer) | self._scores
        state = evaluated_state(trainer.ckpt_path)
        record = EvaluationRecord(type(self).__name__, scores, settings, self._n_scored, **state)
        report(trainer, record, _table(scores, swap_scores(self.factor, self.fad)))

    def _chosen_clips(self) -> NDArray[np.bool_]:
        """Which validation clips are listened to, over all processes."""
        n_clips = len(self._dataset)
        chosen = np.zeros(n_clips, bool)
        if self.rpa or self.fad:
            n_chosen = n_clips if self.audio_clips is None else min(self.audio_clips, n_clips)
            chosen[np.random.default_rng(self.seed).permutation(n_clips)[:n_chosen]] = True
        return chosen


def _own_share(data: ClipDataModule, trainer: Trainer) -> Iterable[dict[str, Tensor]]:
    """This process's share of the training clips, in batches."""
    own = range(trainer.global_rank, len(data.train_dataset), trainer.world_size)
    loader = DataLoader(Subset(data.train_dataset, own), batch_size=data.batch_size)
    return track(loader, "Encoding the training set", disable=not trainer.is_global_zero)


def _table(scores: Mapping[str, float], known: Iterable[Score]) -> Table:
    table = Table(title="Swap evaluation")
    table.add_column("score on the validation clips")
    table.add_column("value", justify="right")
    for score in known:
        if score.key in scores:
            table.add_row(score.label, f"{scores[score.key]:.3f}")
    return table
