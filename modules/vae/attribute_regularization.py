"""The term that ties a latent dimension to an attribute (Pati & Lerch 2020)."""

import torch
from torch import Tensor


def attribute_regularization(z: Tensor, attribute: Tensor, delta: float = 1.0) -> Tensor:
    r"""How far the order of a latent dimension is from the order of an attribute, over all pairs of a batch.

    .. math::
        \mathcal{A} = \frac{1}{B^2} \sum_{i, j} \big|\tanh(\delta (z_i - z_j)) - \text{sgn}(a_i - a_j)\big|

    (Pati & Lerch 2020, eqs. 4 to 6.) It needs a few matrices of B² values, whatever the number of dimensions.

    Args:
        z: The latent dimension, of shape (B,).
        attribute: The attribute, of shape (B,).
        delta: Steepness; the larger, the less it matters how far two latents lie apart.

    Returns:
        A scalar in [0, 2), 0 where z is in the attribute's order and far apart.

    Example:
        >>> z, a = torch.tensor([-9.0, 0.0, 9.0]), torch.tensor([30.0, 40.0, 80.0])
        >>> attribute_regularization(z, a).round(decimals=4), attribute_regularization(-z, a).round(decimals=4)
        (tensor(0.), tensor(1.3333))
    """
    order = torch.sign(attribute[:, None] - attribute[None, :])
    return (torch.tanh(delta * (z[:, None] - z[None, :])) - order).abs().mean()
