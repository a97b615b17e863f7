from collections import Counter

import pytest
import torch
from scipy import stats

from modules.dsae.swap import random_partners


@pytest.mark.parametrize("n", range(2, 10))
def test_sequences_are_divided_into_pairs(n):
    for seed in range(100):
        torch.manual_seed(seed)
        partners = random_partners(n)
        partner = partners.tolist()

        assert partners.dtype == torch.long
        assert len(partner) == n - n % 2  # the last of an odd batch sits out, and nobody meets it
        assert sorted(partner) == list(range(len(partner)))
        for i in range(len(partner)):
            assert partner[i] != i
            assert partner[partner[i]] == i


@pytest.mark.parametrize(("n", "n_divisions"), [(2, 1), (3, 1), (4, 3), (5, 3), (6, 15), (7, 15)])
def test_every_division_is_as_likely_as_any_other(n, n_divisions):
    torch.manual_seed(0)
    seen = Counter(tuple(random_partners(n).tolist()) for _ in range(200 * n_divisions))

    assert len(seen) == n_divisions  # all there are: (2k - 1)!! divisions of 2k sequences into pairs
    assert n_divisions == 1 or stats.chisquare(list(seen.values())).pvalue > 1e-3


@pytest.mark.parametrize("n", [8, 9])
def test_every_partner_is_as_likely_as_any_other(n):
    torch.manual_seed(0)
    partners = torch.stack([random_partners(n) for _ in range(1500)])

    for i in range(8):
        met = Counter(partners[:, i].tolist())
        assert set(met) == set(range(8)) - {i}
        assert stats.chisquare(list(met.values())).pvalue > 1e-3


def test_partners_repeat_with_the_generator():
    torch.manual_seed(3)
    first, second = random_partners(20), random_partners(20)
    torch.manual_seed(3)

    assert torch.equal(random_partners(20), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("n", [0, 1])
def test_without_two_sequences_there_are_no_partners(n):
    assert random_partners(n).tolist() == []
