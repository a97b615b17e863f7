"""What there is to see and hear of a pair of clips: both, and all that a model makes of them."""

from torch import Tensor

from modules.protocols import Swappable


def swap_versions(model: Swappable, source: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Returns each version of some pairs by its name, each of the shape of the sources.

    Args:
        model: The model that swaps.
        source: Sources, (B, ...).
        target: Their targets, of the same shape.
    """
    swap = model.swap(source, target)
    sample = model.generate(len(source), reference=source)
    return {
        "source": source,
        "target": target,
        "reconstruction": swap.reconstruction,
        "global swap": swap.global_swap,
        "local swap": swap.local_swap,
        "prior sample": sample,
    }
