"""CDPAM against the package that its weights come from."""

import pytest
import torch

from modules.audio_embedding import CDPAM, AudioEmbedding, audio_embedding
from modules.errors import ModelError


@pytest.mark.slow
def test_embedding_is_what_the_package_compares(monkeypatch):
    package = pytest.importorskip("cdpam")
    load = torch.load
    with monkeypatch.context() as patch:
        patch.setattr(torch, "load", lambda *args, **options: load(*args, **options, weights_only=False))
        theirs = package.CDPAM(dev="cpu").model
    audio = 0.1 * torch.randn(2, 5000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        acoustic = theirs.base_encoder((audio * 32768).round()[:, None])[1]

    embedding = audio_embedding("cdpam")

    assert isinstance(embedding, AudioEmbedding)
    assert (embedding.name, embedding.n_features, embedding.frames(5000)) == ("cdpam", 512, 1)
    torch.testing.assert_close(embedding(audio)[:, 0], torch.nn.functional.normalize(acoustic, dim=1))


def test_missing_package_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setattr("modules.audio_embedding.cdpam.find_spec", lambda name: None)

    with pytest.raises(ModelError, match=r"pip install 'disentangle\[cdpam\]'"):
        CDPAM()
