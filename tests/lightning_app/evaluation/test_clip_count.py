"""Which clips of a process are counted; several processes are tried by tests of the evaluation itself."""

import torch

from lightning_app.evaluation.clip_count import FirstSeen


def test_a_clip_that_comes_again_is_not_new():
    first_seen = FirstSeen()

    assert first_seen(torch.tensor([4, 2, 4])).tolist() == [True, True, False]
    assert first_seen(torch.tensor([])).tolist() == []
    assert first_seen(torch.tensor([2, 3])).tolist() == [False, True]
