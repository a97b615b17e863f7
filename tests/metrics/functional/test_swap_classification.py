import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import f1_score

from metrics.functional import swap_classification


def random_latents(rng, classes, n, dim=3, spread=1.0):
    """Overlapping clusters, one for each class."""
    labels = rng.permutation(np.resize(classes, n))
    centres = dict(zip(classes, np.random.default_rng(0).normal(size=(len(classes), dim)), strict=True))
    return np.stack([centres[label] for label in labels]) + spread * rng.normal(size=(n, dim)), labels


def linear_discriminants(train_v, train_y, v):
    """The classes that maximise the log-posterior of Gaussians with one pooled covariance (Fisher's LDA, by hand)."""
    classes = np.unique(train_y)
    means = [train_v[train_y == label].mean(axis=0) for label in classes]
    centred = np.concatenate([train_v[train_y == label] - mean for label, mean in zip(classes, means, strict=True)])
    precision = np.linalg.inv(centred.T @ centred / len(train_v))
    scores = [
        v @ precision @ mean - 0.5 * mean @ precision @ mean + np.log(np.mean(train_y == label))
        for label, mean in zip(classes, means, strict=True)
    ]
    return classes[np.argmax(scores, axis=0)]


def macro_f1(labels, predicted, classes):
    scores = []
    for label in classes:
        true_positives = sum((labels == label) & (predicted == label))
        wrong = sum((labels == label) != (predicted == label))
        scores.append(2 * true_positives / (2 * true_positives + wrong) if true_positives + wrong else 0.0)
    return np.mean(scores)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2], [3, 40, 41, 73]])
def test_score_is_that_of_a_discriminant_analysis(classes, seed):
    rng = np.random.default_rng(seed)
    (train_v, train_y), (v, y) = random_latents(rng, classes, 60), random_latents(rng, classes, 41)

    score = swap_classification(train_v, train_y, v, y)

    assert score.dtype == torch.float64
    assert score.shape == ()
    assert 0.2 < score < 1.0  # neither trivial end
    assert score.item() == pytest.approx(macro_f1(y, linear_discriminants(train_v, train_y, v), classes), rel=1e-6)
    predicted = LinearDiscriminantAnalysis().fit(train_v, train_y).predict(v)
    assert score.item() == pytest.approx(f1_score(y, predicted, average="macro"), rel=1e-6)


def test_tensors_arrays_and_lists_score_alike():
    rng = np.random.default_rng(0)
    arrays = [*random_latents(rng, [0, 1], 30), *random_latents(rng, [0, 1], 20)]
    tensors = [torch.tensor(array) for array in arrays]
    tensors[0].requires_grad_()

    scores = [swap_classification(*inputs) for inputs in (arrays, tensors, [array.tolist() for array in arrays])]

    assert scores[0] == scores[1] == scores[2]


def test_separate_clusters_score_one_and_exchanged_labels_zero():
    rng = np.random.default_rng(0)
    (train_v, train_y), (v, y) = (random_latents(rng, [0, 1], n, spread=1e-3) for n in (30, 20))

    assert swap_classification(train_v, train_y, v, y) == 1.0
    assert swap_classification(train_v, train_y, v, 1 - y) == 0.0


def test_every_training_class_counts_even_where_no_clip_shows_it():
    rng = np.random.default_rng(0)
    (train_v, train_y), (v, y) = (random_latents(rng, [0, 1, 2], n, spread=1e-3) for n in (30, 30))

    # Two classes are perfect, and the third, which no clip has and none is taken for, scores 0.
    score = swap_classification(train_v, train_y, v[y != 2], y[y != 2])

    assert score.item() == pytest.approx(2 / 3, rel=1e-6)


@pytest.mark.parametrize(
    ("train_sizes", "sizes"),
    [
        ({0: 20, 1: 20, 2: 20}, {0: 9, 1: 9}),  # a class that no clip shows
        ({0: 20, 1: 20}, {0: 9, 1: 9, 2: 9}),  # one that the classifier does not know
        ({0: 20, 1: 20}, {5: 9}),  # only such
        ({0: 20, 1: 20, 2: 20}, {1: 9}),  # a single one
        ({0: 50, 1: 3}, {0: 30, 1: 2}),  # unbalanced
        ({0: 50, 1: 1, 2: 2}, {0: 3, 1: 30, 2: 1}),  # and otherwise so in training, with one sample of a class
        ({0: 2, 1: 1}, {0: 5, 1: 5}),  # the fewest
        ({-3: 12, 0: 11, 4: 10, 9: 9, 70: 8, 71: 7}, {-3: 5, 0: 6, 4: 7, 9: 8, 70: 9, 71: 10}),  # many
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_classes_that_are_absent_single_unbalanced_or_many(train_sizes, sizes, seed):
    rng = np.random.default_rng(seed)

    def drawn(of):
        labels = rng.permutation(np.repeat(list(of), list(of.values())))
        return np.stack([labels % 4, labels % 3], axis=1) + 0.8 * rng.normal(size=(len(labels), 2)), labels

    (train_v, train_y), (v, y) = drawn(train_sizes), drawn(sizes)

    score = swap_classification(train_v, train_y, v, y)

    predicted = LinearDiscriminantAnalysis().fit(train_v, train_y).predict(v)
    expected = f1_score(y, predicted, labels=sorted(train_sizes), average="macro", zero_division=0.0)
    assert score.item() == pytest.approx(expected, rel=1e-6)
    assert score.item() == pytest.approx(macro_f1(y, predicted, sorted(train_sizes)), rel=1e-6)


V, Y = np.array([[0.0], [0.1], [1.0], [1.1]]), np.array([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((V[:, 0], Y, V, Y), r"train_latents has shape \(4,\); expected \(n, D\)"),
        ((V, Y, V[:0], Y[:0]), r"latents has shape \(0, 1\); expected \(n, D\) with n and D of 1 or more"),
        ((V, Y[:3], V, Y), r"train_labels has shape \(3,\); expected \(4,\), one for each row of train_latents"),
        ((V, Y, V, Y[:, None]), r"labels has shape \(4, 1\); expected \(4,\), one for each row of latents"),
        ((V, Y, V * np.nan, Y), r"^latents has NaN or infinite values; the model that made them has diverged"),
        ((V * [[1.0], [1.0], [1.0], [np.inf]], Y, V, Y), r"^train_latents has NaN or infinite values"),
        ((V, Y, np.hstack([V, V]), Y), r"train_latents has 1 dimensions and latents 2; they must agree"),
        ((V[1:3], Y[1:3], V, Y), "train_latents has 2 samples of 2 classes; .* more samples than classes"),
        ((V, np.arange(4), V, Y), "train_latents has 4 samples of 4 classes; .* more samples than classes"),
        ((0 * V, Y, V, Y), "train_latents is the same for all samples of a class"),
        ((V.round(), Y, V, Y), "train_latents is the same for all samples of a class"),
        ((V[:, :0], Y, V[:, :0], Y), r"train_latents has shape \(4, 0\); expected \(n, D\) with n and D"),
        ((V, Y + 0.5, V, Y), "train_labels has values that are no whole numbers"),
        ((V, Y, V, [0.0, 1.0, np.nan, 1.0]), "^labels has values that are no whole numbers"),
        ((V, list("aabb"), V, Y), "train_labels has values that are no whole numbers"),
        ((V, 0 * Y, V, Y), r"train_labels has one class only \(\[0\]\).*take clips of two or more"),
    ],
)
def test_unusable_inputs_are_named(inputs, message):
    with pytest.raises(ValueError, match=message):
        swap_classification(*inputs)
