"""What can be read from v and z of real clips: the factors that each should carry, and those that it should not."""

from typing import Any, cast, get_args

import numpy as np
import torch
from lightning import LightningModule
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table
from torch import Tensor

from datamodules.protocols import ClipData, Melodic
from lightning_app.errors import RunError
from lightning_app.evaluation.clip_rows import ClipRows
from lightning_app.evaluation.measurement import EncodedClips, Measured, Measurement, Subject, SwappedClips
from lightning_app.evaluation.requirements import require_local_latents
from metrics.functional import bootstrap_interval, chance_level, equal_error_rate, read_classes, read_values
from metrics.functional.equal_error_rate import error_rate_of_draws
from metrics.functional.readers import Reader

READERS: tuple[Reader, ...] = get_args(Reader)
CODES = ("v", "z", "z_t")
"""What is read: the global latent, the mean of the local one over time, and the local one of a single frame."""

_TRAINING_FRAMES = 4  # of each clip, to fit what reads single frames
_MOST_CLIPS_OF_PAIRS = 2000  # whose pairs still fit in memory several times, for an interval
_DRAWS_OF_PAIRS = 200
_LEAVE_OUT = "--evaluation.leakage false leaves this out."


class Leakage(Measurement):
    """Reads each factor from v, from the mean of z over time, and from single z_t, with readers fitted elsewhere.

    The readers are a linear one and a small network (`metrics.functional.read_classes`), fitted on training clips.
    ``read/<code>/<factor>/<reader>`` is their macro F1 on the clips that are evaluated, and ``chance/<factor>`` that of
    a guess. Where the data know what is played, ``read/v/contour/<reader>`` is R² of the contour, which is the pitch of
    each tick less the clip's mean, so that its chance is 0.

    ``eer/static`` and ``eer/dynamic`` are the equal error rates of telling by v, and by the mean of z, whether two
    clips are of one class, and ``eer/gap`` is what is between them: the first should be 0 and the second 0.5.
    """

    def check(self, model: LightningModule, data: ClipData, factor: str) -> None:
        require_local_latents(model, "evaluation.leakage", _LEAVE_OUT)

    def check_clips(self, data: ClipData, factor: str) -> None:
        labels = data.test_dataset.labels[factor]
        sizes = np.unique(labels, return_counts=True)[1]
        if len(sizes) < 2 or sizes.max() < 2:
            raise RunError(
                f"an equal error rate is of pairs of clips of one {factor} and of two, and the {len(labels)} clips "
                f"that are evaluated have none of them; take more clips. {_LEAVE_OUT}"
            )

    def begin(self, subject: Subject) -> None:
        self._subject = subject
        self._factors = [name for name, classes in subject.data.class_names.items() if len(classes) > 1]
        names = (*(f"{part}/{of}" for part in ("train", "test") for of in ("labels", *CODES)),)
        self._rows = {name: ClipRows().to(subject.device) for name in names}

    def learn(self, clips: EncodedClips) -> None:
        self._keep("train", clips, _TRAINING_FRAMES)

    def update(self, clips: SwappedClips) -> None:
        self._keep("test", clips.source, 1)

    def compute(self) -> dict[str, Measured]:
        rows = {name: kept.compute() for name, kept in self._rows.items()}
        self._numbers = {part: rows[f"{part}/labels"][0].cpu().numpy() for part in ("train", "test")}
        self._values = {name: values.cpu().numpy() for name, (_, values) in rows.items()}
        scores = self._error_rates()
        readings = [(code, factor, reader) for factor in self._factors for code in CODES for reader in READERS]
        shown = track(readings, "Reading factors from latents", disable=not self._subject.shows_progress)
        for code, factor, reader in shown:
            scores[f"read/{code}/{factor}/{reader}"] = self._reading(code, factor, reader)
        for factor in self._factors:
            scores[f"chance/{factor}"] = Measured(
                chance_level(self._labels("train", factor), self._labels("test", factor)).macro_f1
            )
        contours = {part: self._contours(numbers) for part, numbers in self._numbers.items()}
        if contours["train"] is not None and contours["test"] is not None:
            for reader in READERS:
                scores[f"read/v/contour/{reader}"] = self._contour_reading(contours["train"], contours["test"], reader)
        self._scores = scores
        return scores

    def known_keys(self) -> list[str]:
        return ["eer/static", "eer/dynamic", "eer/gap"]

    def tables(self) -> list[Table]:
        table = Table(title="Read from latents: macro F1 on other clips, linear / nonlinear reader")
        table.add_column("factor")
        for title in ("v", "z, mean over time", "z of a frame", "chance"):
            table.add_column(title, justify="right")
        for factor in self._factors:
            carried = " (v)" if factor in self._subject.global_factors else ""
            chance = self._scores[f"chance/{factor}"].value
            table.add_row(f"{factor}{carried}", *(self._shown(code, factor) for code in CODES), f"{chance:.2f}")
        if f"read/v/contour/{READERS[0]}" in self._scores:
            table.add_row("contour, R²", self._shown("v", "contour"), "", "", "0.00")
        return [table]

    def _shown(self, code: str, factor: str) -> str:
        return " / ".join(f"{self._scores[f'read/{code}/{factor}/{reader}'].value:.2f}" for reader in READERS)

    def _keep(self, part: str, clips: EncodedClips, n_frames: int) -> None:
        index, z = clips["index"], clips.z
        frames = _frames(index, z.shape[1], n_frames, self._subject.seed)
        of_frames = z.gather(1, frames[..., None].expand(-1, -1, z.shape[2]))
        rows = {"v": clips.v, "z": z.mean(dim=1), "z_t": of_frames.flatten(1)}
        rows["labels"] = torch.stack([clips[factor] for factor in self._factors], dim=1)
        for name, values in rows.items():
            self._rows[f"{part}/{name}"].update(index, values.double())

    def _labels(self, part: str, factor: str) -> NDArray[np.int64]:
        return self._values[f"{part}/labels"][:, self._factors.index(factor)].astype(np.int64)

    def _reading(self, code: str, factor: str, reader: Reader) -> Measured:
        train, labels = self._values[f"train/{code}"], self._labels("train", factor)
        if code == "z_t":
            train, labels = train.reshape(len(train) * _TRAINING_FRAMES, -1), labels.repeat(_TRAINING_FRAMES)
        seed = self._subject.seed
        read = read_classes(train, labels, self._values[f"test/{code}"], reader=reader, seed=seed).numpy()
        wanted, classes = self._labels("test", factor), tuple(np.unique(labels).tolist())
        return Measured.of_clips("macro_f1", self._numbers["test"], wanted, read, seed=seed, classes=classes)

    def _contour_reading(self, train: NDArray[Any], test: NDArray[Any], reader: Reader) -> Measured:
        seed = self._subject.seed
        read = read_values(self._values["train/v"], train, self._values["test/v"], reader=reader, seed=seed).numpy()
        wrong, spread = (np.square(test - of).sum(axis=1) for of in (read, train.mean(axis=0)))
        # R², as a ratio of sums.
        return Measured.of_clips("ratio_of_sums", self._numbers["test"], spread - wrong, spread, seed=seed)

    def _contours(self, numbers: NDArray[np.int64]) -> NDArray[np.float64] | None:
        if not hasattr(self._subject.data, "melodies"):
            return None
        melodies = cast(Melodic, self._subject.data).melodies(numbers)
        return None if melodies is None else _contours_of(melodies)

    def _error_rates(self) -> dict[str, Measured]:
        labels, seed = self._labels("test", self._subject.factor), self._subject.seed
        positions, measured, statistics = np.arange(len(labels)), {}, {}
        for name, code in (("static", "v"), ("dynamic", "z")):
            values = self._values[f"test/{code}"]
            rate, interval = float(equal_error_rate(values, labels)), None
            if len(labels) <= _MOST_CLIPS_OF_PAIRS:
                statistics[name] = error_rate_of_draws(values, labels)
                interval = bootstrap_interval(statistics[name], positions, n_resamples=_DRAWS_OF_PAIRS, seed=seed)
            measured[f"eer/{name}"] = Measured(rate, interval)
        gap = measured["eer/dynamic"].value - measured["eer/static"].value
        interval = None
        if statistics:

            def difference(drawn: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
                return statistics["dynamic"](drawn, axis=axis) - statistics["static"](drawn, axis=axis)

            interval = bootstrap_interval(difference, positions, n_resamples=_DRAWS_OF_PAIRS, seed=seed)
        return measured | {"eer/gap": Measured(gap, interval)}


def _frames(index: Tensor, n_frames: int, n_drawn: int, seed: int) -> Tensor:
    """Numbers of frames, (B, n_drawn), drawn for each clip by its number."""
    drawn = [np.random.default_rng((seed, number)).integers(n_frames, size=n_drawn) for number in index.tolist()]
    return torch.from_numpy(np.array(drawn).reshape(len(drawn), n_drawn)).to(index.device)


def _contours_of(melodies: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pitches less the clip's mean, (n, ticks); a rest, of which the contour says nothing, is at the mean.

    >>> _contours_of(np.array([[60.0, 64.0, np.nan]])).tolist()
    [[-2.0, 2.0, 0.0]]
    """
    return np.nan_to_num(melodies - np.nanmean(melodies, axis=1, keepdims=True)).astype(np.float64)
