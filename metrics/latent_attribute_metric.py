"""What the metrics of latents and attributes have in common."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torchmetrics.utilities.plot import _AX_TYPE, _PLOT_OUT_TYPE

from metrics.functional import Estimate
from metrics.row_metric import RowMetric


class LatentAttributeMetric(RowMetric):
    """Keeps latents and attributes of all samples, and names the values.

    As input to ``update`` the metrics of this kind take:

    - ``latents`` (:class:`~torch.Tensor`): latent vectors, of shape ``(n, D)``
    - ``attributes`` (:class:`~torch.Tensor`): their attributes, of shape ``(n, M)``
    - ``indices`` (:class:`~torch.Tensor`, optional): the number of each sample in the data set, integer of shape
      ``(n,)``. A sample that comes twice, as a distributed sampler pads its last batch, counts once. Give them
      wherever several processes evaluate.

    Args:
        attribute_names: Names of the attributes for readable keys; see the metric.
        prefix: Text in front of each key, such as ``val/``.
        kwargs: See :class:`torchmetrics.Metric`.
    """

    ROWS = ("latents", "attributes")

    def __init__(self, *, attribute_names: Sequence[str] | None = None, prefix: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if attribute_names is not None and len(set(attribute_names)) < len(attribute_names):
            raise ValueError(f"attribute_names is {list(attribute_names)}; expected each name once.")
        self.attribute_names = None if attribute_names is None else tuple(attribute_names)
        self.key_prefix = prefix

    def update(self, latents: Tensor, attributes: Tensor, indices: Tensor | None = None) -> None:
        """Adds a batch.

        Raises:
            ValueError: Shapes that do not match, or a batch of other widths than those before.
        """
        if latents.ndim != 2 or attributes.ndim != 2 or len(latents) != len(attributes):
            raise ValueError(
                f"latents has shape {tuple(latents.shape)} and attributes {tuple(attributes.shape)}; expected (n, D) "
                "and (n, M)."
            )
        if self.attribute_names is not None and len(self.attribute_names) != attributes.shape[1]:
            raise ValueError(
                f"attributes has {attributes.shape[1]} columns and attribute_names {len(self.attribute_names)} "
                f"({', '.join(self.attribute_names)}); expected a name for each."
            )
        if len(latents):
            self._add_rows(indices, latents, attributes)

    def plot(self, val: Any = None, ax: _AX_TYPE | None = None) -> _PLOT_OUT_TYPE:
        """Plots the values, without the number of samples; see :meth:`torchmetrics.Metric.plot`."""
        values = self.compute() if val is None else val
        return super().plot([*map(_without_count, values)] if isinstance(values, list) else _without_count(values), ax)

    def _by_name(self, key: str, values: Tensor) -> dict[str, Tensor]:
        names = self.attribute_names or tuple(map(str, range(len(values))))
        plain = values.as_subclass(Tensor)
        return {f"{self.key_prefix}{key}/{name}": value for name, value in zip(names, plain, strict=True)}

    def _count(self, key: str, values: Estimate) -> dict[str, Tensor]:
        """N under a key that names the estimator: values whose counts differ must not be compared."""
        estimator = values.made_with.get("estimator")
        name = "n_samples" if estimator is None else f"n_{estimator.label}"
        return {f"{self.key_prefix}{key}{name}": values.new_tensor(values.made_with["n_samples"]).as_subclass(Tensor)}


def _without_count(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return {key: value for key, value in values.items() if not key.rsplit("/")[-1].startswith("n_")}
