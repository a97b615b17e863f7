"""The metric; run as a script, one process of the two that `test_two_processes_score_as_one` compares."""

import json
import pickle
import sys

import pytest
import torch
from torch import distributed
from torchmetrics import MetricCollection

from metrics import RawPitchAccuracy
from metrics.functional import raw_pitch_accuracy


def clips(n: int = 21, n_frames: int = 30) -> tuple[torch.Tensor, ...]:
    """Estimates, references, masks and numbers of clips of which each has another accuracy."""
    generator = torch.Generator().manual_seed(0)
    reference = 100.0 + 900.0 * torch.rand(n, n_frames, generator=generator)
    spread = torch.linspace(10.0, 300.0, n)[:, None]
    estimated = reference * 2.0 ** (spread * torch.randn(n, n_frames, generator=generator) / 1200.0)
    voiced = torch.rand(n, n_frames, generator=generator) < torch.linspace(0.2, 0.9, n)[:, None]
    return estimated, reference, voiced, 5 + 2 * torch.arange(n)


def updated(batches, metric=None):
    """Gives a metric that was given the clips at these positions, batch by batch."""
    metric = RawPitchAccuracy() if metric is None else metric
    for batch in batches:
        metric.update(*(values[batch] for values in clips()))
    return metric


def expected(positions=slice(None)):
    return raw_pitch_accuracy(*(values[positions] for values in clips()[:3])).item()


@pytest.mark.parametrize("size", [1, 4, 21])
def test_neither_batches_nor_their_order_matter(size):
    order = torch.randperm(21, generator=torch.Generator().manual_seed(size))

    assert updated(order.split(size)).compute() == expected()


@pytest.mark.parametrize("twice", [[3], [20, 0, 0], list(range(21))])
def test_a_clip_seen_twice_counts_once(twice):
    assert updated([*torch.arange(21).split(8), twice]).compute() == expected()


def test_without_indices_every_clip_counts():
    metric = RawPitchAccuracy()
    for batch in ([0, 1], [1, 2]):
        metric.update(*(values[batch] for values in clips()[:3]))

    assert metric.compute() == expected([0, 1, 1, 2])


def test_batches_may_have_clips_of_any_length():
    estimated, reference, voiced, _ = clips()
    metric = RawPitchAccuracy()
    for frames in (slice(0, 7), slice(7, 30)):
        metric.update(estimated[:, frames], reference[:, frames], voiced[:, frames])

    assert metric.compute() == expected()


def test_the_threshold_is_that_of_the_metric():
    metric = updated([torch.arange(21)], RawPitchAccuracy(threshold_cents=200.0))

    assert metric.compute() == raw_pitch_accuracy(*clips()[:3], threshold_cents=200.0).item() != expected()
    with pytest.raises(ValueError, match="threshold_cents is -1; expected more than 0"):
        RawPitchAccuracy(threshold_cents=-1)


def test_thresholds_stay_apart_in_a_collection():
    """Although after the first batch, which is right within either, the counts are the same."""
    collection = MetricCollection({str(cents): RawPitchAccuracy(threshold_cents=cents) for cents in (20, 90)})
    for hz in (440.0, 450.0):  # 0 and 39 cents from the reference
        collection.update(torch.full((1, 4), hz), torch.full((1, 4), 440.0))

    assert collection.compute() == {"20": 0.5, "90": 1.0}


def test_the_states_do_not_grow_with_the_length_of_clips():
    metric = RawPitchAccuracy()
    for n_frames in (10, 1000):
        metric.update(torch.ones(3, n_frames), torch.ones(3, n_frames))

    sizes = {name: [batch.numel() for batch in batches] for name, batches in metric.metric_state.items()}
    assert sizes == {"frame_counts": [6, 6], "thresholds": [3, 3], "indices": [3, 3], "widths": [2, 2]}


def test_reset_pickle_and_forward():
    metric = updated([[0, 1, 2]])
    metric = pickle.loads(pickle.dumps(metric))
    assert metric(*(values[3:9] for values in clips())) == expected(slice(3, 9))
    assert metric.compute() == expected(slice(0, 9))
    metric.reset()

    assert updated([[5, 6]], metric).compute() == expected([5, 6])


def test_an_empty_or_unvoiced_batch_changes_nothing():
    metric = updated([torch.empty(0, dtype=torch.int64), torch.arange(21)])
    metric.update(torch.full((2, 4), 440.0), torch.zeros(2, 4), None, torch.tensor([100, 101]))

    assert metric.compute() == expected()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_compute_without_a_voiced_frame_is_refused():
    metric = RawPitchAccuracy()
    with pytest.raises(ValueError, match="RawPitchAccuracy was given no samples; update it before compute"):
        metric.compute()
    metric.update(torch.full((2, 4), 440.0), torch.zeros(2, 4))

    with pytest.raises(ValueError, match="none of the 2 clips has a voiced frame"):
        metric.compute()


@pytest.mark.slow
def test_two_processes_score_as_one(printed_by_pair):
    shares = [list(range(12)), list(range(11, 21))]  # clip 11 in both

    assert printed_by_pair(__file__, shares) == [expected()] * 2


def one_of_two_processes(rank: int, rendezvous: str, share: list[int]) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2)
    accuracy = updated(torch.tensor(share).split(5)).compute().item()
    distributed.destroy_process_group()
    print(json.dumps(accuracy))


if __name__ == "__main__":
    one_of_two_processes(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
