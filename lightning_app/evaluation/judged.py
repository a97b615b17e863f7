"""What a judge that has never heard the model says of its swaps and of what it draws."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from lightning import LightningModule
from numpy.typing import NDArray
from rich.table import Table

from datamodules.protocols import ClipData
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.clip_statistics import StatisticName, entropy
from lightning_app.evaluation.judge import judge_of
from lightning_app.evaluation.measurement import EncodedClips, Measured, Measurement, Subject, SwappedClips
from lightning_app.evaluation.prior_draws import PriorDraws
from lightning_app.evaluation.requirements import require_local_latents
from modules.protocols import LocalLatents

_SWAPS = ("global_swap", "local_swap")
_DRAWS = ("v_kept", "z_kept", "drawn")
"""Clips with their own v and a drawn z, with their own z and a drawn v, and with both drawn."""

_LEAVE_OUT = "--evaluation.judge false leaves this out."
_COLUMNS = {
    "judge_accuracy": "real: right",
    "follows_v": "swap: v's",
    "follows_z": "swap: z's",
    "kept_with_v": "draw: v's",
    "kept_with_z": "draw: z's",
}


class Judged(Measurement):
    """Judges swaps and draws by a classifier of all factors, trained on real clips alone (`judge_of`).

    For each factor,

    - ``judge_accuracy/...`` is the accuracy of the judge on the real clips that are evaluated, which bounds the others;
    - ``follows_v/...`` and ``follows_z/...`` say how often, where source and target differ in the factor, it is that of
      the clip that v, or z, was taken from, over both swaps;
    - ``kept_with_v/...`` and ``kept_with_z/...`` say how often a clip keeps the factor if the other latent is drawn.

    For the factor that clips are swapped by, and for each swap and draw, ``certainty/...`` is H(y|x), the mean entropy
    of what the judge says of a clip, and ``variety/...`` H(y), that of what it says of all, both in nats;
    ``inception/...`` is exp(H(y) - H(y|x)), at most the number of classes (Salimans et al. 2016). A v that has
    collapsed keeps every factor with z, so read both directions.

    Draws are from the prior; see `PriorDraws`.

    Args:
        n_components: Components of the mixture that v is drawn from where each clip has a prior of its own.
    """

    def __init__(self, n_components: int) -> None:
        self.n_components = n_components

    def check(self, model: LightningModule, data: ClipData, factor: str) -> None:
        require_local_latents(model, "evaluation.judge", _LEAVE_OUT)

    def check_clips(self, data: ClipData, factor: str) -> None:
        PriorDraws.check_clips(self.n_components, data, _LEAVE_OUT)

    def begin(self, subject: Subject) -> None:
        self._subject = subject
        self._judge = judge_of(subject.data, subject.seed, subject.device, subject.shows_progress)
        self._factors = list(self._judge.heads)
        self._position = {int(index): position for position, index in enumerate(subject.dataset.indices)}
        self._draws = PriorDraws(subject, self.n_components)
        self._told = {of: ClipRows().to(subject.device) for of in ("real", *_SWAPS, *_DRAWS)}
        self._likely = {of: ClipRows().to(subject.device) for of in (*_SWAPS, *_DRAWS)}
        self._labels = {of: ClipRows().to(subject.device) for of in ("source", "target")}

    def learn(self, clips: EncodedClips) -> None:
        self._draws.learn(clips)

    def learnt(self) -> None:
        self._draws.learnt()

    def update(self, clips: SwappedClips) -> None:
        model, source = cast(LocalLatents, clips.model), clips.source
        at = torch.tensor([self._position[index] for index in clips.index.tolist()], device=source.v.device)
        z, v = self._draws.local(at), self._draws.of_global(at)
        judged = {
            "real": source["x"],
            "global_swap": clips.swap.global_swap,
            "local_swap": clips.swap.local_swap,
            "v_kept": model.decode(z, source.v),
            "z_kept": model.decode(source.z, v),
            "drawn": model.decode(z, v),
        }
        for of, x in judged.items():
            logits = self._judge.to(x.device)(x.float())
            told = torch.stack([logits[factor].argmax(dim=1) for factor in self._factors], dim=1)
            self._told[of].update(clips.index, told.double())
            if of in self._likely:
                self._likely[of].update(clips.index, logits[self._subject.factor].double().softmax(dim=1))
        for of, batch in (("source", source), ("target", clips.target)):
            self._labels[of].update(clips.index, torch.stack([batch[factor] for factor in self._factors], dim=1))

    def compute(self) -> dict[str, Measured]:
        told, labels = _values(self._told), _values(self._labels)
        source, target = labels["source"], labels["target"]
        differ = source != target
        self._numbers = self._labels["source"].compute()[0].cpu().numpy()
        scores = {}
        for column, factor in enumerate(self._factors):
            own, other, of_two = source[:, column], target[:, column], differ[:, column]
            after_global, after_local = (told[swap][:, column] for swap in _SWAPS)
            rows = {
                "follows_v": (after_global == other, after_local == own),
                "follows_z": (after_global == own, after_local == other),
            }
            for kind, (first, second) in rows.items():
                if of_two.any():
                    hits = (first.astype(float) + second)[of_two]
                    scores[f"{kind}/{factor}"] = self._measured(
                        "ratio_of_sums", hits, np.full(len(hits), 2.0), of=of_two
                    )
            for kind, of in (("judge_accuracy", "real"), ("kept_with_v", "v_kept"), ("kept_with_z", "z_kept")):
                scores[f"{kind}/{factor}"] = self._measured("mean", told[of][:, column] == own)
        for of, likely in _values(self._likely).items():
            columns = tuple(likely.T)
            scores[f"certainty/{of}"] = self._measured("mean", entropy(likely.T))
            scores[f"variety/{of}"] = self._measured("variety", *columns)
            scores[f"inception/{of}"] = self._measured("inception", *columns)
        self._scores = scores
        return scores

    def known_keys(self) -> list[str]:
        return [f"{kind}/{of}" for kind in ("certainty", "variety", "inception") for of in (*_SWAPS, *_DRAWS)]

    def settings(self) -> dict[str, Any]:
        return self._draws.settings()

    def tables(self) -> list[Table]:
        matrix = Table(
            title="What the judge hears",
            caption="shares of real clips, of swaps and of draws, by the clip that v, or z, is of",
        )
        matrix.add_column("factor", no_wrap=True)
        for title in (*_COLUMNS.values(), "chance"):
            matrix.add_column(title, justify="right")
        for factor in self._factors:
            carried = " (v)" if factor in self._subject.global_factors else ""
            row = [self._scores.get(f"{kind}/{factor}") for kind in _COLUMNS]
            chance = 1.0 / len(self._subject.data.class_names[factor])
            shown = ["" if score is None else f"{score.value:.2f}" for score in row]
            matrix.add_row(f"{factor}{carried}", *shown, f"{chance:.2f}")
        entropies = Table(title=f"What the judge hears of the {self._subject.factor}, in nats")
        for title in ("of", "H(y|x)", "H(y)", "inception score"):
            entropies.add_column(title, justify="left" if title == "of" else "right")
        for of in (*_SWAPS, *_DRAWS):
            found = (self._scores[f"{kind}/{of}"].value for kind in ("certainty", "variety", "inception"))
            entropies.add_row(of.replace("_", " "), *(f"{value:.2f}" for value in found))
        return [matrix, entropies]

    def _measured(
        self, statistic: StatisticName, *rows: NDArray[Any], of: NDArray[np.bool_] | slice = slice(None)
    ) -> Measured:
        """A statistic of all clips, or of some, chosen by a bool for each."""
        return Measured.of_clips(statistic, self._numbers[of], *rows, seed=self._subject.seed)


def _values(rows: Mapping[str, ClipRows]) -> dict[str, NDArray[np.float64]]:
    return {of: kept.compute()[1].cpu().numpy() for of, kept in rows.items()}
