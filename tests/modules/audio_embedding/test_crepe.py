"""CREPE's features, by the tiny network."""

import pytest
import torch

from metrics import FrechetAudioDistance
from modules import ModelError
from modules.audio.crepe import _torchcrepe
from modules.audio_embedding import AudioEmbedding, CrepeEmbedding

RATE = 16_000


def test_vectors_are_those_of_torchcrepe():
    audio = torch.randn(1, 3200)

    vectors = CrepeEmbedding("tiny")(audio)

    expected = _torchcrepe().embed(audio, RATE, 160, model="tiny")
    assert vectors.shape == (1, 21, 256)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors, expected.detach().flatten(2), rtol=1e-3, atol=1e-4)


def test_neither_batches_nor_neighbours_matter_and_no_graph_is_kept():
    audio = torch.randn(3, 1600, requires_grad=True)

    vectors = CrepeEmbedding("tiny", hop_ms=20)(audio)

    assert vectors.shape == (3, 6, 256)
    assert not vectors.requires_grad
    torch.testing.assert_close(CrepeEmbedding("tiny", hop_ms=20, batch_size=4)(audio), vectors, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(CrepeEmbedding("tiny", hop_ms=20)(audio[1:2])[0], vectors[1], rtol=1e-3, atol=1e-4)


def test_what_it_is_can_be_read():
    assert isinstance(CrepeEmbedding("tiny"), AudioEmbedding)
    for model, n_features in (("full", 2048), ("tiny", 256)):
        embedding = CrepeEmbedding(model)
        assert (embedding.name, embedding.n_features, embedding.sample_rate) == (f"crepe-{model}", n_features, RATE)


def test_the_full_network_has_2048_features():
    assert CrepeEmbedding("full", hop_ms=100)(torch.randn(1, 1600)).shape == (1, 2, 2048)


def test_other_tones_are_farther_than_the_same_tones():
    embedding = CrepeEmbedding("tiny")
    time = torch.arange(3200) / RATE
    tones = {hz: torch.sin(2 * torch.pi * torch.tensor(hz)[:, None] * time) for hz in ((220.0, 230.0), (880.0, 900.0))}
    distances = {}
    for hz, audio in tones.items():
        metric = FrechetAudioDistance(embedding.n_features, embedding_name=embedding.name, allow_singular=True)
        metric.update(embedding(tones[(220.0, 230.0)]), real=True)
        metric.update(embedding(audio + 0.001 * torch.randn(audio.shape)), real=False)
        distances[hz] = metric.compute()["fad/crepe-tiny"].item()

    assert distances[(880.0, 900.0)] > 10 * distances[(220.0, 230.0)]


def test_unusable_inputs_are_named():
    with pytest.raises(ModelError, match=r"audio is torch.float32 of shape \(1600,\); expected float, \(n, n_samples"):
        CrepeEmbedding("tiny")(torch.zeros(1600))
    with pytest.raises(ModelError, match="model is 'small'; expected 'full' or 'tiny'"):
        CrepeEmbedding("small")(torch.zeros(1, 1600))
