"""The network of the judge: what it is given, and how inputs are standardised."""

import pytest
import torch

from modules.errors import ModelError
from modules.judge import Judge

FACTORS = {"instrument": 4, "octave": 2}


@pytest.mark.parametrize("x_shape", [(40, 8), (3, 8), (1, 40, 8), (2, 40, 8)])
def test_sequences_and_pictures_of_any_length_are_judged(x_shape):
    logits = Judge(x_shape, FACTORS)(torch.zeros(3, *x_shape))

    assert {factor: tuple(of.shape) for factor, of in logits.items()} == {"instrument": (3, 4), "octave": (3, 2)}


def test_a_picture_is_judged_as_its_sequence():
    torch.manual_seed(0)
    sequence, picture = Judge((40, 8), FACTORS).eval(), Judge((1, 40, 8), FACTORS).eval()
    picture.load_state_dict(sequence.state_dict())
    x = torch.randn(3, 40, 8)

    assert torch.equal(sequence(x)["octave"], picture(x[:, None])["octave"])


def test_level_and_scale_of_the_data_do_not_matter():
    torch.manual_seed(0)
    judge, x = Judge((40, 8), FACTORS).eval(), torch.randn(20, 40, 8)
    judge.standardise_by(x)
    before = judge(x)["instrument"]

    other = 7.0 * x - torch.arange(8.0)
    judge.standardise_by(other)

    assert torch.allclose(judge(other)["instrument"], before, atol=1e-5)


def test_what_cannot_be_heard_is_named():
    with pytest.raises(ModelError, match=r"hears sequences .* and x_shape is \(8,\)"):
        Judge((8,), FACTORS)
