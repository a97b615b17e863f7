"""The metric; run as a script, one process of the two that `test_two_processes_score_as_one` compares."""

import json
import pickle
import sys

import matplotlib.pyplot as plt
import pytest
import torch
from torch import Tensor, distributed
from torchmetrics import MetricCollection

from metrics import SwapClassification
from metrics.functional import swap_classification

STEPS = ("train", "pre_swap", "global_swap", "local_swap")


def clips_of_steps(n: int = 40) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """Latents, labels and clip numbers of each step, noisy enough that no score is 0 or 1, in no order of clips."""
    generator = torch.Generator().manual_seed(0)
    clips = {}
    for step in STEPS:
        labels = torch.randint(3, (n,), generator=generator)
        latents = torch.eye(3)[labels] + 0.7 * torch.randn(n, 3, generator=generator)
        clips[step] = latents, labels, torch.randperm(n, generator=generator)
    return clips


def updated(metric: SwapClassification, batches: dict[str, list[Tensor]]) -> SwapClassification:
    """Updates a metric with the clips at the given positions, batch by batch."""
    for step, of_step in batches.items():
        latents, labels, clips = clips_of_steps()[step]
        for positions in of_step:
            metric.update(latents[positions], labels[positions], clips[positions], step)
    return metric


def in_batches(size: int = 40, order: Tensor | None = None) -> dict[str, list[Tensor]]:
    order = torch.arange(40) if order is None else order
    return {step: list(order.split(size)) for step in STEPS}


def expected_scores() -> dict[str, Tensor]:
    train, *others = clips_of_steps().values()
    scores = [swap_classification(*train[:2], *step[:2]) for step in others]
    return dict(zip(STEPS[1:], scores, strict=True))


def test_scores_are_those_of_the_function():
    expected = expected_scores()

    scores = updated(SwapClassification(), in_batches()).compute()

    assert scores == expected
    assert len({score.item() for score in scores.values()}) == 3  # so that no step can pass for another
    assert all(0.0 < score < 1.0 for score in scores.values())


@pytest.mark.parametrize("size", [1, 7, 16])
def test_neither_batches_nor_their_order_matter(size):
    for seed in range(3):
        order = torch.randperm(40, generator=torch.Generator().manual_seed(seed))
        assert updated(SwapClassification(), in_batches(size, order)).compute() == expected_scores()


def test_steps_may_come_in_any_order():
    batches = in_batches(16)

    metric = updated(SwapClassification(), {step: batches[step] for step in reversed(STEPS)})

    assert metric.compute() == expected_scores()


@pytest.mark.parametrize("twice", [[3], [0, 1, 39], list(range(40))])
def test_a_clip_seen_twice_counts_once(twice):
    batches = {step: [*of_step, torch.tensor(twice)] for step, of_step in in_batches(16).items()}

    assert updated(SwapClassification(), batches).compute() == expected_scores()


def test_reset_forgets_every_clip():
    metric = updated(SwapClassification(), in_batches())
    metric.update(torch.randn(5, 3), torch.arange(5) % 2, 100 + torch.arange(5), "pre_swap")
    metric.reset()

    assert updated(metric, in_batches()).compute() == expected_scores()


def test_a_metric_is_pickled_with_its_clips():
    batches = in_batches(16)
    first_half = updated(SwapClassification(), {step: of_step[:2] for step, of_step in batches.items()})

    revived = pickle.loads(pickle.dumps(first_half))

    assert updated(revived, {step: of_step[2:] for step, of_step in batches.items()}).compute() == expected_scores()


def test_a_collection_and_its_clones_score_alike():
    collection = MetricCollection({"v": SwapClassification(), "other": SwapClassification()}).clone(prefix="test/")
    for step, (latents, labels, clips) in clips_of_steps().items():
        collection.update(latents, labels, clips, step)

    scores = collection.compute()

    for step, expected in expected_scores().items():
        assert [score for name, score in scores.items() if name.endswith(step)] == [expected, expected]


def test_scores_are_plotted_by_name():
    plt.switch_backend("Agg")  # no screen
    metric = updated(SwapClassification(), in_batches())

    figure, axes = metric.plot()

    shown = {line.get_label(): line.get_ydata()[0] for line in axes.lines if line.get_label() in STEPS}
    assert shown == {step: score.item() for step, score in expected_scores().items()}
    assert isinstance(figure, plt.Figure)
    plt.close(figure)


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match="step is 'swap'; expected train, pre_swap, global_swap, local_swap"):
        SwapClassification().update(torch.zeros(1, 1), torch.zeros(1), torch.zeros(1), "swap")


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.parametrize("missing", STEPS)
def test_compute_names_the_step_without_clips(missing):
    metric = updated(SwapClassification(), {step: of for step, of in in_batches().items() if step != missing})

    with pytest.raises(ValueError, match=f"no clips were given for the step {missing}; update the metric"):
        metric.compute()
    with pytest.raises(ValueError, match="was given no samples"):
        SwapClassification().compute()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_too_few_clips_to_learn_from_are_counted_once():
    metric = SwapClassification()
    for step in STEPS:
        for _ in range(2):  # as a distributed sampler pads its last batch
            metric.update(torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1]), torch.tensor([0, 1]), step)

    with pytest.raises(ValueError, match=r"train_latents has 2 samples of 2 classes; .* more samples than classes"):
        metric.compute()


@pytest.mark.parametrize("first", [32, pytest.param(40, marks=pytest.mark.slow)])
def test_two_processes_score_as_one(printed_by_pair, first):
    # Two batches and one, with clip 31 in both; or all clips in one, and none in the other.
    shares = torch.arange(first), torch.arange(31, 40) if first < 40 else torch.arange(0)
    expected = {step: score.item() for step, score in expected_scores().items()}

    assert printed_by_pair(__file__, [share.tolist() for share in shares]) == [[expected, expected]] * 2


def one_of_two_processes(rank: int, rendezvous: str, share: list[int]) -> None:
    """Scores its share of the clips with the other process's, and once more after an update that adds nothing new."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2)
    metric = updated(SwapClassification(), in_batches(16, torch.tensor(share, dtype=torch.int64)))
    scores = [{step: score.item() for step, score in metric.compute().items()}]
    metric.update(*(values[share[:1]] for values in clips_of_steps()["train"]), "train")
    scores.append({step: score.item() for step, score in metric.compute().items()})
    distributed.destroy_process_group()
    print(json.dumps(scores))


if __name__ == "__main__":
    one_of_two_processes(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
