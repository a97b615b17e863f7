"""Which clips the figure shows, what is decoded, and what is read from it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import f1_score

from datamodules.clips.dataset import ClipDataset
from lightning_app.errors import RunError
from lightning_app.evaluation.replacement import ROLES, Reader, draw_clips, replace
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from lightning_app.runs.load_run import load_run

FACTORS = ("instrument", "octave")
NAMES = {"instrument": ("violin", "trumpet", "flute"), "octave": ("4", "5", "6")}


@pytest.fixture(scope="module")
def run(two_octave_run):
    made = load_run(two_octave_run)
    made.data.prepare_data()
    made.data.setup("test")
    # After one epoch v hardly matters to what is decoded; with large weights it does.
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in made.model.parameters():
            weights.normal_(std=0.5, generator=generator)
    return made


@pytest.fixture
def clips():
    """Makes training and validation clips of the same classes, with one frame each."""

    def make(instruments, octaves, melodies):
        n, x = len(melodies), np.zeros((len(melodies), 1, 2), np.float32)
        labels = {"instrument": np.array(instruments), "octave": np.array(octaves)}
        dataset = ClipDataset("x", x.__getitem__, np.arange(n), labels, np.array(melodies), np.empty((n, 0)))
        return SimpleNamespace(train_dataset=dataset, validation_dataset=dataset, class_names=NAMES)

    return make


# Which clips


def test_targets_differ_in_the_first_factor_in_the_second_and_in_both(clips):
    instruments, octaves = (part.ravel() for part in np.indices((3, 3)).repeat(4, axis=2))
    # Each combination has four clips, and each melody is played by four combinations or more.
    data = clips(instruments, octaves, np.arange(36) % 7)
    shown = set()
    for seed in range(40):
        positions = draw_clips(data, FACTORS, seed)
        (i1, i2, i3, i4), (o1, o2, o3, o4) = instruments[positions], octaves[positions]
        assert i2 != i1 == i3
        assert i4 == i2
        assert o2 == o1 != o3
        assert o4 == o3
        assert len(set((positions % 7).tolist())) == 4
        np.testing.assert_array_equal(draw_clips(data, FACTORS, seed), positions)
        shown.add(tuple(positions.tolist()))
    assert len(shown) > 30
    assert {(int(instruments[source]), int(octaves[source])) for source, *_ in shown} == set(np.ndindex(3, 3))


def test_missing_combination_is_named(clips):
    data = clips([0, 0, 1, 0], [0, 1, 0, 1], [0, 1, 2, 3])

    with pytest.raises(RunError, match=r"no validation clip of trumpet, octave 5 has one that the others have not"):
        draw_clips(data, FACTORS, 0)


def test_four_melodies_are_needed(clips):
    data = clips([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 2, 2])

    with pytest.raises(
        RunError, match=r"four melodies, .* (violin|trumpet), octave (4|5) .*--seed, or a run with a larger set"
    ):
        draw_clips(data, FACTORS, 0)


def test_one_class_alone(clips):
    data = clips([0, 1, 0, 1], [1, 1, 1, 1], [0, 1, 2, 3])

    with pytest.raises(RunError, match=r"in common 1 octave; take a run whose data have two"):
        draw_clips(data, FACTORS, 0)


# What is decoded


def test_replaced_are_the_sources_z_with_the_targets_v(run):
    dataset = run.data.validation_dataset

    sounds = replace(run.model, run.data, FACTORS, 0)

    assert ROLES[0] == "source"
    heard = [dataset[int(position)]["x"] for position in draw_clips(run.data, FACTORS, 0)]
    for number, target in enumerate(heard[1:], start=1):
        with torch.no_grad():
            v_source, v_target = (run.model.global_encoder(x[None]).mean for x in (heard[0], target))
            z = run.model.local_encoder(heard[0][None], v_source).mean
            expected = run.model.decode(z, v_target)[0]
        assert ROLES[number] == f"target_{number}"
        assert ROLES[3 + number] == f"replaced_{number}"
        torch.testing.assert_close(sounds.x[3 + number], expected, rtol=1e-5, atol=1e-5)
        assert torch.equal(sounds.x[number], target)
        assert sounds.positions[3 + number] == sounds.positions[0]
        np.testing.assert_array_equal(sounds.wanted[3 + number], sounds.wanted[number])
    assert not sounds.x.requires_grad


# What is read


def test_classes_and_scores_are_those_of_the_procedure_step_by_step(run):
    reader = Reader(run.model, run.data, FACTORS)
    train, validation = run.data.train_dataset, run.data.validation_dataset

    def v_mean(x):
        with torch.no_grad():
            return run.model.global_encoder(x[None]).mean[0].numpy()

    labels = np.stack([validation.labels[factor] for factor in FACTORS], axis=1)
    partners = partners_of_other_class(labels, 2)
    assert (labels[partners] != labels).all()
    replaced = []
    for position, partner in enumerate(partners):
        x, target = validation[position]["x"][None], validation[int(partner)]["x"][None]
        with torch.no_grad():
            z = run.model.local_encoder(x, run.model.global_encoder(x).mean).mean
            replaced.append(run.model.decoder(z, run.model.global_encoder(target).mean)[0])
    reconstructed = [run.model.swap(clip["x"][None], clip["x"][None])[0][0] for clip in validation]
    f1 = reader.validation_f1(2)
    read = reader.classes(torch.stack(replaced))
    assert list(f1) == list(FACTORS)
    for column, factor in enumerate(FACTORS):
        lda = LinearDiscriminantAnalysis().fit([v_mean(clip["x"]) for clip in train], train.labels[factor])
        predicted = lda.predict([v_mean(x) for x in replaced])
        np.testing.assert_array_equal(read[:, column], predicted)
        assert (predicted != lda.predict([v_mean(x) for x in reconstructed])).any()
        expected = f1_score(labels[partners][:, column], predicted, average="macro", labels=[0, 1], zero_division=0.0)
        assert f1[factor] == pytest.approx(expected, abs=1e-6)
