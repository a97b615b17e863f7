import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from modules import ModelError
from modules.dsae import DSAE, Stage

B, T, F, V, Z = 4, 5, 3, 2, 4  # the sizes of `make_dsae`


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def loader(*batches: Tensor) -> DataLoader:
    return DataLoader([{"x": x} for x in batches], batch_size=None)


@pytest.mark.parametrize("name", ["v_dim", "z_dim", "hidden_dim", "transition_dim"])
@pytest.mark.parametrize("size", [0, -2])
def test_sizes_below_one_are_refused(name, size):
    with pytest.raises(ModelError, match=rf"{name} is {size}; it must be 1 or more"):
        DSAE((T, F), **{name: size})


@pytest.mark.parametrize("shape", [(1, 5, 3), (5,), (), (5, 0)])
def test_what_is_no_sequence_of_frames_is_refused(shape):
    with pytest.raises(ModelError, match=r"x_shape is \(.*\); choose such a representation.*LogMelSequence"):
        DSAE(shape)


# Inference


@pytest.mark.parametrize("shape", [(B, T, F + 1), (B, F), (F,), (1, B, T, F)])
def test_sequences_of_another_shape_are_refused(make_dsae, shape):
    with pytest.raises(ModelError, match=r"have shape \([\d, ]+\).*takes \(batch, frames, 3\)") as error:
        make_dsae().encode(randn(*shape))

    assert str(shape) in str(error.value)


@pytest.mark.parametrize("posterior", ["factorised", "full"])
def test_latents_are_sampled_v_first_and_z_given_it(make_dsae, posterior):
    model, x = make_dsae(posterior=posterior), randn(B, T, F)
    torch.manual_seed(4)
    encoding = model.encode(x)
    torch.manual_seed(4)
    noise_v, noise_z = randn(B, V), randn(B, T, Z)

    q_v = model.global_encoder(x)
    v = q_v.mean + torch.exp(0.5 * q_v.log_variance) * noise_v
    q_z = model.local_encoder(x, v)
    z = q_z.mean + torch.exp(0.5 * q_z.log_variance) * noise_z

    assert torch.equal(encoding.q_v.mean, q_v.mean)
    assert torch.equal(encoding.q_z.log_variance, q_z.log_variance)
    torch.testing.assert_close((encoding.v, encoding.z), (v, z), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("posterior", ["factorised", "full"])
def test_latents_are_the_means_on_request(make_dsae, posterior):
    model, x = make_dsae(posterior=posterior), randn(B, T, F)

    first, second = model.encode(x, sample=False), model.encode(x, sample=False)

    assert torch.equal(first.v, model.global_encoder(x).mean)
    assert torch.equal(first.z, model.local_encoder(x, first.v).mean)
    assert torch.equal(first.z, second.z)


@pytest.mark.parametrize(("posterior", "decoder"), [("factorised", "frame"), ("full", "sequence")])
def test_swaps_decode_the_means_of_both_sequences(make_dsae, posterior, decoder):
    model, source, target = make_dsae(posterior=posterior, decoder=decoder), randn(B, T, F), randn(B, T, F)
    source_v, target_v = model.global_encoder(source).mean, model.global_encoder(target).mean
    source_z = model.local_encoder(source, source_v).mean
    target_z = model.local_encoder(target, target_v).mean

    swap = model.swap(source, target)

    assert torch.equal(swap.reconstruction, model.decode(source_z, source_v))
    assert torch.equal(swap.global_swap, model.decode(source_z, target_v))
    assert torch.equal(swap.local_swap, model.decode(target_z, source_v))


def test_swapping_a_sequence_with_itself_reconstructs_it(make_dsae):
    x = randn(B, T, F)
    swap = make_dsae().swap(x, x)

    assert torch.equal(swap.global_swap, swap.reconstruction)
    assert torch.equal(swap.local_swap, swap.reconstruction)


@pytest.mark.parametrize("posterior", ["factorised", "full"])
def test_predictions_are_the_posteriors_of_the_means(make_dsae, make_trainer, posterior):
    model, batches = make_dsae(posterior=posterior), [randn(B, T, F), randn(2, T, F)]

    predictions = make_trainer().predict(model, loader(*batches))

    for x, prediction in zip(batches, predictions, strict=True):
        encoding = model.encode(x, sample=False)
        assert prediction.keys() == {"v_mean", "v_log_variance", "z_mean", "z_log_variance"}
        assert torch.equal(prediction["v_mean"], encoding.q_v.mean)
        assert torch.equal(prediction["v_log_variance"], encoding.q_v.log_variance)
        assert torch.equal(prediction["z_mean"], encoding.q_z.mean)
        assert torch.equal(prediction["z_log_variance"], encoding.q_z.log_variance)


# Generation


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("decoder", ["frame", "sequence"])
def test_generated_sequences_have_the_shape_asked_for_and_repeat_with_the_generator(make_dsae, stage, decoder):
    model, reference = make_dsae(stage, decoder=decoder), randn(3, T, F)
    torch.manual_seed(6)
    first, second = (model.generate(3, n_frames=7, reference=reference) for _ in range(2))
    torch.manual_seed(6)

    assert first.shape == (3, 7, F)
    assert torch.equal(model.generate(3, n_frames=7, reference=reference), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("stage", Stage)
def test_sequences_are_generated_from_the_prior_of_the_stage(make_dsae, stage):
    model, reference = make_dsae(stage).float(), torch.randn(3, T, F)
    torch.manual_seed(6)
    generated = model.generate(3, n_frames=7, reference=reference)
    torch.manual_seed(6)

    v = torch.randn(3, V)
    if stage is Stage.INFORMED_PRIOR:  # the snapshot's posterior; the global encoder itself has moved on
        prior = model.prior_encoder(reference)
        assert not torch.allclose(prior.mean, model.global_encoder(reference).mean, atol=1e-2)
        v = prior.mean + torch.exp(0.5 * prior.log_variance) * v

    torch.testing.assert_close(generated, model.decode(model.transition.sample(3, 7), v), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n_references", [None, 2, 4])
def test_informed_prior_needs_a_reference_for_each_sequence(make_dsae, n_references):
    model = make_dsae(Stage.INFORMED_PRIOR)
    assert model.needs_reference
    assert not make_dsae(Stage.JOINT).needs_reference
    reference = None if n_references is None else randn(n_references, T, F)

    with pytest.raises(ModelError, match=r"as many reference sequences as are asked for \(3\)"):
        model.generate(3, n_frames=T, reference=reference)


# Training


@pytest.mark.parametrize("stage", [Stage.JOINT, Stage.INFORMED_PRIOR])
@pytest.mark.parametrize("posterior", ["factorised", "full"])
def test_every_parameter_but_the_snapshots_is_trained(make_dsae, make_trainer, stage, posterior):
    model = make_dsae(stage, posterior=posterior)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}

    batches = loader(*(randn(B, T, F) for _ in range(3)))
    make_trainer(max_epochs=1, limit_val_batches=0).fit(model, batches, batches)

    for name, parameter in model.named_parameters():
        is_snapshot = name.startswith("prior_encoder.")
        assert torch.equal(parameter, before[name]) == is_snapshot, name
        assert (parameter.grad is None) == is_snapshot, name


def test_a_snapshot_is_a_copy_that_no_longer_follows(make_dsae):
    model, x = make_dsae(), randn(B, T, F)
    model.take_snapshot()
    then = model.global_encoder(x).mean
    with torch.no_grad():
        model.global_encoder.head.mean.bias += 1.0

    assert torch.equal(model.prior_encoder(x).mean, then)
    assert not any(parameter.requires_grad for parameter in model.prior_encoder.parameters())


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("decoder", ["frame", "sequence"])
@pytest.mark.parametrize("posterior", ["factorised", "full"])
def test_every_model_overfits_a_small_batch(make_dsae, posterior, decoder, reduction):
    model = make_dsae(posterior=posterior, decoder=decoder, reduction=reduction, hidden_dim=12, learning_rate=1e-2)
    # Levels that differ from sequence to sequence are for v to learn, and what differs from frame to frame for z.
    x, optimizer, losses = 4.0 * randn(B, 1, F) + randn(B, T, F), model.configure_optimizers(), []

    while len(losses) < 1000 and (len(losses) < 10 or sum(losses[-10:]) / 10 > 0.4 * losses[0]):
        loss = sum(model.loss_terms(x).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert len(losses) < 1000  # it stopped because the loss had fallen
