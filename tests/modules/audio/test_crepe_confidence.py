import numpy as np
import pytest
import torch

from modules.audio.crepe import SAMPLE_RATE
from modules.audio.crepe import WINDOW as WINDOW_LENGTH
from modules.audio.crepe_confidence import HOP_LENGTH, frame_confidence
from modules.errors import ModelError


def waves(seconds: float) -> dict[str, np.ndarray]:
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    glide = sum(np.sin(2 * np.pi * k * (300 * t + 40 * t**2)) / k for k in range(1, 7))
    return {"glide": 0.2 * glide, "noise": np.random.default_rng(0).normal(size=len(t)), "silence": np.zeros(len(t))}


@pytest.mark.parametrize("name", ["glide", "noise", "silence"])
def test_it_is_the_networks_largest_output(name):
    import torchcrepe

    assert (torchcrepe.SAMPLE_RATE, torchcrepe.WINDOW_SIZE) == (SAMPLE_RATE, WINDOW_LENGTH)
    wave = waves(1.5)[name].astype(np.float32)
    confidence = frame_confidence(wave, "tiny")
    # Each frame on its own, cut and scaled as the network was trained on.
    torchcrepe.load.model("cpu", "tiny")
    padded = np.pad(wave, WINDOW_LENGTH // 2)
    frames = np.stack([padded[i * HOP_LENGTH :][:WINDOW_LENGTH] for i in range(len(wave) // HOP_LENGTH + 1)])
    frames = (frames - frames.mean(axis=1, keepdims=True)) / np.maximum(frames.std(axis=1, ddof=1), 1e-10)[:, None]
    with torch.no_grad():
        expected = torchcrepe.infer.model(torch.from_numpy(frames.astype(np.float32))).max(dim=1).values
    assert confidence.shape == (151,)
    assert confidence.dtype == np.float32
    np.testing.assert_allclose(confidence, expected, rtol=0, atol=1e-3)


def test_it_is_torchcrepes_periodicity_of_the_likeliest_pitch():
    import torchcrepe

    wave = waves(1)["glide"].astype(np.float32)
    options = {"hop_length": HOP_LENGTH, "model": "tiny", "decoder": torchcrepe.decode.argmax}
    _, expected = torchcrepe.predict(
        torch.from_numpy(wave)[None], SAMPLE_RATE, **options, return_periodicity=True, batch_size=64
    )
    np.testing.assert_allclose(frame_confidence(wave, "tiny"), expected[0], rtol=0, atol=1e-5)


def test_tones_have_it_and_noise_has_not_at_any_level():
    wave = waves(0.5)
    sure = frame_confidence(wave["glide"], "tiny").mean()
    assert sure > 0.7
    assert frame_confidence(wave["noise"], "tiny").mean() < 0.4
    assert frame_confidence(0.001 * wave["glide"], "tiny").mean() == pytest.approx(sure, abs=1e-4)


def test_without_padding_the_first_frame_begins_with_the_audio():
    wave = waves(0.5)["glide"]
    around = np.pad(wave, WINDOW_LENGTH // 2)[: (len(wave) // HOP_LENGTH) * HOP_LENGTH + WINDOW_LENGTH]
    np.testing.assert_allclose(
        frame_confidence(around, "tiny", pad=False), frame_confidence(wave, "tiny"), rtol=0, atol=1e-6
    )


def test_the_full_model_is_another():
    wave = waves(0.1)["glide"]
    full, tiny = frame_confidence(wave), frame_confidence(wave, "tiny")
    assert full.shape == tiny.shape == (11,)
    assert not np.allclose(full, tiny, atol=1e-3)


def test_a_model_that_there_is_not():
    with pytest.raises(ModelError, match="model is 'huge'; expected 'full' or 'tiny'"):
        frame_confidence(np.zeros(1024), "huge")
