"""The evaluation of Luo et al. (2022), section 6: instrument, pitch and quality of swaps."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from lightning_app.callbacks.progress import bar_beside
from lightning_app.errors import RunError
from lightning_app.evaluation.audio_distances import AudioDistances
from lightning_app.evaluation.clip_count import ClipCount, FirstSeen
from lightning_app.evaluation.counterfactuals import Counterfactuals
from lightning_app.evaluation.factor_information import FactorInformation
from lightning_app.evaluation.judged import Judged
from lightning_app.evaluation.leakage import Leakage
from lightning_app.evaluation.measurement import EncodedClips, Measured, Measurement, Subject, SwappedClips
from lightning_app.evaluation.posterior_mixture import N_COMPONENTS
from lightning_app.evaluation.reporting import clip_scores_of, record_of_test, report, score_table
from lightning_app.evaluation.requirements import clip_data, swap_factor, swappable
from lightning_app.evaluation.scores import swap_scores
from lightning_app.evaluation.swap_audio import SwapAudio
from lightning_app.evaluation.swap_f1 import SwapF1
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from lightning_app.evaluation.training_clips import training_clips
from modules.audio.crepe import Capacity


class SwapEvaluation(Callback):
    """Scores, in one pass of ``test``, what v carries, whether swaps keep the melody, and how the decoded clips sound.

    Each test clip is swapped with one of another class. Logged as ``test/...``, printed as a table, and written
    with the terms of the loss to ``evaluation.json`` in the run's folder are

    - ``swap_f1/...``: macro F1 of the factor, by `SwapF1`;
    - ``rpa/...``: raw pitch accuracy, by `SwapAudio`;
    - ``fad/...``, ``fad_infinity/...``, ``kad/...``: distances of the reconstructions from the data, by
      `AudioDistances`, which also names the clips that are farthest off;
    - ``read/...``, ``eer/...``: what can be read from v and z, by `Leakage`;
    - ``information/...``, ``active/...``: what their dimensions tell, by `FactorInformation`;
    - ``follows_v/...``, ``inception/...``: what a classifier of real clips hears in swaps and draws, by `Judged`;
    - ``counterfactual/...``: how near a swap is to the true one, by `Counterfactuals`.

    Pitch and distances are measured on the data's own spectrograms too, turned into audio in the same way:
    ``rpa/resynthesis``, ``fad_resynthesis/...`` and so on. They listen to audio, which is slow: on a CPU core a clip
    takes seconds with CREPE's tiny model and more than a minute with the full one.

    Args:
        factor: Name of the class that v should carry; None takes the first that the data has, such as the instrument.
        seed: Seed of the pairing, of the choice of clips that are listened to, and of the phases of their audio.
        f1: Whether to score the factor.
        rpa: The model of CREPE to score the pitch with, ``full`` as the paper or ``tiny``; None does not score it.
        fad: Embeddings to measure the Fréchet audio distance in: ``crepe-full``, ``crepe-tiny``, ``vggish``,
            ``cdpam``, or paths of TorchScript (``.pt``, ``.ts``) or ONNX files (``.onnx``), which are code.
        kad: Embeddings to measure the kernel audio distance in, likewise.
        fad_infinity: Whether to extrapolate the Fréchet distances to endlessly many clips, too.
        vggish_weights: A file with the weights of VGGish, which else are downloaded once.
        audio_clips: Number of clips to listen to; None takes all.
        with_v: Other classes that v should carry, beside the factor, such as the octave.
        leakage: Whether to read all classes from v and z.
        information: Whether to count the dimensions in use, and to estimate their information of all classes.
        judge: Whether a classifier trained on real clips, once for these data, judges swaps and draws.
        mixture_components: Components of the mixture that draws of v are from where each clip has a prior of its own.
        counterfactuals: Number of clips whose true swaps are made and compared, by their pitch too where ``rpa`` is
            given; None makes none.

    Raises:
        RunError: ``audio_clips`` below 1, or embeddings that are none; see `AudioDistances`.
    """

    def __init__(
        self,
        factor: str | None = None,
        seed: int = 0,
        f1: bool = True,
        rpa: Capacity | None = None,
        fad: tuple[str, ...] = (),
        kad: tuple[str, ...] = (),
        fad_infinity: bool = False,
        vggish_weights: Path | None = None,
        audio_clips: int | None = None,
        with_v: tuple[str, ...] = (),
        leakage: bool = False,
        information: bool = False,
        judge: bool = False,
        mixture_components: int = N_COMPONENTS,
        counterfactuals: int | None = None,
    ) -> None:
        if audio_clips is not None and audio_clips < 1:
            raise RunError(
                f"evaluation.audio_clips is {audio_clips}; it must be 1 or more, or null for all. To listen to none, "
                "use --evaluation.rpa null --evaluation.fad [] --evaluation.kad []."
            )
        self.factor = factor
        self.seed = seed
        distances = AudioDistances(fad, kad, fad_infinity, vggish_weights)
        self.embeddings = distances.embeddings
        self.with_v = tuple(with_v)
        self.measurements: list[Measurement] = [
            *([SwapF1()] if f1 else []),
            SwapAudio(rpa, distances, audio_clips),
        ]
        if leakage:
            self.measurements.append(Leakage())
        if information:
            self.measurements.append(FactorInformation())
        if judge:
            self.measurements.append(Judged(mixture_components))
        if counterfactuals is not None:
            self.measurements.append(Counterfactuals(counterfactuals, rpa))

    def check(self, model: LightningModule, data: object, stage: str) -> None:
        """Says what cannot be evaluated, before any work; see `lightning_app.callbacks.checks`."""
        if stage in ("fit", "test"):
            swappable(model)
            clips = clip_data(data)
            factor = swap_factor(clips, self.factor)
            if unknown := [name for name in self.with_v if name not in clips.class_names]:
                raise RunError(
                    f"evaluation.with_v names {', '.join(unknown)}, and these data have the classes "
                    f"{', '.join(clips.class_names)}; --evaluation.with_v [] names none."
                )
            for measurement in self.measurements:
                measurement.check(model, clips, factor)

    def test_scores(self, model: LightningModule) -> list[str]:
        """What is measured besides the terms of the loss; see `lightning_app.sweeps.check`."""
        return [key for measurement in self.measurements for key in measurement.known_keys()]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage not in ("fit", "test"):
            return
        self._data = data = clip_data(trainer.datamodule)  # type: ignore[attr-defined]
        self.check(pl_module, data, stage)
        self._factor = swap_factor(data, self.factor)
        self._global_factors = tuple(dict.fromkeys([self._factor, *self.with_v]))
        for measurement in self.measurements:
            measurement.check_clips(data, self._factor)
        if stage == "fit":
            return
        # The model is not there yet. Apple's GPUs have no float64.
        device = trainer.strategy.root_device if trainer.strategy.root_device.type != "mps" else torch.device("cpu")
        self._dataset = data.test_dataset
        self._partners = partners_of_other_class(self._dataset.labels[self._factor], self.seed)
        self._position = {int(index): position for position, index in enumerate(self._dataset.indices)}

        def beside(title: str, n_clips: int) -> Callable[[], None]:
            return bar_beside(trainer, title, math.ceil(n_clips / trainer.world_size))

        subject = Subject(
            model=pl_module,
            data=data,
            factor=self._factor,
            global_factors=self._global_factors,
            device=device,
            seed=self.seed,
            beside=beside,
            shows_progress=trainer.is_global_zero,
        )
        for measurement in self.measurements:
            measurement.begin(subject)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._scored, self._first_seen = ClipCount(), FirstSeen()
        learning = [measurement for measurement in self.measurements if measurement.learns]
        if not learning:
            return
        ranks = {"process": trainer.global_rank, "n_processes": trainer.world_size}
        for batch in training_clips(self._data, pl_module, **ranks):
            encoded = EncodedClips(swappable(pl_module), batch)
            for measurement in learning:
                measurement.learn(encoded)
        for measurement in learning:
            measurement.learnt()

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Mapping[str, Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        positions = [self._position[index] for index in batch["index"].tolist()]
        partners = self._data.batch(self._dataset, self._partners[positions], pl_module.device)
        self._scored.add(batch["index"])
        model = swappable(pl_module)
        source, target = EncodedClips(model, batch), EncodedClips(model, partners)
        clips = SwappedClips(model, source, target, self._first_seen(batch["index"]))
        for measurement in self.measurements:
            measurement.update(clips)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._scores: dict[str, Measured] = {}
        self._outliers: dict[str, list[dict[str, Any]]] = {}
        for measurement in self.measurements:
            self._scores |= measurement.compute()
            self._outliers |= measurement.outliers()
        self._n_scored = self._scored.total()
        logged = {f"test/{name}": torch.tensor(score.value) for name, score in self._scores.items()}
        pl_module.log_dict(logged, rank_zero_only=True)

    @rank_zero_only
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        settings = {
            "factor": self._factor,
            "global_factors": list(self._global_factors),
            "seed": self.seed,
            "n_train_clips": len(self._data.train_dataset),
        }
        for measurement in self.measurements:
            settings |= measurement.settings()
        record = record_of_test(trainer, self, settings, self._n_scored, self._scores, self._outliers)
        tables = [table for measurement in self.measurements for table in measurement.tables()]
        scores = score_table("Swap evaluation", record, swap_scores(self._factor, self.embeddings))
        report(trainer, record, scores, *tables, clip_scores=clip_scores_of(self._data, self._scores))
