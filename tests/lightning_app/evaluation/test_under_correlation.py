"""Scores of the same latents at several strengths of a correlation, against what the table of the factors says."""

import numpy as np
import pytest

from datamodules import DataError
from datamodules.clips.correlation import Correlation
from lightning_app.errors import RunError
from lightning_app.evaluation.under_correlation import EncodedClips, scores_under_correlation

STRENGTHS = (0.0, 0.5, 0.8)
VALUES = {"octave": ("4", "5", "6"), "rhythm": ("a", "b", "c", "d", "e", "f")}


def clips(n_clips=6000, shift=0.0, n_free=2):
    """Latents that tell their attributes: z_0 is the octave, z_1 the rhythm and, by ``shift``, some of the octave."""
    generator = np.random.default_rng(0)
    labels = {name: generator.integers(len(values), size=n_clips) for name, values in VALUES.items()}
    told = np.stack([labels["octave"], labels["rhythm"] + shift * labels["octave"]], axis=1).astype(float)
    latents = np.concatenate([told, generator.standard_normal((n_clips, n_free))], axis=1)
    latents[:, :2] += 0.01 * generator.standard_normal((n_clips, 2))
    attributes = np.stack([66.5 + 12.0 * labels["octave"], 0.5 * labels["rhythm"]], axis=1)
    return EncodedClips(latents, attributes, [0, 1], VALUES, labels)


def ceilings(strength):
    """H(a_i | a_j) / H(a_i) of both factors, by the table."""
    joint = Correlation(("octave", "rhythm"), strength).probabilities(3, 6) / 3

    def entropy(probabilities):
        there = probabilities[probabilities > 0]
        return -(there * np.log(there)).sum()

    octave, rhythm = entropy(joint.sum(axis=1)), entropy(joint.sum(axis=0))
    return [(entropy(joint) - rhythm) / octave, (entropy(joint) - octave) / rhythm]


def test_of_perfect_latents_mig_falls_with_the_correlation_and_the_others_do_not():
    scores, n_clips = scores_under_correlation(clips(), ("octave", "rhythm"), STRENGTHS, 3)

    assert list(scores) == list(STRENGTHS)
    assert 1000 < n_clips < 6000 * 0.5
    for strength, of in scores.items():
        np.testing.assert_allclose(of["mig"], ceilings(strength), atol=0.04)
        np.testing.assert_allclose(of["mig_ceiling"], ceilings(strength), atol=0.04)
        np.testing.assert_allclose(of["dmig"], 1, atol=0.04)
        np.testing.assert_allclose(of["xmig"], 1, atol=0.04)
        assert (of["scc"] > 0.9).all()
    assert scores[0.8]["mig"][0] < 0.5 < scores[0.0]["mig"][0]


def test_dmig_of_a_leak_is_judged_by_whichever_dimension_comes_second():
    """A free dimension that tells some of the octave is the second at first, and later that of the rhythm is."""
    leaking = clips(n_free=1)
    noise = np.random.default_rng(2).standard_normal(len(leaking.latents))
    leaking.latents[:, 2] = leaking.labels["octave"] + noise

    scores, _ = scores_under_correlation(leaking, ("octave", "rhythm"), (0.0, 0.9), 3)

    weak, strong = (of for of in scores.values())
    assert weak["dmig"][0] == pytest.approx(weak["xmig"][0], abs=1e-9)
    assert weak["dmig"][0] < 0.85
    assert strong["dmig"][0] == pytest.approx(1, abs=0.05)
    assert strong["xmig"][0] == pytest.approx(weak["xmig"][0], abs=0.06)


def test_other_dimensions_may_be_the_regularised_ones():
    straight, turned = clips(), clips()
    turned = EncodedClips(turned.latents[:, ::-1], turned.attributes, [3, 2], turned.values, turned.labels)

    scores = [scores_under_correlation(one, ("octave", "rhythm"), (0.5,), 2)[0] for one in (straight, turned)]

    for name in ("mig", "dmig", "xmig", "scc"):
        np.testing.assert_allclose(scores[0][0.5][name], scores[1][0.5][name], atol=1e-9)


def test_attributes_of_many_values_are_taken_as_they_are():
    few = clips(2000)
    attributes = few.attributes + 0.01 * np.random.default_rng(1).standard_normal(few.attributes.shape)
    many = EncodedClips(few.latents, attributes, few.dims, few.values, few.labels)

    scores, _ = scores_under_correlation(many, ("octave", "rhythm"), (0.0,), 2)

    # Of continuous attributes the entropy is the estimator's largest value, and a latent with noise tells less.
    assert (scores[0.0]["mig"] < 0.8).all()
    assert (scores[0.0]["mig"] > 0.05).all()


def test_the_same_again():
    first, again = (scores_under_correlation(clips(800), ("octave", "rhythm"), STRENGTHS, 2)[0] for _ in range(2))
    for strength in STRENGTHS:
        for name, values in first[strength].items():
            np.testing.assert_array_equal(values, again[strength][name])


def test_too_few_clips_are_refused():
    with pytest.raises(RunError, match=r"a strength of 1\.0 leaves \d+ validation clips, and 50 are needed"):
        scores_under_correlation(clips(90), ("octave", "rhythm"), (0.0, 1.0), 2)


def test_a_factor_that_there_is_not():
    with pytest.raises(DataError, match=r"has 'tempo'; the factors are octave, rhythm"):
        scores_under_correlation(clips(200), ("octave", "tempo"), (0.5,), 1)
