import pytest
import torch

from modules import ModelError
from modules.dsae.swap import neighbours


@pytest.mark.parametrize("n", range(2, 10))
def test_every_sequence_has_another_as_its_partner(n):
    partners = neighbours(n)

    assert partners.dtype == torch.long
    assert len(partners) == n
    assert not (partners == torch.arange(n)).any()


@pytest.mark.parametrize("n", [2, 4, 6, 8])
def test_two_that_are_partners_swap_with_each_other(n):
    partners = neighbours(n)

    assert torch.equal(partners[partners], torch.arange(n))


def test_the_last_of_an_odd_batch_takes_the_one_before_it():
    assert neighbours(3).tolist() == [1, 0, 1]
    assert neighbours(7).tolist() == [1, 0, 3, 2, 5, 4, 5]


def test_pairs_stay_where_a_batch_is_cut_between_pairs():
    whole = neighbours(9)

    assert torch.cat([neighbours(4), 4 + neighbours(2), 6 + neighbours(3)]).tolist() == whole.tolist()


@pytest.mark.parametrize("n", [0, 1])
def test_one_sequence_has_no_partner(n):
    with pytest.raises(ModelError, match=f"a batch of {n} has no pairs"):
        neighbours(n)
