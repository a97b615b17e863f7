"""The pitch of swaps against that of the truth, on tones."""

import numpy as np
import pytest
import torch

from lightning_app.evaluation.true_pitch import TruePitch
from modules.audio import LogMelSequence

RATE, N = 16_000, 16_000
HEARD = LogMelSequence(RATE)


def tones(*hz):
    time = np.arange(N) / RATE
    return torch.from_numpy(
        np.stack([sum(np.sin(2 * np.pi * k * f * time) / k for k in range(1, 9)) / 4 for f in hz]).astype(np.float32)
    )


def test_pitch_is_right_where_it_is_that_of_the_truth():
    truth, octave_above = tones(220.0, 330.0), tones(440.0, 660.0)
    pitch = TruePitch("tiny", HEARD, ("global_swap", "local_swap"), torch.device("cpu"), 0)

    for swap, decoded in (("global_swap", truth), ("local_swap", torch.stack([truth[0], octave_above[1]]))):
        made = [HEARD(decoded), HEARD(truth), HEARD(octave_above)]
        pitch.update(swap, torch.tensor([4, 7]), made, truth)

    scores = pitch.compute()
    assert scores["counterfactual_rpa/global_swap"].value > 0.95
    assert scores["counterfactual_rpa_floor/global_swap"].value > 0.95
    assert scores["counterfactual_rpa_ceiling/global_swap"].value < 0.05
    assert scores["counterfactual_rpa/local_swap"].value == pytest.approx(0.5, abs=0.05)
    low, high = scores["counterfactual_rpa/local_swap"].interval
    assert low <= scores["counterfactual_rpa/local_swap"].value <= high


def test_silent_truths_have_no_score():
    pitch = TruePitch("tiny", HEARD, ("global_swap",), torch.device("cpu"), 0)

    pitch.update("global_swap", torch.tensor([0]), [HEARD(tones(220.0))] * 3, torch.zeros(1, N))

    assert pitch.compute() == {}
