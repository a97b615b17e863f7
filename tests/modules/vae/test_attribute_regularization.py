"""The regularisation against a slow double loop over pairs, its gradient, and what it must not depend on."""

import math

import pytest
import torch
from torch import Tensor

from modules.vae.attribute_regularization import attribute_regularization


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def sign(value: float) -> int:
    return (value > 0) - (value < 0)


def slow(z: Tensor, attribute: Tensor, delta: float = 1.0) -> float:
    """Eqs. (4) to (6) of Pati & Lerch (2020), pair by pair."""
    zs, values, total = z.tolist(), attribute.tolist(), 0.0
    for z_i, a_i in zip(zs, values, strict=True):
        for z_j, a_j in zip(zs, values, strict=True):
            total += abs(math.tanh(delta * (z_i - z_j)) - sign(a_i - a_j))
    return total / len(zs) ** 2


@pytest.mark.parametrize("delta", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("size", [1, 2, 3, 17])
def test_it_is_the_mean_over_all_pairs(size, delta):
    z, attribute = randn(size), 40.0 + 20.0 * randn(size)

    result = attribute_regularization(z, attribute, delta)

    assert result.shape == ()
    assert result.item() == pytest.approx(slow(z, attribute, delta), rel=1e-12, abs=1e-15)


def test_delta_is_one_unless_told():
    z, attribute = randn(9), randn(9)

    assert attribute_regularization(z, attribute).item() == pytest.approx(slow(z, attribute, 1.0), rel=1e-12)


def test_pairs_of_equal_attributes_pull_together():
    z, attribute = randn(8), torch.tensor([1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 1.0, 9.0])

    assert attribute_regularization(z, attribute).item() == pytest.approx(slow(z, attribute), rel=1e-12)
    ties = torch.tensor([5.0, 5.0])
    apart, near = torch.tensor([-1.0, 1.0]), torch.tensor([-0.1, 0.1])
    assert attribute_regularization(apart, ties).item() == pytest.approx(math.tanh(2.0) / 2)
    assert attribute_regularization(near, ties).item() == pytest.approx(math.tanh(0.2) / 2)
    assert attribute_regularization(torch.zeros(2), ties).item() == 0.0


@pytest.mark.parametrize("delta", [0.5, 2.0])
@pytest.mark.parametrize("tied", [False, True])
def test_gradient_is_that_of_finite_differences(tied, delta):
    z = randn(6).requires_grad_()
    attribute = torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0, 2.0]).double() if tied else randn(6)

    assert torch.autograd.gradcheck(lambda z: attribute_regularization(z, attribute, delta), z)


def test_gradient_moves_a_wrong_pair_the_right_way():
    z = torch.tensor([0.3, -0.3], requires_grad=True)

    attribute_regularization(z, torch.tensor([10.0, 80.0])).backward()

    assert z.grad is not None
    # Of the two pairs of different notes, each |tanh(±0.6) ∓ 1|, in a mean over four.
    slope = 2 * (1 - math.tanh(0.6) ** 2) / 4
    assert z.grad.tolist() == pytest.approx([slope, -slope], rel=1e-6)


def test_order_of_the_batch_does_not_matter():
    z, attribute, order = randn(20), randn(20), torch.randperm(20)

    shuffled = attribute_regularization(z[order], attribute[order]).item()

    assert shuffled == pytest.approx(attribute_regularization(z, attribute).item(), rel=1e-12)
    assert attribute_regularization(z[order], attribute).item() != pytest.approx(shuffled, rel=1e-3)


def test_only_the_order_of_the_attribute_and_the_distances_of_z_matter():
    z, attribute = randn(20), randn(20)

    expected = attribute_regularization(z, attribute).item()

    assert attribute_regularization(z, attribute.exp() * 1000.0).item() == expected
    assert attribute_regularization(z + 7.0, attribute).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [2, 5, 30])
def test_bounds_are_zero_in_order_and_two_less_the_diagonal_against_it(size):
    attribute = torch.arange(size).double()

    assert attribute_regularization(100.0 * attribute, attribute).item() == 0.0
    assert attribute_regularization(-100.0 * attribute, attribute).item() == pytest.approx(2 * (1 - 1 / size))
    assert 0.0 < attribute_regularization(randn(size), attribute).item() < 2.0


def test_collapsed_dimension_costs_one_for_each_pair_that_differs():
    attribute = torch.tensor([1.0, 1.0, 2.0, 3.0])

    assert attribute_regularization(torch.zeros(4), attribute).item() == pytest.approx(10 / 16)


def test_delta_scales_the_latents():
    z, attribute = randn(12), randn(12)

    assert attribute_regularization(z, attribute, 3.0).item() == pytest.approx(
        attribute_regularization(3.0 * z, attribute, 1.0).item(), rel=1e-12
    )
    ordered = attribute.argsort().argsort().double()
    values = [attribute_regularization(ordered, attribute, delta).item() for delta in (0.0, 0.3, 1.0, 5.0)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(11 / 12)
    assert values[-1] < 1e-3
