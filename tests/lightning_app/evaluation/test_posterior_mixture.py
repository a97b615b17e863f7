"""Draws of v from where training clips lie."""

import numpy as np
import pytest

from lightning_app.errors import RunError
from lightning_app.evaluation.posterior_mixture import check_components, draw_from_posteriors

CENTRES = np.array([[-4.0, 0.0], [4.0, 1.0]])
SPREAD = 0.3


@pytest.fixture
def means():
    """Clips of two classes, of which a fourth is of the first."""
    rng = np.random.default_rng(1)
    return CENTRES[(np.arange(400) % 4 > 0).astype(int)] + SPREAD * rng.normal(size=(400, 2))


def test_draws_lie_where_the_clips_do(means):
    drawn = draw_from_posteriors(means, 4000, 2, seed=0)

    distances = np.linalg.norm(drawn[:, None] - CENTRES, axis=2)
    nearest = distances.argmin(axis=1)
    assert np.mean(nearest == 0) == pytest.approx(0.25, abs=0.03)
    for number, centre in enumerate(CENTRES):
        of_class = drawn[nearest == number]
        np.testing.assert_allclose(of_class.mean(axis=0), centre, atol=0.1)
        np.testing.assert_allclose(of_class.std(axis=0), SPREAD, atol=0.05)
    assert 0.15 < np.mean(nearest[:200] == 0) < 0.35  # not one class after the other


def test_draws_repeat_with_the_seed(means):
    first, again, other = (draw_from_posteriors(means, 5, 2, seed) for seed in (3, 3, 4))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("n_components", [0, 6])
def test_components_that_there_are_too_few_clips_for(n_components):
    check_components(5, 10, "components", "Or else.")
    with pytest.raises(RunError, match=rf"components is {n_components}; .* half of the 10 training clips. Or else\."):
        check_components(n_components, 10, "components", "Or else.")
