"""VGGish: its patches by another way, its architecture layer by layer, its weights, and what it says of wrong ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from modules import ModelError
from modules.audio_embedding import AudioEmbedding, VGGish
from modules.audio_embedding.vggish import WEIGHTS_URL, VGGishLogMel, VGGishNetwork

RATE = 16_000
PUBLISHED = {
    "features.0": (64, 1, 3, 3),
    "features.3": (128, 64, 3, 3),
    "features.6": (256, 128, 3, 3),
    "features.8": (256, 256, 3, 3),
    "features.11": (512, 256, 3, 3),
    "features.13": (512, 512, 3, 3),
    "embeddings.0": (4096, 12288),
    "embeddings.2": (4096, 4096),
    "embeddings.4": (128, 4096),
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of random weights, small enough for activations to stay finite."""
    with torch.device("meta"):
        network = VGGishNetwork()
    state = {}
    generator = torch.Generator().manual_seed(0)
    for name, values in network.state_dict().items():
        fan_in = values[0].numel() if values.ndim > 1 else 1.0
        # Few draws repeated, since 72 million would take longer than the test.
        draws = torch.randn(100_003, generator=generator) * (2.0 / fan_in) ** 0.5 * (values.ndim > 1)
        state[name] = draws.repeat(-(-values.numel() // len(draws)))[: values.numel()].view(values.shape)
    path = tmp_path_factory.mktemp("vggish") / "weights.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def vggish(weights):
    return VGGish(weights)


# Patches.


def test_patches_are_those_of_the_published_settings():
    """Frame by frame in NumPy, in double precision."""
    audio = np.random.default_rng(0).normal(0.0, 0.1, 2 * 15_360 + 500)
    mel_edges = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)

    patches = VGGishLogMel()(torch.tensor(audio[None]).float())

    assert patches.shape == (1, 2, 96, 64)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    mel = 1127 * np.log(1 + np.arange(257) * (8000 / 256) / 700)
    bands = [np.interp(mel, mel_edges[i : i + 3], [0.0, 1.0, 0.0]) for i in range(64)]
    for frame in (0, 1, 95, 96, 191):
        spectrum = np.abs(np.fft.rfft(audio[160 * frame :][:400] * window, 512))
        expected = np.log([band @ spectrum + 0.01 for band in bands])
        np.testing.assert_allclose(patches[0].flatten(0, 1)[frame], expected, atol=1e-4)


def test_silence_is_the_log_of_the_offset():
    assert VGGishLogMel()(torch.zeros(1, 16_000)).unique().item() == pytest.approx(np.log(0.01))


@pytest.mark.parametrize(("n_samples", "n_patches"), [(15_600, 1), (16_000, 1), (48_000, 3), (64_000, 4)])
def test_a_patch_is_96_frames(n_samples, n_patches):
    assert VGGishLogMel()(torch.zeros(2, n_samples)).shape == (2, n_patches, 96, 64)


# Architecture.


def test_every_weight_has_the_published_name_and_shape():
    with torch.device("meta"):
        state = VGGishNetwork().state_dict()

    biases = {f"{name}.bias": shape[:1] for name, shape in PUBLISHED.items()}
    assert {name: tuple(values.shape) for name, values in state.items()} == biases | {
        f"{name}.weight": shape for name, shape in PUBLISHED.items()
    }


def test_every_layer_gives_the_published_shape():
    with torch.device("meta"):
        network, patches = VGGishNetwork(), torch.zeros(2, 1, 96, 64)
    sizes = []
    for layer in network.features:
        patches = layer(patches)
        if not isinstance(layer, nn.ReLU):
            sizes.append(tuple(patches.shape[1:]))

    assert sizes == [
        (64, 96, 64),
        (64, 48, 32),
        (128, 48, 32),
        (128, 24, 16),
        (256, 24, 16),
        (256, 24, 16),
        (256, 12, 8),
        (512, 12, 8),
        (512, 12, 8),
        (512, 6, 4),
    ]
    assert network(torch.zeros(2, 96, 64, device="meta")).shape == (2, 128)


def test_features_reach_the_layers_by_time_frequency_and_channel(vggish):
    """As TensorFlow lays them out, in which the weights were trained."""
    network, patches = vggish.network, torch.randn(1, 96, 64)
    with torch.no_grad():
        pooled = network.features(patches[:, None])[0]
        laid_out = torch.tensor([pooled[c, t, f] for t in range(6) for f in range(4) for c in range(512)])

        torch.testing.assert_close(network(patches)[0], network.embeddings(laid_out))


def test_clips_are_embedded_patch_by_patch(vggish):
    audio = 0.1 * torch.randn(2, 32_000, requires_grad=True)

    vectors = vggish(audio)

    assert vectors.shape == (2, 2, 128)
    assert not vectors.requires_grad
    assert isinstance(vggish, AudioEmbedding)
    assert (vggish.name, vggish.n_features, vggish.sample_rate) == ("vggish", 128, RATE)
    assert (vectors < 0).any()  # no activation after the last layer
    vggish.batch_size = 1
    torch.testing.assert_close(vggish(audio), vectors, rtol=1e-3, atol=1e-4)
    second = vggish(audio[1:, 15_360:])
    torch.testing.assert_close(second[0, 0], vectors[1, 1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (torch.zeros(16_000), r"audio is torch.float32 of shape \(16000,\); expected float, \(n, n_samples\)"),
        (torch.zeros(1, 15_599), "with 15600 samples or more: VGGish embeds patches of 0.96 s"),
        (torch.zeros(1, 16_000).int(), "audio is torch.int32"),
        (torch.full((1, 16_000), torch.nan), "audio has NaN or infinite values"),
    ],
)
def test_unusable_audio_is_named(vggish, audio, message):
    with pytest.raises(ModelError, match=message):
        vggish(audio)


# Weights.


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"conv.weight": torch.zeros(2)}, r"features.0.weight is missing and not \(64, 1, 3, 3\)"),
        ([torch.zeros(2)], "it holds no dict of tensors"),
        (b"<html>not found</html>", "it is no file of weights"),
        (b"", "it is no file of weights"),
    ],
)
def test_a_file_of_another_model_is_refused_in_one_message(tmp_path, content, why):
    path = tmp_path / "other.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)

    with pytest.raises(
        ModelError, match=f"other.pth does not hold the weights of VGGish: {why}. Replace it with the file from"
    ):
        VGGish(path)


def test_weights_of_another_shape_or_too_many_are_refused(weights, tmp_path):
    state = torch.load(weights, weights_only=True, mmap=True)
    small = {name: torch.zeros(1) for name in state}
    path = tmp_path / "other.pth"
    torch.save(small, path)
    with pytest.raises(ModelError, match=r"features.0.weight is \(1,\) and not \(64, 1, 3, 3\)"):
        VGGish(path)
    torch.save(state | {"classifier.weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match=r"classifier.weight is \(3,\) and not part of it"):
        VGGish(path)


def test_a_missing_file_and_a_wrong_size_of_batch_are_named(tmp_path, weights):
    with pytest.raises(ModelError, match=r"no file .*none.pth; correct the path of VGGish's weights, or leave it out"):
        VGGish(tmp_path / "none.pth")
    with pytest.raises(ModelError, match="batch_size is 0; expected 1 or more"):
        VGGish(weights, batch_size=0)


def test_without_a_network_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.delenv("no_proxy", raising=False)

    with pytest.raises(ModelError, match=r"not in .*vggish-10086976.pth and cannot be downloaded \(.*put it there or"):
        VGGish()


def test_the_published_weights_embed_a_sine_as_published():
    """Mean and deviation that VGGish's authors give, to 10 per cent, for 3 s of 1 kHz."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS_URL.rpartition("/")[2]
    if not path.is_file():
        pytest.skip(f"no weights of VGGish in {path}; VGGish() downloads them")
    sine = torch.sin(2 * torch.pi * 1000.0 * torch.arange(3 * RATE, dtype=torch.float64) / RATE)

    vectors = VGGish(path)(sine[None])

    assert vectors.shape == (1, 3, 128)
    assert vectors.mean().item() == pytest.approx(0.000657, rel=0.1)
    assert vectors.std().item() == pytest.approx(0.343, rel=0.1)
