"""Contours of synthesised tones by the tiny network, and its parts against torchcrepe's."""

import numpy as np
import pytest
import torch

from modules import ModelError
from modules.audio.crepe import _torchcrepe, crepe, crepe_frames, normalised
from modules.audio.pitch import decoded, pitch_contours

torchcrepe = _torchcrepe()
RATE = 16_000


def tone(hz, seconds=0.5, sample_rate=RATE):
    """Harmonics that fall off as those of a sawtooth, of a pitch that may change from sample to sample."""
    hz = torch.as_tensor(hz, dtype=torch.float64).expand(int(seconds * sample_rate))
    phase = 2 * torch.pi * (hz / sample_rate).cumsum(0)
    partials = [torch.sin(k * phase) / k * (k * hz < 0.45 * sample_rate) for k in range(1, 9)]
    return torch.stack(partials).sum(dim=0).float()


def cents(hz, true):
    return 1200 * torch.log2(hz / true)


def test_tones_have_their_pitch():
    pitches = torch.tensor([65.4, 110.0, 220.0, 440.0, 880.0, 1760.0])

    contours = pitch_contours(torch.stack([tone(hz) for hz in pitches]), RATE, model="tiny")

    assert contours.hz.shape == contours.confidence.shape == (6, 51)
    assert contours.hz.dtype == torch.float32
    inside = slice(4, -4)  # frames without padding
    assert cents(contours.hz[:, inside], pitches[:, None]).abs().max() < 20
    assert contours.voiced()[:, inside].all()
    assert ((contours.confidence >= 0) & (contours.confidence <= 1)).all()


def test_a_glide_is_followed_frame_by_frame():
    hz = 220.0 * 2.0 ** (torch.arange(RATE, dtype=torch.float64) / RATE)  # an octave in a second

    contours = pitch_contours(tone(hz, seconds=1.0)[None], RATE, model="tiny")

    at_frames = hz[::160]  # frame t is centred at sample 160 t
    assert cents(contours.hz[0, 4:-5], at_frames[4:-4]).abs().max() < 35


def test_silence_and_noise_are_unvoiced_and_a_note_between_is_not():
    torch.manual_seed(0)
    audio = torch.cat([torch.zeros(RATE // 4), tone(330.0, 0.25), torch.zeros(RATE // 4)])

    contours = pitch_contours(torch.stack([audio, 0.1 * torch.randn(len(audio))]), RATE, model="tiny")

    voiced = contours.voiced()
    assert not voiced[0, :21].any() and not voiced[0, 55:].any() and not voiced[1].any()
    assert voiced[0, 29:46].all()
    assert contours.voiced(threshold=0.0).all()


def test_neither_level_nor_batches_nor_neighbours_matter():
    audio = torch.stack([tone(hz, 0.2) for hz in (150.0, 300.0, 700.0)])

    together = pitch_contours(audio, RATE, model="tiny")
    others = [
        pitch_contours(audio, RATE, model="tiny", batch_size=7),
        pitch_contours(0.01 * audio.double(), RATE, model="tiny", device="cpu"),
    ]
    alone = pitch_contours(audio[1:2], RATE, model="tiny")

    for other in others:
        torch.testing.assert_close(other.hz, together.hz, rtol=1e-4, atol=0)
        torch.testing.assert_close(other.confidence, together.confidence, rtol=0, atol=1e-3)
    torch.testing.assert_close(alone.hz[0], together.hz[1], rtol=1e-4, atol=0)


def test_the_same_audio_gives_the_same_contour():
    audio = tone(200.0, 0.1)[None]

    first, second = (pitch_contours(audio, RATE, model="tiny") for _ in range(2))

    assert torch.equal(first.hz, second.hz)
    assert torch.equal(first.confidence, second.confidence)


@pytest.mark.parametrize(("sample_rate", "hop_ms", "n_frames"), [(44_100, 10, 31), (8_000, 20, 16), (16_000, 5, 61)])
def test_sample_rates_and_hops_keep_the_pitch(sample_rate, hop_ms, n_frames):
    audio = tone(220.0, 0.3, sample_rate)[None]

    contours = pitch_contours(audio, sample_rate, model="tiny", hop_ms=hop_ms)

    assert contours.hz.shape == (1, n_frames)
    edge = -(-40 // hop_ms)
    assert cents(contours.hz[:, edge:-edge], 220.0).abs().max() < 20


def test_frames_are_those_of_torchcrepe():
    audio = torch.randn(1, 2000)

    (expected,) = torchcrepe.preprocess(audio, RATE, 160)

    torch.testing.assert_close(normalised(crepe_frames(audio, 10.0))[0], expected, rtol=1e-4, atol=1e-5)


def test_probabilities_are_those_of_torchcrepe():
    frames = normalised(crepe_frames(tone(500.0, 0.1)[None], 10.0)[0])

    expected = torchcrepe.infer(frames, "tiny", "cpu")

    torch.testing.assert_close(crepe("tiny", torch.device("cpu"))(frames), expected)
    assert crepe("tiny", torch.device("cpu")) is crepe("tiny", torch.device("cpu"))


def test_pitches_are_means_around_the_likeliest_bin():
    probabilities = torch.rand(2, 8, 360)
    probabilities[0, 0, 0], probabilities[0, 1, 2], probabilities[0, 2, 359], probabilities[0, 3] = 2.0, 2.0, 2.0, 0.0

    hz, confidence = decoded(probabilities)

    bin_hz = torchcrepe.convert.cents_to_frequency(20.0 * np.arange(360) + 1997.3794084376191)
    for of_frame, pitch, sure in zip(
        probabilities.view(-1, 360).numpy(), hz.flatten(), confidence.flatten(), strict=True
    ):
        if not of_frame.any():
            assert pitch.isfinite() and sure == 0
            continue
        near = slice(max(of_frame.argmax() - 4, 0), of_frame.argmax() + 5)
        mean = np.average(np.log2(bin_hz[near]), weights=of_frame[near])
        assert pitch.item() == pytest.approx(2.0**mean, rel=1e-5)
        assert sure == of_frame.max()


def test_notes_may_jump():
    notes = [220.0, 1046.5, 82.4, 392.0]

    contours = pitch_contours(torch.cat([tone(hz, 0.1) for hz in notes])[None], RATE, model="tiny")

    for i, hz in enumerate(notes):
        assert cents(contours.hz[0, 10 * i + 4 : 10 * i + 7], hz).abs().max() < 50


AUDIO = torch.zeros(1, 1600)


@pytest.mark.parametrize(
    ("audio", "options", "message"),
    [
        (AUDIO[0], {}, r"audio is torch.float32 of shape \(1600,\); expected float, \(n, n_samples\)"),
        (AUDIO[:, :0], {}, r"audio is torch.float32 of shape \(1, 0\)"),
        (AUDIO.short(), {}, "audio is torch.int16"),
        (AUDIO / 0, {}, "audio has NaN or infinite values"),
        (AUDIO, {"model": "large"}, "model is 'large'; expected 'full' or 'tiny'"),
        (AUDIO, {"hop_ms": 0}, "hop_ms is 0; expected a multiple of 0.0625 ms"),
        (AUDIO, {"hop_ms": 0.1}, "hop_ms is 0.1; expected a multiple of 0.0625 ms"),
        (AUDIO, {"batch_size": 0}, "batch_size is 0; expected 1 or more"),
        (AUDIO, {"sample_rate": 0}, "sample_rate is 0; expected 1 or more"),
    ],
)
def test_unusable_inputs_are_named(audio, options, message):
    with pytest.raises(ModelError, match=message):
        pitch_contours(audio, **({"sample_rate": RATE, "model": "tiny"} | options))


def test_loading_the_network_leaves_the_random_generator_as_it_was():
    crepe.cache_clear()
    torch.manual_seed(0)
    before = torch.random.get_rng_state()

    crepe("tiny", torch.device("cpu"))

    assert torch.equal(torch.random.get_rng_state(), before)
