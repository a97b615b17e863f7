"""The networks against the published table, and against the same layers applied one by one."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from modules import ModelError
from modules.vae import ConvDecoder, ConvEncoder
from modules.vae.batch_norm import GlobalBatchNorm2d

# (channels, time, frequency) after each block (Watcharasupat & Lerch 2021, supplement).
PUBLISHED_ENCODER = [
    (32, 512, 512),
    (64, 256, 256),
    (64, 128, 128),
    (128, 64, 64),
    (128, 32, 32),
    (256, 16, 16),
    (256, 8, 8),
    (512, 4, 4),
    (512, 2, 2),
    (512, 1, 1),
]
PUBLISHED_DECODER = [*PUBLISHED_ENCODER[-2::-1], (1, 512, 512)]
ENCODER_KERNELS = [(3, 3), *[(4, 4)] * 8, (2, 2)]
SIZES = [4, 8, 16, 32, 64, 128, 256, 512]


def on_meta(network: type[nn.Module], **settings) -> nn.Module:
    """Has shapes and no numbers: the published size costs nothing."""
    with torch.device("meta"):
        return network(**settings).eval()


def of_type(network: nn.Module, *types: type[nn.Module]) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, types)]


def outputs(network: nn.Module, x: Tensor, *types: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes that come out of modules of a type, without the batch, in the order in which they run."""
    shapes: list[tuple[int, ...]] = []
    hooks = [
        module.register_forward_hook(lambda module, given, output: shapes.append(tuple(output.shape[1:])))
        for module in of_type(network, *types)
    ]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return shapes


def test_published_encoder_block_by_block():
    encoder = on_meta(ConvEncoder)
    x = torch.zeros(1, 1, 512, 512, device="meta")

    assert outputs(encoder, x, nn.Conv2d) == PUBLISHED_ENCODER
    assert outputs(encoder, x, nn.BatchNorm2d) == PUBLISHED_ENCODER
    assert outputs(encoder, x, nn.Mish) == [*PUBLISHED_ENCODER, (512,)]
    assert outputs(encoder, x, nn.Linear) == [(512,), (512,), (512,)]
    assert [block.kernel_size for block in of_type(encoder, nn.Conv2d)] == ENCODER_KERNELS
    q_z = encoder(x)
    assert q_z.mean.shape == q_z.log_variance.shape == (1, 512)


def test_published_decoder_block_by_block():
    decoder = on_meta(ConvDecoder)
    z = torch.zeros(1, 512, device="meta")

    assert outputs(decoder, z, nn.ConvTranspose2d) == PUBLISHED_DECODER
    # The last convolution gives the spectrogram as it is.
    assert outputs(decoder, z, nn.BatchNorm2d) == PUBLISHED_DECODER[:-1]
    assert outputs(decoder, z, nn.Mish) == [(512,)] * 4 + PUBLISHED_DECODER[:-1]
    assert outputs(decoder, z, nn.Linear) == [(512,)] * 5
    assert [block.kernel_size for block in of_type(decoder, nn.ConvTranspose2d)] == ENCODER_KERNELS[::-1]
    assert decoder(z).shape == (1, 1, 512, 512)


@pytest.mark.parametrize("network", [ConvEncoder, ConvDecoder])
def test_each_block_is_convolution_batch_norm_and_mish(network):
    blocks = [block for block in on_meta(network, size=64).blocks if isinstance(block, nn.Sequential)]

    # The decoder's last convolution is not a block.
    assert len(blocks) == (7 if network is ConvEncoder else 6)
    convolution = nn.Conv2d if network is ConvEncoder else nn.ConvTranspose2d
    for block in blocks:
        assert [type(layer) for layer in block] == [convolution, GlobalBatchNorm2d, nn.Mish]


def test_linear_layers_of_the_decoder_are_three_and_two():
    decoder = on_meta(ConvDecoder, size=64, latent_dim=20)

    order: list[nn.Module] = []
    for module in of_type(decoder, nn.Linear, nn.Mish, nn.ConvTranspose2d):
        module.register_forward_hook(lambda module, given, output: order.append(module))
    decoder(torch.zeros(1, 20, device="meta"))

    head = order[: next(i for i, module in enumerate(order) if isinstance(module, nn.ConvTranspose2d))]
    kinds = "".join({nn.Linear: "L", nn.Mish: "m"}[type(module)] for module in head)
    assert kinds == "LmLmL" + "LmLm"
    sizes = [(module.in_features, module.out_features) for module in head if isinstance(module, nn.Linear)]
    assert sizes == [(20, 20), (20, 20), (20, 20), (20, 512), (512, 512)]


def unsettled(network: nn.Module) -> nn.Module:
    """In double precision, with statistics of batch normalisation that a trained network would have."""
    for norm in of_type(network.double().eval(), nn.BatchNorm2d):
        for values in (norm.running_mean, norm.weight.data, norm.bias.data):
            values.copy_(1.0 + 0.3 * torch.randn_like(values))
        norm.running_var.copy_(0.5 + torch.rand_like(norm.running_var))
    return network


def mish(x: Tensor) -> Tensor:
    return x * torch.tanh(torch.log1p(torch.exp(x)))


def normalised(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    mean, variance, scale, shift = (
        state[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(variance + 1e-5) * scale + shift


def test_encoder_is_its_layers_one_by_one():
    encoder, x = unsettled(ConvEncoder(size=8, latent_dim=5, width=1 / 16)), torch.randn(2, 1, 8, 8).double()
    state = encoder.state_dict()
    hidden = x
    for number, (stride, padding) in enumerate([(1, 1), (2, 1), (2, 1), (1, 0)]):
        weight, bias = state[f"blocks.{number}.0.weight"], state[f"blocks.{number}.0.bias"]
        hidden = functional.conv2d(hidden, weight, bias, stride=stride, padding=padding)
        hidden = mish(normalised(hidden, state, f"blocks.{number}.1"))
    assert hidden.shape == (2, 32, 1, 1)
    hidden = mish(hidden.flatten(1) @ state["hidden.0.weight"].T + state["hidden.0.bias"])

    q_z = encoder(x)

    for name, value in (("mean", q_z.mean), ("log_variance", q_z.log_variance)):
        expected = hidden @ state[f"head.{name}.weight"].T + state[f"head.{name}.bias"]
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-12)


def test_decoder_is_its_layers_one_by_one():
    decoder, z = unsettled(ConvDecoder(size=8, latent_dim=5, width=1 / 16)), torch.randn(2, 5).double()
    state = decoder.state_dict()
    linear = [name.removesuffix(".weight") for name, value in state.items() if "layers" in name and value.ndim == 2]
    hidden = z
    for name, activated in zip(linear, (True, True, False, True, True), strict=True):
        hidden = hidden @ state[f"{name}.weight"].T + state[f"{name}.bias"]
        hidden = mish(hidden) if activated else hidden
    hidden = hidden[:, :, None, None]
    for number, (stride, padding) in enumerate([(1, 0), (2, 1), (2, 1)]):
        weight, bias = state[f"blocks.{number}.0.weight"], state[f"blocks.{number}.0.bias"]
        hidden = functional.conv_transpose2d(hidden, weight, bias, stride=stride, padding=padding)
        hidden = mish(normalised(hidden, state, f"blocks.{number}.1"))
    expected = functional.conv_transpose2d(hidden, state["blocks.3.weight"], state["blocks.3.bias"], padding=1)

    torch.testing.assert_close(decoder(z), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("width", "first", "last"), [(0.125, 4, 64), (0.5, 16, 256), (2.0, 64, 1024), (0.001, 1, 1)])
def test_width_scales_all_channels(width, first, last):
    encoder, decoder = (on_meta(network, width=width) for network in (ConvEncoder, ConvDecoder))

    channels = [layer.out_channels for layer in of_type(encoder, nn.Conv2d)]
    assert channels == [max(1, round(width * published)) for published, _, _ in PUBLISHED_ENCODER]
    assert (channels[0], channels[-1]) == (first, last)
    assert [layer.in_channels for layer in of_type(decoder, nn.ConvTranspose2d)] == channels[::-1]
    assert of_type(decoder, nn.ConvTranspose2d)[-1].out_channels == 1


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_brought_to_one_and_back(size):
    encoder = on_meta(ConvEncoder, size=size, latent_dim=7, width=0.25)
    decoder = on_meta(ConvDecoder, size=size, latent_dim=7, width=0.25)
    x = torch.zeros(3, 1, size, size, device="meta")

    q_z = encoder(x)

    assert q_z.mean.shape == q_z.log_variance.shape == (3, 7)
    assert decoder(q_z.mean).shape == x.shape
    sides = [side for _, side, _ in outputs(encoder, x, nn.Conv2d)]
    assert sides == [size >> halving for halving in range(size.bit_length())]
    # The last block has 512 channels at any size, those before it are the published ones from the start.
    channels = [channel for channel, _, _ in outputs(encoder, x, nn.Conv2d)]
    assert channels == [value // 4 for value, _, _ in PUBLISHED_ENCODER[: len(sides) - 1]] + [128]


@pytest.mark.parametrize("network", [ConvEncoder, ConvDecoder])
@pytest.mark.parametrize("size", [-4, 0, 1, 2, 3, 6, 100, 511, 513, 1024])
def test_sizes_that_do_not_halve_to_one_are_refused(network, size):
    with pytest.raises(
        ModelError, match=rf"the spectrogram has the size {size}; it must be a power of two from 4 to 512\."
    ):
        network(size=size)


@pytest.mark.parametrize("network", [ConvEncoder, ConvDecoder])
@pytest.mark.parametrize("width", [0.0, -1.0])
def test_widths_of_zero_or_less_are_refused(network, width):
    with pytest.raises(ModelError, match=rf"width is {width}; it must be greater than 0\."):
        network(size=8, width=width)


def test_training_reaches_every_parameter():
    encoder, decoder = ConvEncoder(8, 5, 1 / 16), ConvDecoder(8, 5, 1 / 16)

    q_z = encoder(torch.randn(4, 1, 8, 8))
    decoder(q_z.sample()).square().sum().backward()

    for name, parameter in [*encoder.named_parameters(), *decoder.named_parameters()]:
        assert parameter.grad is not None, name
        # A shift before batch normalisation has none.
        if not name.endswith(".0.bias") or "blocks" not in name:
            assert parameter.grad.abs().max() > 0, name
