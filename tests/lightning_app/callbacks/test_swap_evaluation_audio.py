"""What is heard of swaps: pitch and quality, against the procedure written out with mir_eval and SciPy."""

import json

import mir_eval
import numpy as np
import pytest
import scipy
import torch

from datamodules.clips.dataset import ClipDataset
from lightning_app.callbacks import SwapEvaluation
from lightning_app.errors import RunError
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from modules.audio import InverseLogMel, LogMel, LogMelSequence, LogMelSpec
from modules.audio.pitch import pitch_contours
from modules.audio_embedding import CrepeEmbedding
from modules.dsae import DSAE

STEPS = ("pre_swap", "global_swap", "local_swap", "resynthesis")


class Melody(DSAE):
    """A model whose z is its input, and which decodes z alone."""

    def __init__(self):
        super().__init__((33, 80), v_dim=2, z_dim=80)

    def encode(self, x, *, sample=True, noise=torch.randn_like):
        return super().encode(x, sample=sample)._replace(z=x)

    def decode(self, z, v):
        return z


class Still(Melody):
    """A model that decodes the same, whatever z and v."""

    def decode(self, z, v):
        return torch.zeros_like(z)


@pytest.fixture
def tones(tiny_clips):
    """Nine clips of half a second: two tones each, a fifth apart, a semitone higher from clip to clip."""
    clips = tiny_clips(n_clips=9)

    def audio(index):
        time = np.arange(8192) / 16_000
        phase = 2 * np.pi * np.cumsum(np.where(time < 0.256, 220.0, 330.0) * 2 ** (index / 12)) / 16_000
        return (0.2 * sum(np.sin(k * phase) / k for k in range(1, 6))).astype(np.float32)

    clips.representation, clips.n_samples, clips.audio = LogMelSequence(), 8192, audio
    log_mel = LogMel(LogMelSpec())
    known = {"labels": {"instrument": np.arange(9) % 2}, "groups": np.arange(9), "attributes": np.empty((9, 0))}
    dataset = ClipDataset("x", lambda i: log_mel(torch.from_numpy(audio(i))).numpy(), np.arange(9), **known)
    clips.train_dataset = clips.validation_dataset = clips.test_dataset = dataset
    return clips


@pytest.fixture
def scores(tmp_path, quiet_trainer):
    """Evaluates a model, and returns what was written."""

    def evaluate(model, clips, **options):
        quiet_trainer(SwapEvaluation(**options)).test(model, clips, verbose=False)
        return json.loads((tmp_path / "evaluation.json").read_text())["scores"]

    return evaluate


@pytest.mark.slow
def test_melody_that_z_carries_is_heard_after_both_swaps(tones, scores):
    heard = scores(Melody(), tones, rpa="tiny")

    assert all(heard[f"rpa/{step}"] > 0.85 for step in STEPS)
    assert not any(name.startswith("fad/") for name in heard)
    # Melodies differ, so the right one must have been compared.
    still = scores(Still(), tones, rpa="tiny")
    assert all(still[f"rpa/{step}"] < 0.1 for step in STEPS[:3])
    assert still["rpa/resynthesis"] == heard["rpa/resynthesis"]


def frechet(real, generated):
    """The distance of two sets of vectors, (n, D) each."""
    covariances = np.cov(real.T), np.cov(generated.T)
    # Of a product of two covariances the square root has the sum of the roots of its eigenvalues as trace.
    roots = np.sqrt(np.abs(scipy.linalg.eigvals(covariances[0] @ covariances[1])))
    return np.sum((real.mean(0) - generated.mean(0)) ** 2) + np.trace(sum(covariances)) - 2 * roots.sum()


def test_pitch_and_distance_are_those_of_the_procedure_step_by_step(tones, scores):
    measured = scores(Melody(), tones, rpa="tiny", fad=("crepe-tiny",), seed=4)

    partners = partners_of_other_class(np.arange(9) % 2, seed=4).tolist()
    right, voiced = dict.fromkeys(STEPS, 0.0), dict.fromkeys(STEPS, 0)
    real, generated, resynthesised = [], [], []
    for clip, partner in enumerate(partners):
        x, y = (tones.validation_dataset[i]["x"] for i in (clip, partner))
        torch.manual_seed(4 + clip)
        audio = InverseLogMel(LogMelSpec())(torch.stack([x, x, y, x]))
        contours = pitch_contours(audio, 16_000, model="tiny", hop_ms=20.0).hz.numpy()
        for step, melody, estimated in zip(STEPS, (clip, clip, partner, clip), contours, strict=True):
            original = pitch_contours(torch.from_numpy(tones.audio(melody)[None]), 16_000, model="tiny", hop_ms=20.0)
            is_voiced = original.voiced()[0].numpy()
            reference, estimate = (mir_eval.melody.hz2cents(hz) for hz in (original.hz[0].numpy(), estimated))
            share = mir_eval.melody.raw_pitch_accuracy(is_voiced, reference, is_voiced, estimate, cent_tolerance=50)
            right[step] += share * is_voiced.sum()
            voiced[step] += is_voiced.sum()
        embedding = CrepeEmbedding("tiny")
        real.append(embedding(torch.from_numpy(tones.audio(clip)[None]))[0].double().numpy())
        generated.append(embedding(audio[:1])[0].double().numpy())
        resynthesised.append(embedding(audio[3:])[0].double().numpy())
    for step in STEPS:
        assert measured[f"rpa/{step}"] == pytest.approx(right[step] / voiced[step], abs=1e-6)
    for name, made in (("fad", generated), ("fad_resynthesis", resynthesised)):
        distance = frechet(np.concatenate(real), np.concatenate(made))
        assert measured[f"{name}/crepe-tiny"] == pytest.approx(distance, rel=1e-4)
        assert measured[f"{name}/crepe-tiny/n_real"] == measured[f"{name}/crepe-tiny/n_generated"] == 9 * len(real[0])


def test_as_many_clips_as_asked_for_are_listened_to(tmp_path, tones, scores):
    assert scores(Melody(), tones, fad=("crepe-tiny",), audio_clips=6)["fad/crepe-tiny/n_real"] == 6 * 52
    assert json.loads((tmp_path / "evaluation.json").read_text())["settings"]["n_audio_clips"] == 6
    with_f1, without = scores(DSAE((251, 80), v_dim=2), tones), scores(DSAE((251, 80), v_dim=2), tones, f1=False)
    assert "swap_f1/pre_swap" in with_f1
    assert not any(name.startswith(("swap_f1", "rpa", "fad")) for name in without)


def test_too_few_clips_for_a_distance_are_named_before_any_is_heard(tones, scores):
    heard = []
    tones.audio = lambda index, audio=tones.audio: heard.append(index) or audio(index)

    with pytest.raises(
        RunError, match=r"fad/crepe-tiny has 208 embeddings of 256 dimensions from 4 clips.*audio_clips"
    ):
        scores(Melody(), tones, fad=("crepe-tiny",), audio_clips=4)
    assert heard == []


def test_options_that_cannot_be_had_are_named(tmp_path, tones, scores):
    with pytest.raises(RunError, match=r"audio_clips is 0.*1 or more"):
        SwapEvaluation(audio_clips=0)
    with pytest.raises(RunError, match="fad names an embedding twice: vggish, vggish"):
        SwapEvaluation(fad=("vggish", "vggish"))
    weights = tmp_path / "other.pth"
    torch.save(DSAE((9, 10)).state_dict(), weights)
    with pytest.raises(RunError, match=r"other\.pth does not hold the weights of VGGish.*--evaluation\.fad"):
        scores(Melody(), tones, fad=("vggish",), vggish_weights=weights)


def test_silent_data_has_no_pitch_to_score(tones, scores):
    tones.audio = lambda index: np.zeros(8192, np.float32)

    with pytest.raises(RunError, match=r"pitch cannot be evaluated.*voiced.*--evaluation\.rpa null"):
        scores(Melody(), tones, rpa="tiny", audio_clips=2)
