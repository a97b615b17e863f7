import numpy as np
import pytest

from lightning_app.errors import RunError
from lightning_app.evaluation.swap_pairs import partners_of_other_class


@pytest.mark.parametrize("labels", [[0, 1, 0, 1, 1], [2, 2, 0, 1, 2, 0]])
def test_partners_are_of_another_class_and_repeat_with_the_seed(labels):
    labels = np.array(labels)

    draws = [partners_of_other_class(labels, seed) for seed in range(20)]

    assert all((labels[partners] != labels).all() for partners in draws)
    assert any((partners != draws[0]).any() for partners in draws)
    np.testing.assert_array_equal(partners_of_other_class(labels, 7), draws[7])


def test_every_clip_of_another_class_can_be_the_partner():
    labels = np.array([0, 1, 1, 2])

    met = {int(partners_of_other_class(labels, seed)[0]) for seed in range(50)}

    assert met == {1, 2, 3}


def test_partners_differ_in_every_factor():
    labels = np.stack(np.indices((2, 3)).repeat(3, axis=2), axis=-1).reshape(-1, 2)

    draws = [partners_of_other_class(labels, seed) for seed in range(60)]

    assert all((labels[partners] != labels).all() for partners in draws)
    # Of the first combination: 3 clips of each of the two that share neither class with it.
    assert {int(partners[0]) for partners in draws} == set(range(12, 18))


def test_combination_that_none_differs_from():
    with pytest.raises(RunError, match=r"some validation clips find none of another"):
        partners_of_other_class(np.array([[0, 0], [1, 0], [0, 1]]), 0)


def test_one_class_only():
    with pytest.raises(RunError, match=r"two classes.*--data\.instruments"):
        partners_of_other_class(np.zeros(3, int), 0)
