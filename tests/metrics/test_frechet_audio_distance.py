"""The metric; run as a script, one process of the two that `test_two_processes_score_as_one` compares."""

import json
import pickle
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import distributed

from metrics import FrechetAudioDistance

DIM, N = 5, 60


def sides(n: int = N, offset: float = 0.0) -> dict[bool, torch.Tensor]:
    """Embeddings of real (True) and generated audio, in double precision."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(DIM, DIM, generator=generator).double()
    real = torch.randn(n, DIM, generator=generator).double() @ mixing
    return {True: real + offset, False: 0.5 + 1.3 * torch.randn(n, DIM, generator=generator).double() + offset}


def independent(real: np.ndarray, generated: np.ndarray) -> float:
    """The distance of all embeddings at once, by NumPy and SciPy."""
    covariances = [np.cov(values, rowvar=False) for values in (real, generated)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    means = real.mean(axis=0), generated.mean(axis=0)
    return np.sum((means[0] - means[1]) ** 2) + np.trace(covariances[0] + covariances[1] - 2.0 * root)


def expected(**options) -> float:
    of_sides = sides(**options)
    return independent(of_sides[True].numpy(), of_sides[False].numpy())


def updated(batches, metric=None, **options):
    """Gives a metric that was given the embeddings at these positions on both sides, batch by batch."""
    metric = FrechetAudioDistance(DIM) if metric is None else metric
    for batch in batches:
        for real, embeddings in sides(**options).items():
            metric.update(embeddings[batch], real=real)
    return metric


@pytest.mark.parametrize("size", [1, 7, 60])
def test_value_is_that_of_all_embeddings_at_once_whatever_the_batches(size):
    order = torch.randperm(N, generator=torch.Generator().manual_seed(size))

    value = updated(order.split(size)).compute()

    assert value.item() == pytest.approx(expected(), rel=1e-10)
    assert value.made_with == {"n_real": N, "n_generated": N}
    assert value > 1.0


def test_sides_may_have_different_numbers_and_come_in_any_order():
    of_sides = sides()
    metric = FrechetAudioDistance(DIM)
    for real, batch in ((False, slice(0, 30)), (True, slice(0, 9)), (False, slice(30, 40)), (True, slice(9, 60))):
        metric.update(of_sides[real][batch], real)

    value = metric.compute()

    assert value.item() == pytest.approx(independent(of_sides[True].numpy(), of_sides[False][:40].numpy()), rel=1e-10)
    assert value.made_with == {"n_real": 60, "n_generated": 40}


def test_exchanged_sides_are_as_far_apart():
    metric = FrechetAudioDistance(DIM)
    for real, embeddings in sides().items():
        metric.update(embeddings, real=not real)

    assert metric.compute().item() == pytest.approx(expected(), rel=1e-10)


def test_embeddings_far_from_0_lose_no_digits():
    """A sum of squares around 0 would keep none of the covariance at this offset."""
    values = [updated(torch.arange(N).split(7), offset=offset).compute().item() for offset in (0.0, 1e7)]

    assert values[1] == pytest.approx(values[0], rel=1e-6)


def test_the_same_embeddings_are_at_distance_0():
    metric = FrechetAudioDistance(DIM)
    for real in (True, False):
        for batch in sides()[True].split(7 if real else 11):
            metric.update(batch, real)

    assert metric.compute().item() == pytest.approx(0.0, abs=1e-12)


def test_frames_of_clips_count_each():
    of_sides = sides()
    metric = FrechetAudioDistance(DIM)
    for real, embeddings in of_sides.items():
        metric.update(embeddings.view(12, 5, DIM), real)

    assert metric.compute().item() == pytest.approx(expected(), rel=1e-10)


def test_rows_that_are_not_kept_do_not_count():
    metric = FrechetAudioDistance(DIM)
    for real, embeddings in sides().items():
        repeated = torch.cat([embeddings, embeddings[:20]])
        metric.update(repeated, real, keep=torch.arange(80) < N)
        metric.update(repeated[:20].view(4, 5, DIM), real, keep=torch.zeros(4, dtype=torch.bool))
        metric.update(embeddings[:0], real)

    assert metric.compute().item() == pytest.approx(expected(), rel=1e-10)
    assert metric.compute().made_with == {"n_real": N, "n_generated": N}


def test_single_precision_and_graphs_are_taken_as_they_are():
    metric = FrechetAudioDistance(DIM)
    for real, embeddings in sides().items():
        metric.update(embeddings.float().requires_grad_(), real)

    assert metric.compute().item() == pytest.approx(expected(), rel=1e-5)
    assert not metric.real.requires_grad
    assert metric.real.dtype == torch.float64


def test_the_state_does_not_grow():
    one, many = (updated(torch.arange(n).split(6)) for n in (6, 60))

    for metric in (one, many):
        assert {name: tuple(state.shape) for name, state in metric.metric_state.items()} == {
            "real": (DIM + 1, DIM + 1),
            "generated": (DIM + 1, DIM + 1),
        }


def test_reset_pickle_and_merge():
    first, second = updated([torch.arange(25)]), updated([torch.arange(25, N)])
    revived = pickle.loads(pickle.dumps(first))
    revived.merge_state(second)
    assert revived.compute().item() == pytest.approx(expected(), rel=1e-10)

    revived.reset()
    assert updated([torch.arange(N)], revived).compute().item() == pytest.approx(expected(), rel=1e-10)


def test_the_key_names_the_embedding():
    plt.switch_backend("Agg")  # no screen
    metric = updated([torch.arange(N)], FrechetAudioDistance(DIM, embedding_name="crepe-full"))

    values = metric.compute()
    figure, axes = metric.plot()

    assert set(values) == {"fad/crepe-full", "fad/crepe-full/n_real", "fad/crepe-full/n_generated"}
    assert values["fad/crepe-full"].item() == pytest.approx(expected(), rel=1e-10)
    assert values["fad/crepe-full/n_real"] == N
    assert {line.get_label() for line in axes.lines} >= {"fad/crepe-full"}
    assert not [line for line in axes.lines if line.get_ydata()[0] == N]
    figure_of_scalar, axes_of_scalar = updated([torch.arange(N)]).plot()
    assert float(axes_of_scalar.lines[0].get_ydata()[0]) == pytest.approx(expected(), rel=1e-10)
    plt.close(figure)
    plt.close(figure_of_scalar)
    named = updated([torch.arange(N)], FrechetAudioDistance(DIM, name="val/fad", embedding_name="vggish"))
    assert "val/fad/vggish" in named.compute()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_more_embeddings_than_values_are_refused_unless_allowed():
    with pytest.raises(ValueError, match=r"has 0 real and 0 generated embeddings of 5 values; expected 6 or more"):
        FrechetAudioDistance(DIM).compute()
    with pytest.raises(ValueError, match=r"has 5 real and 5 gen.* full rank. Give it more audio, or allow_singular=T"):
        updated([torch.arange(DIM)]).compute()
    assert updated([torch.arange(DIM + 1)]).compute() > 0

    allowed = updated([torch.arange(3)], FrechetAudioDistance(DIM, allow_singular=True))
    first = {real: embeddings[:3].numpy() for real, embeddings in sides().items()}
    assert allowed.compute().item() == pytest.approx(independent(first[True], first[False]), rel=1e-5)
    with pytest.raises(ValueError, match="expected 2 or more of each, since one has no covariance"):
        updated([[0]], FrechetAudioDistance(DIM, allow_singular=True)).compute()


def test_unusable_inputs_are_named():
    metric, fine = FrechetAudioDistance(DIM), torch.zeros(4, DIM)
    for embeddings, keep, message in (
        (fine[:, :3], None, r"embeddings has shape \(4, 3\); expected \(n, 5\) or \(n, frames, 5\)"),
        (fine[0], None, r"embeddings has shape \(5,\)"),
        (fine / 0, None, "embeddings has NaN or infinite values"),
        (fine, torch.ones(3, dtype=torch.bool), r"keep is torch.bool of shape \(3,\); expected bool of shape \(4,\)"),
        (fine, torch.ones(4), r"keep is torch.float32 of shape \(4,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            metric.update(embeddings, True, keep)
    with pytest.raises(ValueError, match="n_features is 0; expected 1 or more"):
        FrechetAudioDistance(0)
    assert metric.real[0, 0] == 0


@pytest.mark.slow
def test_two_processes_score_as_one(printed_by_pair):
    scenarios = {"both": [[0, 40], [40, N]], "second idle": [[0, N], [0, 0]], "first idle": [[0, 0], [0, N]]}

    for values in printed_by_pair(__file__, [[share[rank] for share in scenarios.values()] for rank in range(2)]):
        # Twice each, since updates go on after a value was computed.
        assert values == [pytest.approx(expected(), rel=1e-10)] * 2 * len(scenarios)


def one_of_two_processes(rank: int, rendezvous: str, shares: list[list[int]]) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2)
    values = []
    for start, end in shares:
        metric = updated(torch.arange(start, end).split(16))
        values.append(metric.compute().item())
        metric.update(sides()[True][:0], True)
        values.append(metric.compute().item())
    distributed.destroy_process_group()
    print(json.dumps(values))


if __name__ == "__main__":
    one_of_two_processes(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
