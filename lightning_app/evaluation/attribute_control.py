"""Whether the audio that a model decodes has the attributes that its latents were set to."""

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import torch
from lightning import LightningModule
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from torch import Tensor

from datamodules.clips.attributes import TIMBRAL
from datamodules.errors import DataError
from datamodules.protocols import ClipData
from lightning_app.errors import RunError
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import Measured
from lightning_app.evaluation.requirements import regularised, require_members
from modules.protocols import Regularised, SettableLatents
from modules.seeding import seeded

_LEAVE_OUT = "--evaluation.control_clips null leaves this out."

LABELS: Mapping[str, str] = {
    "control_correlation": "set against measured, rank correlation",
    "control_error": "error of what was set",
    "control_correlation_together": "rank correlation, all attributes set",
    "control_error_together": "error, all attributes set",
    "control_floor": "error of the reconstruction (floor)",
    "control_ceiling": "error with nothing set (ceiling)",
    "side_effect": "change where the others are set",
}


class AttributeControl:
    """Sets the regularised dimensions of clips to wanted values of their attributes, and measures the decoded audio.

    The wanted values of a clip are the attributes of another clip, drawn by the seed, so that they occur together. A
    monotone function, fitted to training clips, takes a value to a position of the dimension. Each attribute is set
    alone, and then all of them. For each, in its own unit,

    - ``control_correlation/...`` is the rank correlation of the wanted and the measured value, and
      ``control_error/...`` their mean absolute difference; with ``_together`` where all attributes are set;
    - ``control_floor/...`` is the error of a reconstruction against the clip itself, and ``control_ceiling/...`` its
      error against the wanted value: what setting nothing gives;
    - ``side_effect/...`` is how far the attribute moves from the reconstruction's where one of the others is set.

    Args:
        data: The data, set up.
        model: The model.
        n_clips: Number of clips to decode, drawn by the seed; all, where there are fewer.
        seed: Seed of the draws.
        device: Where the numbers are kept.
        advance: Is called after each clip.
    """

    def __init__(
        self, data: ClipData, model: Regularised, n_clips: int, seed: int, device: torch.device,
        advance: Callable[[], None],
    ) -> None:  # fmt: skip
        self._data, self._model, self._seed, self._advance = data, model, seed, advance
        self._columns, self._names, self._dims = controllable(model)
        dataset = data.test_dataset
        drawn = np.random.default_rng(seed).permutation(len(dataset))[:n_clips]
        self.total = len(drawn)
        # Each takes the attributes of the next in a ring, so that none is wanted as it is.
        self._wanted_of = dict(zip(dataset.indices[drawn].tolist(), np.roll(drawn, -1).tolist(), strict=True))
        self._training, self._rows = ClipRows().to(device), ClipRows().to(device)

    def learn(self, batch: Mapping[str, Tensor]) -> None:
        """Takes training clips."""
        z = self._model.latent(batch["x"])[:, self._dims]
        known = batch["attributes"][:, self._columns]
        self._training.update(batch["index"], torch.cat([known.double(), z.double()], dim=1))

    def learnt(self) -> None:
        """Fits the functions, once all training clips are known; to be called on every process."""
        rows = self._training.compute()[1].cpu().numpy()
        values, positions = np.split(rows, 2, axis=1)
        self._position_of = [
            IsotonicRegression(increasing="auto", out_of_bounds="clip").fit(value, position)
            for value, position in zip(values.T, positions.T, strict=True)
        ]

    def update(self, batch: Mapping[str, Tensor]) -> None:
        """Sets and measures the chosen clips of a batch."""
        z = self._model.latent(batch["x"])
        for row, index in enumerate(batch["index"].tolist()):
            if index in self._wanted_of:
                wanted = self._data.test_dataset[self._wanted_of[index]]["attributes"].numpy()[self._columns]
                own = batch["attributes"][row].double().cpu().numpy()[self._columns]
                measured = self._measured(self._versions(z[row], wanted), index)
                values = np.concatenate([own, wanted, measured.ravel()])
                self._rows.update(batch["index"][row : row + 1], torch.from_numpy(values)[None].to(z.device))
                self._advance()

    def compute(self) -> dict[str, Measured]:
        """Returns the scores.

        Raises:
            RunError: Hardly any decoded clip has the attributes, being silent.
        """
        numbers, rows = (of_clips.cpu().numpy() for of_clips in self._rows.compute())
        audible = np.isfinite(rows).all(axis=1)
        numbers, heard = numbers[audible], rows[audible]
        if len(heard) < 2:
            raise RunError(f"{len(rows) - len(heard)} of {len(rows)} decoded clips are silent. {_LEAVE_OUT}")
        n = len(self._names)
        own, wanted, measured = heard[:, :n], heard[:, n : 2 * n], heard[:, 2 * n :].reshape(len(heard), n + 2, n)
        reconstruction, together = measured[:, 0], measured[:, -1]
        scores = {"control_clips": Measured(float(len(heard)))}
        for number, name in enumerate(self._names):
            alone, aim = measured[:, 1 + number, number], wanted[:, number]
            found = {
                "control_error": np.abs(alone - aim),
                "control_error_together": np.abs(together[:, number] - aim),
                "control_floor": np.abs(reconstruction[:, number] - own[:, number]),
                "control_ceiling": np.abs(reconstruction[:, number] - aim),
            }
            if n > 1:
                others = [1 + other for other in range(n) if other != number]
                moved = np.abs(measured[:, others, number] - reconstruction[:, None, number])
                found["side_effect"] = moved.mean(axis=1)
            for kind, values in found.items():
                scores[f"{kind}/{name}"] = Measured.of_clips("mean", numbers, values, seed=self._seed)
            pairs = {"control_correlation": alone, "control_correlation_together": together[:, number]}
            for kind, values in pairs.items():
                scores[f"{kind}/{name}"] = Measured.of_clips("rank_correlation", numbers, aim, values, seed=self._seed)
        return scores

    def _versions(self, z: Tensor, wanted: NDArray[np.float64]) -> Tensor:
        """The latent of a clip (D,) as it is, with each attribute set, and with all, (n + 2, D)."""
        versions = z.expand(len(self._names) + 2, -1).clone()
        for number, (dim, position_of) in enumerate(zip(self._dims, self._position_of, strict=True)):
            position = float(position_of.predict(wanted[number : number + 1])[0])
            versions[1 + number, dim] = versions[-1, dim] = position
        return versions

    def _measured(self, versions: Tensor, index: int) -> NDArray[np.float64]:
        """The attributes of decoded latents, (n + 2, n); NaN where there is no sound."""
        representation = self._data.representation
        decoded = cast(SettableLatents, self._model).decode(versions).float()
        own = torch.from_numpy(self._data.audio(index)).to(decoded.device)
        with seeded(self._seed + index, decoded.device):
            waves = representation.inverse(decoded, len(own), like=own.expand(len(decoded), -1))
        measured = np.full((len(versions), len(self._names)), np.nan)
        for version, wave in enumerate(waves.cpu().numpy()):
            try:
                found = TIMBRAL.compute(wave, representation.sample_rate)
            except DataError:
                continue  # silence has no timbre
            measured[version] = [found[name] for name in self._names]
        return measured


def controllable(model: Regularised) -> tuple[list[int], list[str], list[int]]:
    """Returns the columns, the names and the dimensions of the regularised attributes that audio tells."""
    pairs = zip(model.attribute_names, model.regularized_dims, strict=False)
    known = [(column, name, dim) for column, (name, dim) in enumerate(pairs) if name in TIMBRAL.columns]
    return [column for column, _, _ in known], [name for _, name, _ in known], [dim for _, _, dim in known]


def check_control(model: LightningModule, data: ClipData, n_clips: int) -> None:
    """Says what cannot be controlled, before any work.

    Raises:
        RunError: Fewer than two clips, a model whose latents cannot be decoded, or no attribute that audio tells.
    """
    if n_clips < 2:
        raise RunError(f"evaluation.control_clips is {n_clips}; it is a number of clips, 2 or more, or null for none.")
    known = regularised(model, data)
    require_members(known, SettableLatents, "evaluation.control_clips", _LEAVE_OUT)
    if not controllable(known)[1]:
        raise RunError(
            f"evaluation.control_clips measures {' and '.join(TIMBRAL.columns)} of what is decoded, and the model "
            f"regularises {', '.join(known.attribute_names)}. {_LEAVE_OUT}"
        )
