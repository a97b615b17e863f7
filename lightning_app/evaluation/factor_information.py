"""How many dimensions of v and z are in use, and how much each tells of the factors."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from lightning import LightningModule
from numpy.typing import NDArray
from rich.table import Table

from datamodules.protocols import ClipData
from lightning_app.errors import RunError
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import Measured, Measurement, Subject, SwappedClips
from lightning_app.evaluation.requirements import require_local_latents, require_members
from metrics.functional import dci, entropy, modularity, mutual_information
from modules.protocols import Divergent

_ACTIVE = 0.01  # nats
_CODES = ("v", "z")
_LEAVE_OUT = "--evaluation.information false leaves this out."


class FactorInformation(Measurement):
    """Mutual information of v, and of the mean of z over time, with each factor; and how many dimensions are in use.

    ``active/v`` and ``active/z`` count the dimensions whose KL from what is known without the clip is above 0.01 nats,
    in the mean over clips (and frames): for v from N(0, 1), whatever the prior that the model was trained with.

    ``information/<code>/<factor>`` is the information of the best dimension over the entropy of the factor, 0 to 1, and
    ``information_gap/<factor>`` what the code that should carry the factor is ahead of the other. `modularity` and
    ``dci_.../...`` are of all dimensions of both codes side by side (`metrics.functional.dci`, whose forests are fitted
    on one half of the clips and tried on the other); ``dci_v/<factor>`` is the share of v in what predicts a factor.

    These have no bootstrap interval: estimates of information from neighbours take a clip that is drawn twice for a
    neighbour of its own.
    """

    def check(self, model: LightningModule, data: ClipData, factor: str) -> None:
        require_local_latents(model, "evaluation.information", _LEAVE_OUT)
        require_members(model, Divergent, "evaluation.information", _LEAVE_OUT)

    def begin(self, subject: Subject) -> None:
        self._subject = subject
        self._factors = [name for name, classes in subject.data.class_names.items() if len(classes) > 1]
        self._rows = {name: ClipRows().to(subject.device) for name in ("v", "z", "labels", "kl_v", "kl_z")}

    def update(self, clips: SwappedClips) -> None:
        source, index = clips.source, clips.index
        kl_v, kl_z = cast(Divergent, clips.model).divergences(source["x"])
        labels = torch.stack([source[factor] for factor in self._factors], dim=1)
        rows = {"v": source.v, "z": source.z.mean(dim=1), "labels": labels, "kl_v": kl_v, "kl_z": kl_z}
        for name, values in rows.items():
            self._rows[name].update(index, values.double())

    def compute(self) -> dict[str, Measured]:
        """Returns the scores.

        Raises:
            RunError: Clips that are too few, or of which a class is too rare.
        """
        values = {name: kept.compute()[1].cpu().numpy() for name, kept in self._rows.items()}
        counts = {f"active/{code}": float((values[f"kl_{code}"].mean(axis=0) > _ACTIVE).sum()) for code in _CODES}
        try:
            self._scores = counts | self._information(values)
        except ValueError as error:
            raise RunError(f"the information of the latents cannot be estimated: {error} {_LEAVE_OUT}") from error
        return {key: Measured(value) for key, value in self._scores.items()}

    def known_keys(self) -> list[str]:
        return ["active/v", "active/z"]

    def tables(self) -> list[Table]:
        table = Table(title="Information of the best dimension, over the entropy of the factor")
        for title in ("factor", "v", "z, mean over time", "gap", "share of v in DCI"):
            table.add_column(title, justify="left" if title == "factor" else "right")
        for factor in self._told:
            kinds = (*(f"information/{code}" for code in _CODES), "information_gap", "dci_v")
            carried = " (v)" if factor in self._subject.global_factors else ""
            row = [self._scores.get(f"{kind}/{factor}") for kind in kinds]
            table.add_row(f"{factor}{carried}", *("" if value is None else f"{value:.2f}" for value in row))
        table.caption = "in use: " + ", ".join(f"{int(self._scores[f'active/{code}'])} of {code}" for code in _CODES)
        return [table]

    def _information(self, values: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
        of_v = values["v"].shape[1]
        latents, labels = np.concatenate([values["v"], values["z"]], axis=1), values["labels"]
        # Of a factor that all clips share, or have apart, nothing can be told.
        sizes = [len(np.unique(column)) for column in labels.T]
        kept = [number for number, size in enumerate(sizes) if 1 < size < len(labels)]
        self._told = [self._factors[number] for number in kept]
        if not kept:
            return {}
        labels = labels[:, kept]
        shares = mutual_information(latents, labels, discrete=True) / entropy(labels, discrete=True)
        best = {"v": shares[:of_v].amax(dim=0), "z": shares[of_v:].amax(dim=0)}
        scores = {}
        for number, factor in enumerate(self._told):
            own, other = _CODES if factor in self._subject.global_factors else reversed(_CODES)
            for code in _CODES:
                scores[f"information/{code}/{factor}"] = float(best[code][number])
            scores[f"information_gap/{factor}"] = float(best[own][number] - best[other][number])
        if len(kept) > 1:
            scores["modularity"] = float(modularity(latents, labels, discrete=True).nanmean())
            found = dci(latents, labels, discrete=True, seed=self._subject.seed)
            scores["dci_disentanglement"] = float(found.disentanglement)
            for number, factor in enumerate(self._told):
                scores[f"dci_completeness/{factor}"] = float(found.completeness[number])
                scores[f"dci_informativeness/{factor}"] = float(found.informativeness[number])
                scores[f"dci_v/{factor}"] = float(found.importance[:of_v, number].sum())
        return scores
