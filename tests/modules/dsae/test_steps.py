"""What runs in a step of each stage, and how the terms of the objective become its loss."""

from collections import Counter

import pytest
import torch
from lightning import Callback
from torch import Tensor
from torch.utils.data import DataLoader

from modules.dsae import DSAE, Stage

SWAP_TERMS = ["global_swap_v", "global_swap_z", "local_swap_v", "local_swap_z"]
WITHOUT_SWAPS = {f"{name}_weight": 0.0 for name in SWAP_TERMS}


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


# What runs in each stage


def calls_in_a_step(model: DSAE, n: int = 4) -> Counter:
    """Counts the forward passes of the parts of a model while it computes its terms."""
    counts = Counter()
    parts = ("global_encoder", "local_encoder", "decoder", "transition", "transition.lstm", "prior_encoder")
    for name in parts:
        model.get_submodule(name).register_forward_hook(lambda *_, name=name: counts.update([name]))
    model.loss_terms(randn(n, 3, 3))
    return counts


def test_constrained_stage_runs_neither_transition_nor_swaps(make_dsae):
    assert calls_in_a_step(make_dsae(Stage.CONSTRAINED)) == {"global_encoder": 1, "local_encoder": 1, "decoder": 1}


@pytest.mark.parametrize("stage", [Stage.JOINT, Stage.INFORMED_PRIOR])
@pytest.mark.parametrize("weighed", [*SWAP_TERMS, None, "all"])
def test_swaps_are_decoded_once_if_any_has_a_weight(make_dsae, stage, weighed):
    weights = {} if weighed == "all" else WITHOUT_SWAPS | ({f"{weighed}_weight": 0.5} if weighed else {})
    passes = 2 if weighed else 1

    calls = calls_in_a_step(make_dsae(stage, **weights))

    assert calls["decoder"] == calls["global_encoder"] == calls["local_encoder"] == passes
    assert calls["transition"] == calls["transition.lstm"] == 1
    assert calls["prior_encoder"] == (stage is Stage.INFORMED_PRIOR)


# How the terms make the loss


class SeededSteps(Callback):
    """Draws the same noise in step ``batch_idx`` of any loop, and keeps the losses that are minimised."""

    def __init__(self) -> None:
        self.losses: list[Tensor] = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        torch.manual_seed(batch_idx)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.losses.append(outputs["loss"])

    def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
        torch.manual_seed(batch_idx)

    on_test_batch_start = on_validation_batch_start


def loader(*batches: Tensor) -> DataLoader:
    return DataLoader([{"x": x} for x in batches], batch_size=None)


@pytest.mark.parametrize("name", SWAP_TERMS)
def test_each_weight_adds_its_own_term_to_the_loss(make_dsae, make_trainer, name):
    x, model = randn(5, 3, 3), make_dsae(**WITHOUT_SWAPS | {f"{name}_weight": 2.5})
    every_term = make_dsae()
    every_term.load_state_dict(model.state_dict())
    torch.manual_seed(0)
    terms = every_term.loss_terms(x)
    bound = terms["reconstruction"] + terms["kl_v"] + terms["kl_z"]
    steps = SeededSteps()
    trainer = make_trainer(max_steps=1, limit_val_batches=0, callbacks=[steps])

    trainer.fit(model, loader(x), loader(x))

    torch.testing.assert_close(steps.losses[0] - bound, 2.5 * terms[name], rtol=1e-12, atol=1e-14)
    logged = {"loss": steps.losses[0], "unweighted_loss": bound + terms[name], "negative_elbo": bound}
    logged |= {term: terms[term] for term in ("reconstruction", "kl_v", "kl_z", name)}  # as they are, unweighted
    assert trainer.callback_metrics.keys() == {f"train/{term}" for term in logged}
    for term, value in logged.items():
        assert trainer.callback_metrics[f"train/{term}"].item() == pytest.approx(value.item(), rel=1e-6)


@pytest.mark.parametrize("part", ["val", "test"])
@pytest.mark.parametrize("stage", Stage)
def test_scores_of_an_epoch_weigh_batches_by_their_size(make_dsae, make_trainer, stage, part):
    model, batches = make_dsae(stage, local_swap_z_weight=0.5), [randn(4, 3, 3), randn(2, 3, 3)]
    expected = Counter()
    for seed, x in enumerate(batches):
        torch.manual_seed(seed)
        terms = {name: term.item() for name, term in model.loss_terms(x).items()}
        terms["unweighted_loss"] = sum(terms.values())
        terms["negative_elbo"] = sum(terms[name] for name in terms if name not in ("unweighted_loss", *SWAP_TERMS))
        terms["loss"] = terms["negative_elbo"] + sum(terms.get(name, 0.0) for name in SWAP_TERMS[:3])
        terms["loss"] += 0.5 * terms.get("local_swap_z", 0.0)
        for name, term in terms.items():
            expected[name] += len(x) / 6 * term
    trainer = make_trainer(callbacks=[SeededSteps()])

    run = trainer.validate if part == "val" else trainer.test
    (measured,) = run(model, loader(*batches), verbose=False)

    assert measured == pytest.approx({f"{part}/{name}": value for name, value in expected.items()}, rel=1e-6)
