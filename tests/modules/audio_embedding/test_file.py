"""Embeddings from TorchScript and ONNX files."""

import re

import pytest
import torch

from modules.audio_embedding import AudioEmbedding, FileEmbedding, audio_embedding
from modules.errors import ModelError
from tests.embedding_files import Levels, onnx_file, torchscript


def of_kind(kind, folder, rate="16000"):
    if kind == "onnx":
        return onnx_file(folder / "levels.onnx", 160, 5, rate)
    return torchscript(folder / f"levels.{kind}", Levels(160, 5), rate)


@pytest.mark.parametrize("kind", ["pt", "ts", "onnx"])
def test_network_of_the_file_on_the_audio(tmp_path, kind):
    embedding = audio_embedding(str(of_kind(kind, tmp_path)))
    audio = torch.randn(3, 1600, generator=torch.Generator().manual_seed(0))

    assert isinstance(embedding, AudioEmbedding)
    assert (embedding.name, embedding.sample_rate, embedding.n_features) == ("levels", 16_000, 5)
    torch.testing.assert_close(embedding(audio), audio.view(3, 10, 160)[:, :, :5])
    assert embedding.frames(8000) == 50


class OneVector(torch.nn.Module):
    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return audio[:, :7]


def test_one_vector_a_clip_is_one_frame(tmp_path):
    embedding = FileEmbedding(torchscript(tmp_path / "one.pt", OneVector(), "8000"))

    assert (embedding.frames(100), embedding.n_features, embedding.sample_rate) == (1, 7, 8000)
    assert embedding(torch.zeros(2, 30)).shape == (2, 1, 7)


@pytest.mark.parametrize("kind", ["pt", "onnx"])
@pytest.mark.parametrize("rate", [None, "16 kHz", "0"])
def test_file_without_its_rate(tmp_path, kind, rate):
    with pytest.raises(ModelError, match=rf"levels\.{kind} does not tell its sample rate.*"
                       + ("metadata_props" if kind == "onnx" else "_extra_files")):  # fmt: skip
        FileEmbedding(of_kind(kind, tmp_path, rate))


@pytest.mark.parametrize(("suffix", "kind"), [(".pt", "TorchScript"), (".ts", "TorchScript"), (".onnx", "ONNX")])
def test_file_of_another_kind(tmp_path, suffix, kind):
    path = tmp_path / f"weights{suffix}"
    torch.save({"weights": torch.zeros(3)}, path)

    with pytest.raises(ModelError, match=rf"weights\{suffix} is no {kind} file"):
        FileEmbedding(path)


def test_no_file_and_no_embedding(tmp_path):
    with pytest.raises(ModelError, match=r"no file .*gone\.pt; correct the path"):
        audio_embedding(str(tmp_path / "gone.pt"))
    with pytest.raises(ModelError, match=r"crepe is no embedding; the names are crepe-full.*\.onnx"):
        audio_embedding("crepe")


class Summed(torch.nn.Module):
    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return audio.sum()


class Infinite(torch.nn.Module):
    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return audio[:, :3] / 0.0


class Spectral(torch.nn.Module):
    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return audio.view(-1, 16_000)[:, :4] @ torch.zeros(3, 3)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Summed(), r"makes shape \(\) of audio of shape \(1, 16000\); expected \(n, D\)"),
        (Infinite(), r"makes \(1, 1, 3\) of audio.*NaN or infinity.*expected one finite vector"),
        (Spectral(), r"cannot embed audio of shape \(1, 16000\) \(.*\); it has to take float32"),
    ],
)
def test_network_that_is_no_embedding_is_told_when_it_is_loaded(tmp_path, network, message):
    with pytest.raises(ModelError, match=message):
        FileEmbedding(torchscript(tmp_path / "other.pt", network))


def test_missing_onnxruntime_is_told_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr("modules.audio_embedding.file.find_spec", lambda name: None)

    with pytest.raises(ModelError, match=re.escape("needs onnxruntime, which is not installed: pip install "
                       "'disentangle[onnx]'")):  # fmt: skip
        FileEmbedding(of_kind("onnx", tmp_path))


@pytest.mark.parametrize(
    "audio", [torch.zeros(5), torch.zeros(0, 5), torch.zeros(1, 5).int(), torch.full((1, 5), torch.nan)]
)
def test_audio_that_is_none(tmp_path, audio):
    with pytest.raises(ModelError, match="audio "):
        FileEmbedding(of_kind("pt", tmp_path))(audio)
