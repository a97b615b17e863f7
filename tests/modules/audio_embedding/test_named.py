from typing import get_args

import pytest
import torch

from modules.audio_embedding import AudioEmbedding, EmbeddingName, VGGish, audio_embedding
from modules.audio_embedding.vggish import VGGishNetwork


@pytest.fixture
def weights(tmp_path):
    torch.save(VGGishNetwork().state_dict(), tmp_path / "vggish.pth")
    return tmp_path / "vggish.pth"


def test_each_embedding_has_the_name_that_it_is_asked_for_by(weights):
    for name in set(get_args(EmbeddingName)) - {"cdpam"}:  # which is slow, and has a test of its own
        embedding = audio_embedding(name, vggish_weights=weights)

        assert embedding.name == name
        assert isinstance(embedding, AudioEmbedding)
        assert embedding(torch.zeros(1, 16_000)).shape == (1, embedding.frames(16_000), embedding.n_features)


def test_weights_of_vggish_are_those_of_the_file(weights):
    embedding = audio_embedding("vggish", vggish_weights=weights)

    assert isinstance(embedding, VGGish)
    for name, values in torch.load(weights).items():
        torch.testing.assert_close(embedding.network.state_dict()[name], values)
