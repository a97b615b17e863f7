"""The loss, the latents and what is refused; the parts are pluggable, so most models here are two linear maps."""

import math

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.utils.data import DataLoader

from modules import ModelError
from modules.gaussian import Gaussian
from modules.vae import BetaVAE, ConvDecoder, ConvEncoder
from modules.vae.attribute_regularization import attribute_regularization

B, SIZE, D = 6, 4, 5
NAMES = ("brightness", "depth", "pitch")

# Steps are taken here without a trainer, which the model would log to.
WITHOUT_TRAINER = pytest.mark.filterwarnings(r"ignore:You are trying to `self\.log\(\)` but the `self\.trainer`")


class LinearEncoder(nn.Module):
    def __init__(self, dim: int = D) -> None:
        super().__init__()
        self.mean = nn.Linear(SIZE * SIZE, dim)
        self.log_variance = nn.Linear(SIZE * SIZE, dim)

    def forward(self, x: Tensor) -> Gaussian:
        return Gaussian(self.mean(x.flatten(1)), self.log_variance(x.flatten(1)))


class LinearDecoder(nn.Sequential):
    def __init__(self, dim: int = D) -> None:
        super().__init__(nn.Linear(dim, SIZE * SIZE), nn.Unflatten(1, (1, SIZE, SIZE)))


def linear(**settings) -> BetaVAE:
    """In double precision, so that comparisons can be tight."""
    common = {"attribute_names": NAMES, "x_shape": (1, SIZE, SIZE), "latent_dim": D}
    return BetaVAE(**(common | settings), encoder=LinearEncoder(), decoder=LinearDecoder()).double()


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def batch() -> dict[str, Tensor]:
    return {"x": randn(B, 1, SIZE, SIZE), "attributes": randn(B, len(NAMES))}


def plain_terms(model: BetaVAE, x: Tensor, attributes: Tensor, reduction: str, seed: int) -> dict[str, float]:
    """Eq. (7) of Watcharasupat & Lerch (2021), note by note."""
    q_z = model.encoder(x)
    torch.manual_seed(seed)
    z = Normal(q_z.mean, (0.5 * q_z.log_variance).exp()).rsample()
    decoded = model.decoder(z)
    kl = kl_divergence(Normal(q_z.mean, (0.5 * q_z.log_variance).exp()), Normal(0.0, 1.0))
    errors = [((decoded[b] - x[b]) ** 2).flatten().tolist() for b in range(B)]
    if reduction == "sum":
        terms = {"reconstruction": sum(0.5 * sum(note) for note in errors) / B, "kl": kl.sum().item() / B}
    else:
        n_bins = SIZE * SIZE
        terms = {"reconstruction": sum(sum(note) / n_bins for note in errors) / B, "kl": kl.sum().item() / (B * D)}
    for i, (name, dim) in enumerate(zip(NAMES, model.regularized_dims, strict=False)):
        z_r, a = z[:, dim].tolist(), attributes[:, i].tolist()
        pairs = [(z_r[j] - z_r[k], a[j] - a[k]) for j in range(B) for k in range(B)]
        signs = [(math.tanh(model.hparams["delta"] * dz), (da > 0) - (da < 0)) for dz, da in pairs]
        terms[f"regularization/{name}"] = sum(abs(tanh - sign) for tanh, sign in signs) / B**2
    return terms


# The loss


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dims", [None, [0, 1, 2], [4, 0, 2], [3], [2, 1], []])
def test_terms_are_those_of_the_equation(reduction, dims):
    model, given = linear(reduction=reduction, regularized_dims=dims, delta=1.7), batch()
    torch.manual_seed(3)

    terms = model.loss_terms(given["x"], given["attributes"])

    expected = plain_terms(model, given["x"], given["attributes"], reduction, seed=3)
    assert list(terms) == list(expected)
    assert len(terms) == 2 + (3 if dims is None else len(dims))
    for name, value in expected.items():
        assert terms[name].shape == (), name
        assert terms[name].item() == pytest.approx(value, rel=1e-10), name
    assert model.reconstruct(given["x"]).decoded.shape == given["x"].shape


def test_reduction_is_the_mean_unless_told():
    model, given = linear(), batch()
    torch.manual_seed(3)

    terms = model.loss_terms(given["x"], given["attributes"])

    expected = plain_terms(model, given["x"], given["attributes"], "mean", seed=3)
    assert terms["reconstruction"].item() == pytest.approx(expected["reconstruction"], rel=1e-10)


@WITHOUT_TRAINER
@pytest.mark.parametrize(("beta", "gamma"), [(1.0, 10.0), (0.0, 0.0), (0.3, 0.0), (0.0, 7.0), (4.0, 2.5)])
@pytest.mark.parametrize("step", ["training_step", "validation_step", "test_step"])
def test_loss_weighs_the_terms(step, beta, gamma):
    model, given = linear(beta=beta, gamma=gamma, regularized_dims=[4, 1]), batch()
    torch.manual_seed(3)

    outputs = getattr(model, step)(given, 0)

    terms = plain_terms(model, given["x"], given["attributes"], "mean", seed=3)
    regularization = terms["regularization/brightness"] + terms["regularization/depth"]
    assert outputs["loss"].item() == pytest.approx(
        terms["reconstruction"] + beta * terms["kl"] + gamma * regularization, rel=1e-10
    )
    torch.testing.assert_close(model.latent(given["x"]), model.encoder(given["x"]).mean)
    assert outputs["loss"].requires_grad


@WITHOUT_TRAINER
def test_weights_are_the_published_ones_unless_told():
    model, given = linear(), batch()
    torch.manual_seed(3)

    loss = model.training_step(given, 0)["loss"]

    terms = plain_terms(model, given["x"], given["attributes"], "mean", seed=3)
    regularization = sum(value for name, value in terms.items() if name.startswith("regularization/"))
    assert loss.item() == pytest.approx(terms["reconstruction"] + terms["kl"] + 10.0 * regularization, rel=1e-10)


@WITHOUT_TRAINER
@pytest.mark.parametrize("settings", [{"attribute_names": ()}, {"regularized_dims": []}])
def test_without_regularised_dimensions_it_is_a_plain_beta_vae(settings):
    model, given = linear(**settings, gamma=1000.0), batch()
    alone = {"x": given["x"]}
    torch.manual_seed(3)
    terms = model.loss_terms(given["x"], None)
    torch.manual_seed(3)
    loss = model.training_step(alone, 0)["loss"]
    torch.manual_seed(3)

    assert terms.keys() == {"reconstruction", "kl"}
    assert loss.item() == pytest.approx((terms["reconstruction"] + terms["kl"]).item(), rel=1e-12)
    assert torch.equal(model.training_step(given, 0)["loss"], loss)  # attributes of the data are not looked at


def test_regularisation_is_of_the_sample_and_not_of_the_mean():
    model, given = linear(regularized_dims=[2]), batch()

    torch.manual_seed(3)
    terms = model.loss_terms(given["x"], given["attributes"])

    torch.manual_seed(3)
    result = model.reconstruct(given["x"])
    of = {name: attribute_regularization(z[:, 2], given["attributes"][:, 0]) for name, z in
          {"sample": result.z, "mean": result.q_z.mean}.items()}  # fmt: skip
    assert terms["regularization/brightness"].item() == pytest.approx(of["sample"].item(), rel=1e-12)
    assert of["sample"].item() != pytest.approx(of["mean"].item(), rel=1e-3)


def test_regularisation_moves_its_own_dimension_alone():
    model, given = linear(regularized_dims=[3]), batch()

    terms = model.loss_terms(given["x"], given["attributes"])
    terms["regularization/brightness"].backward()

    moved = model.encoder.mean.weight.grad.abs().sum(dim=1) > 0
    assert moved.tolist() == [False, False, False, True, False]


# Inference


def test_reconstruction_from_the_mean_and_from_a_sample():
    model, x = linear(), randn(B, 1, SIZE, SIZE)
    q_z = model.encoder(x)

    mean = model.reconstruct(x, sample=False)
    torch.manual_seed(5)
    sampled = model.reconstruct(x)
    torch.manual_seed(5)
    noise = randn(B, D)

    assert torch.equal(mean.z, q_z.mean)
    assert torch.equal(mean.decoded, model.decoder(q_z.mean))
    torch.testing.assert_close(sampled.z, q_z.mean + (0.5 * q_z.log_variance).exp() * noise, rtol=1e-12, atol=1e-14)
    assert torch.equal(sampled.decoded, model.decode(sampled.z))


@pytest.mark.parametrize("dim", [0, 3, D - 1])
def test_traversal_moves_one_dimension_alone(dim):
    model, x, positions = linear(), randn(3, 1, SIZE, SIZE), torch.linspace(-2.0, 5.0, 7).double()

    traversed = model.traverse(x, dim, positions)

    assert traversed.shape == (3, 7, 1, SIZE, SIZE)
    for note in range(3):
        for place, position in enumerate(positions):
            z = model.encoder(x[note : note + 1]).mean.clone()
            z[0, dim] = position
            torch.testing.assert_close(traversed[note, place], model.decoder(z)[0], rtol=1e-12, atol=1e-14)


def test_traversal_through_the_mean_gives_the_reconstruction():
    model, x = linear(), randn(1, 1, SIZE, SIZE)

    traversed = model.traverse(x, 2, model.encode(x).mean[0, 2:3])

    torch.testing.assert_close(traversed[:, 0], model.reconstruct(x, sample=False).decoded, rtol=1e-12, atol=1e-14)


def test_samples_are_decoded_from_the_standard_normal():
    model = linear().float()
    torch.manual_seed(4)
    drawn = model.generate(3)
    torch.manual_seed(4)

    assert drawn.shape == (3, 1, SIZE, SIZE)
    torch.testing.assert_close(drawn, model.decoder(torch.randn(3, D)))


def test_predictions_are_the_posteriors(make_trainer):
    model, batches = linear(), [batch(), batch()]

    predictions = make_trainer().predict(model, DataLoader(batches, batch_size=None))

    for given, prediction in zip(batches, predictions, strict=True):
        q_z = model.encoder(given["x"])
        assert prediction.keys() == {"z_mean", "z_log_variance"}
        assert torch.equal(prediction["z_mean"], q_z.mean)
        assert torch.equal(prediction["z_log_variance"], q_z.log_variance)


def test_networks_are_the_published_ones_unless_others_are_given():
    model, encoder, decoder = BetaVAE(x_shape=(1, 8, 8), latent_dim=3, width=1 / 16), LinearEncoder(), LinearDecoder()

    assert isinstance(model.encoder, ConvEncoder)
    assert isinstance(model.decoder, ConvDecoder)
    assert model.reconstruct(torch.zeros(2, 1, 8, 8)).decoded.shape == (2, 1, 8, 8)
    assert model.encode(torch.zeros(2, 1, 8, 8)).mean.shape == (2, 3)
    own = BetaVAE(x_shape=(1, SIZE, SIZE), latent_dim=D, encoder=encoder, decoder=decoder)
    assert own.encoder is encoder
    assert own.decoder is decoder


@pytest.mark.parametrize("pluggable", [False, True])
def test_checkpoint_restores_the_model(tmp_path, make_trainer, pluggable):
    parts = {"encoder": LinearEncoder(), "decoder": LinearDecoder()} if pluggable else {}
    settings = {
        "attribute_names": NAMES,
        "regularized_dims": [4, 1],
        "x_shape": (1, SIZE, SIZE),
        "latent_dim": D,
        "width": 1 / 32,
    }
    model = BetaVAE(**settings, beta=0.5, gamma=3.0, **parts)
    trainer = make_trainer(max_epochs=1, default_root_dir=tmp_path)
    given = {name: value.float() for name, value in batch().items()}
    loader = DataLoader([given], batch_size=None)
    trainer.fit(model, loader, loader)
    trainer.save_checkpoint(tmp_path / "model.ckpt")

    others = {"encoder": LinearEncoder(), "decoder": LinearDecoder()} if pluggable else {}
    loaded = BetaVAE.load_from_checkpoint(tmp_path / "model.ckpt", **others)

    assert loaded.attribute_names == NAMES
    assert loaded.regularized_dims == (4, 1)
    assert (loaded.hparams["beta"], loaded.hparams["gamma"]) == (0.5, 3.0)
    x = given["x"]
    assert torch.equal(loaded.eval().encode(x).mean, model.eval().encode(x).mean)
    assert torch.equal(loaded.decode(torch.ones(1, D)), model.decode(torch.ones(1, D)))


# What is refused


@pytest.mark.parametrize("shape", [(B, 1, SIZE, 2 * SIZE), (B, 1, 8, 8), (B, 2, SIZE, SIZE), (B, SIZE, SIZE)])
def test_spectrograms_of_another_shape_are_refused(shape):
    with pytest.raises(ModelError, match=r"takes \(batch, 1, 4, 4\)\.") as error:
        linear().encode(randn(*shape))

    assert f"have shape {shape};" in str(error.value)


@pytest.mark.parametrize("shape", [(251, 80), (1, 4, 8), (2, 4, 4), ()])
def test_what_is_no_square_picture_is_refused(shape):
    with pytest.raises(ModelError, match=r"x_shape is \(.*\); choose such a representation.*LogMagnitudePicture"):
        BetaVAE(shape)


@pytest.mark.parametrize("shape", [None, (B, 2), (B, 4), (B - 1, 3), (B,)])
def test_attributes_of_another_shape_are_refused(shape):
    attributes = None if shape is None else randn(*shape)

    with pytest.raises(ModelError, match=r"takes \(batch, 3\): brightness, depth, pitch\. They must be") as error:
        linear().loss_terms(randn(B, 1, SIZE, SIZE), attributes)

    assert f"attributes have shape {shape};" in str(error.value)


@pytest.mark.parametrize("step", ["training_step", "validation_step"])
def test_data_without_attributes_are_refused(step):
    with pytest.raises(ModelError, match="attributes have shape None"):
        getattr(linear(), step)({"x": randn(B, 1, SIZE, SIZE)}, 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent_dim": 0}, r"latent_dim is 0; it must be 1 or more\."),
        ({"beta": -0.5}, r"beta is -0\.5; it must be 0 or more\."),
        ({"gamma": -1.0}, r"gamma is -1\.0; it must be 0 or more\."),
        ({"delta": -2.0}, r"delta is -2\.0; it must be 0 or more\."),
        ({"reduction": "max"}, r"reduction is 'max'; choose from mean, sum\."),
        ({"attribute_names": ["depth", "depth"]}, r"attribute_names is \['depth', 'depth'\]; expected each name once"),
        ({"regularized_dims": [1, 1]}, r"regularized_dims is \[1, 1\]; expected each dimension once\."),
        ({"regularized_dims": [0, 5]}, r"regularized_dims is \[0, 5\]; expected dimensions from 0 to 4\."),
        ({"regularized_dims": [-1]}, r"regularized_dims is \[-1\]; expected dimensions from 0 to 4\."),
        (
            {"regularized_dims": [0, 1, 2, 3]},
            r"is \[0, 1, 2, 3\], 4 dimensions for 3 attributes \(brightness, depth, pitch\); name no more",
        ),
        ({"attribute_names": [], "regularized_dims": [0]}, r"1 dimensions for 0 attributes \(none\)"),
        ({"latent_dim": 2}, r"regularized_dims is \[0, 1, 2\]; expected dimensions from 0 to 1\."),
    ],
    ids=str,
)
def test_settings_that_make_no_model_are_refused(settings, message):
    with pytest.raises(ModelError, match=message):
        linear(**settings)


def test_weights_of_zero_and_the_outermost_dimensions_are_taken():
    model = linear(beta=0.0, gamma=0.0, delta=0.0, regularized_dims=[0, D - 1])

    assert model.regularized_dims == (0, D - 1)


# Training


@pytest.mark.parametrize("dims", [[0, 1], [4, 2]])
def test_a_few_steps_bring_the_dimensions_into_the_attributes_order(make_trainer, dims):
    """The attributes are linear in the spectrogram, so they can be read off it."""
    x = torch.randn(64, 1, SIZE, SIZE)
    attributes = x.flatten(1) @ torch.randn(SIZE * SIZE, 2)
    notes = [{"x": note, "attributes": values} for note, values in zip(x, attributes, strict=True)]
    settings = {"attribute_names": NAMES[:2], "regularized_dims": dims, "x_shape": (1, SIZE, SIZE), "latent_dim": D}
    model = BetaVAE(**settings, beta=0.01, learning_rate=0.02, encoder=LinearEncoder(), decoder=LinearDecoder())

    def scores() -> tuple[list[float], list[float]]:
        torch.manual_seed(1)
        with torch.no_grad():
            terms, latents = model.loss_terms(x, attributes), model.latent(x)
        correlations = [spearmanr(latents[:, dim], attributes[:, i])[0] for i, dim in enumerate(dims)]
        return [terms[f"regularization/{name}"].item() for name in NAMES[:2]], correlations

    before, correlated_before = scores()
    loader = DataLoader(notes, batch_size=32, shuffle=True)
    make_trainer(max_epochs=40, limit_val_batches=0).fit(model, loader, loader)
    after, correlated_after = scores()

    assert max(after) < 0.5 * min(before)
    assert min(correlated_after) > 0.95
    assert max(map(abs, correlated_before)) < 0.9


def test_every_parameter_of_the_published_model_is_trained(make_trainer):
    model = BetaVAE(attribute_names=NAMES, x_shape=(1, SIZE, SIZE), latent_dim=D, width=1 / 32)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    given = {name: value.float() for name, value in batch().items()}

    loader = DataLoader([given], batch_size=None)
    make_trainer(max_epochs=3, limit_val_batches=0).fit(model, loader, loader)

    for name, parameter in model.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_learning_rate_is_adams():
    optimizer = linear(learning_rate=0.03).configure_optimizers()

    assert isinstance(optimizer, torch.optim.Adam)
    assert optimizer.param_groups[0]["lr"] == 0.03
