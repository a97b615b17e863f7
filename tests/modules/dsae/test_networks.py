from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from modules.dsae import networks

B, T, F, V, Z, HIDDEN = 2, 5, 3, 2, 4, 6
DECODERS = {"frame": networks.fcn, "sequence": networks.BiRNN}


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def depended_on(network: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
    """Which frame (row) of the output, (1, T, ...), moves with which column of ``given``, by autograd.

    The columns are the frames of a sequence, (1, T, ...), or the dimensions of a v, (1, V).
    """
    given = given.clone().requires_grad_()
    rows = []
    for frame in network(given)[0]:
        # One backward pass for all features: a random combination of them depends on whatever any of them does.
        (derivative,) = torch.autograd.grad((frame * torch.randn_like(frame)).sum(), given, retain_graph=True)
        rows.append(derivative[0].reshape(given.shape[1], -1).abs().sum(dim=1) > 0.0)
    return torch.stack(rows)


def slow_lstm(frames: list[Tensor], weights: list[Tensor]) -> list[Tensor]:
    """One LSTM layer in one direction over vectors, gate by gate (Hochreiter & Schmidhuber 1997)."""
    from_input, from_hidden, input_bias, hidden_bias = weights
    hidden = cell = torch.zeros(from_hidden.shape[1], dtype=from_hidden.dtype)
    outputs = []
    for frame in frames:
        gates = from_input @ frame + input_bias + from_hidden @ hidden + hidden_bias
        admit, forget, content, expose = gates.chunk(4)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(admit) * torch.tanh(content)
        hidden = torch.sigmoid(expose) * torch.tanh(cell)
        outputs.append(hidden)
    return outputs


def lstm_weights(lstm: nn.LSTM, layer: int, direction: str = "") -> list[Tensor]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return [getattr(lstm, f"{name}_l{layer}{direction}") for name in names]


def test_fcn_is_two_layers_of_tanh():
    network, x = networks.fcn(F, HIDDEN).double(), randn(F)
    first, _, second, _ = network

    expected = torch.tanh(second.weight @ torch.tanh(first.weight @ x + first.bias) + second.bias)

    assert [parameter.shape[0] for parameter in network.parameters()] == [HIDDEN] * 4
    torch.testing.assert_close(network(x), expected, rtol=1e-12, atol=1e-14)


def test_birnn_averages_forward_and_backward_outputs():
    network, sequences = networks.BiRNN(F, HIDDEN).double(), randn(B, T, F)

    outputs = network(sequences)

    for sequence, output in zip(sequences, outputs, strict=True):
        layer_input = list(sequence)
        for layer in range(2):
            forward = slow_lstm(layer_input, lstm_weights(network.lstm, layer))
            backward = slow_lstm(layer_input[::-1], lstm_weights(network.lstm, layer, "_reverse"))[::-1]
            layer_input = [torch.cat(pair) for pair in zip(forward, backward, strict=True)]
        expected = torch.stack([0.5 * (one + other) for one, other in zip(forward, backward, strict=True)])
        torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-14)


def test_global_encoder_averages_frames_before_its_head():
    encoder, x = networks.GlobalEncoder(F, HIDDEN, V).double(), randn(B, T, F)

    q_v = encoder(x)

    assert q_v.mean.shape == q_v.log_variance.shape == (B, V)
    for b in range(B):
        features = sum(encoder.frames(x[b, t]) for t in range(T)) / T
        torch.testing.assert_close(q_v.mean[b], encoder.head.mean(features), rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(q_v.log_variance[b], encoder.head.log_variance(features), rtol=1e-12, atol=1e-14)


def test_global_encoder_sees_every_frame_but_not_their_order():
    encoder, x = networks.GlobalEncoder(F, HIDDEN, V).double(), randn(1, T, F)

    torch.testing.assert_close(encoder(x.flip(1)).mean, encoder(x).mean, rtol=1e-12, atol=1e-14)
    assert depended_on(lambda x: encoder(x).mean[:, None], x).all()


@pytest.mark.parametrize("encoder_type", [networks.FactorisedLocalEncoder, networks.FullLocalEncoder])
def test_local_posteriors_have_a_gaussian_for_each_frame(encoder_type):
    q_z = encoder_type(F, HIDDEN, V, Z)(torch.randn(B, T, F), torch.randn(B, V))

    assert q_z.mean.shape == q_z.log_variance.shape == (B, T, Z)


@pytest.mark.parametrize("parameter", ["mean", "log_variance"])
def test_factorised_posterior_of_a_frame_depends_on_that_frame_alone(parameter):
    encoder, x, v = networks.FactorisedLocalEncoder(F, HIDDEN, V, Z).double(), randn(1, T, F), randn(1, V)

    assert torch.equal(depended_on(lambda x: getattr(encoder(x, v), parameter), x), torch.eye(T).bool())
    assert torch.equal(getattr(encoder(x, v), parameter), getattr(encoder(x, randn(1, V)), parameter))


@pytest.mark.parametrize("parameter", ["mean", "log_variance"])
def test_full_posterior_of_a_frame_depends_on_all_frames_and_v(parameter):
    encoder, x, v = networks.FullLocalEncoder(F, HIDDEN, V, Z).double(), randn(1, T, F), randn(1, V)

    assert depended_on(lambda x: getattr(encoder(x, v), parameter), x).all()
    assert depended_on(lambda v: getattr(encoder(x, v), parameter), v).all()


@pytest.mark.parametrize(("decoder", "reach"), [("frame", torch.eye(T)), ("sequence", torch.ones(T, T))])
def test_reach_of_decoders(decoder, reach):
    network = networks.Decoder(DECODERS[decoder](Z + V, HIDDEN), HIDDEN, F).double()
    z, v = randn(1, T, Z), randn(1, V)

    assert network(z, v).shape == (1, T, F)
    assert torch.equal(depended_on(lambda z: network(z, v), z), reach.bool())
    assert depended_on(lambda v: network(z, v), v).all()


@pytest.mark.parametrize("decoder", DECODERS)
def test_sequences_of_a_batch_are_decoded_on_their_own(decoder):
    network = networks.Decoder(DECODERS[decoder](Z + V, HIDDEN), HIDDEN, F).double()
    z, v = randn(B, T, Z), randn(B, V)

    alone = torch.cat([network(z[b : b + 1], v[b : b + 1]) for b in range(B)])

    torch.testing.assert_close(network(z, v), alone, rtol=1e-12, atol=1e-14)


def test_transition_prior_is_a_two_layer_lstm_one_frame_behind():
    transition, z = networks.Transition(Z, HIDDEN).double(), randn(B, T, Z)

    prior = transition(z)

    assert (prior.mean[:, 0] == 0.0).all()
    assert (prior.log_variance[:, 0] == 0.0).all()
    for b in range(B):
        outputs = list(z[b])
        for layer in range(2):
            outputs = slow_lstm(outputs, lstm_weights(transition.lstm, layer))
        for t in range(1, T):
            expected = transition.head(outputs[t - 1])
            torch.testing.assert_close(prior.mean[b, t], expected.mean, rtol=1e-12, atol=1e-14)
            torch.testing.assert_close(prior.log_variance[b, t], expected.log_variance, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("parameter", ["mean", "log_variance"])
def test_transition_prior_of_a_frame_depends_on_all_frames_before_it(parameter):
    transition, z = networks.Transition(Z, HIDDEN).double(), randn(1, T, Z)

    earlier = torch.ones(T, T).tril(diagonal=-1).bool()
    assert torch.equal(depended_on(lambda z: getattr(transition(z), parameter), z), earlier)


def test_transition_prior_of_a_single_frame_is_the_standard_normal():
    prior = networks.Transition(Z, HIDDEN)(torch.randn(B, 1, Z))

    assert torch.equal(prior.mean, torch.zeros(B, 1, Z))
    assert torch.equal(prior.log_variance, torch.zeros(B, 1, Z))


def test_sequences_sampled_from_the_transition_follow_its_prior():
    transition = networks.Transition(Z, HIDDEN).double()
    torch.manual_seed(8)
    z = transition.sample(B, T)
    torch.manual_seed(8)
    noise = [randn(B, Z) for _ in range(T)]

    # Teacher-forced: the prior of each frame, given what was sampled before it, and the same noise give that frame.
    prior = transition(z)

    for t in range(T):
        frame = prior.mean[:, t] + torch.exp(0.5 * prior.log_variance[:, t]) * noise[t]
        torch.testing.assert_close(z[:, t], frame, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("n_sequences", "n_frames"), [(1, 1), (3, 1), (2, 7)])
def test_shape_and_type_of_sampled_sequences(n_sequences, n_frames):
    z = networks.Transition(Z, HIDDEN).double().sample(n_sequences, n_frames)

    assert z.shape == (n_sequences, n_frames, Z)
    assert z.dtype == torch.float64


def test_beside_repeats_v_along_time():
    sequence, v = randn(B, T, 3), randn(B, V)

    joined = networks.beside(sequence, v)

    assert joined.shape == (B, T, 3 + V)
    for b in range(B):
        for t in range(T):
            assert torch.equal(joined[b, t], torch.cat([sequence[b, t], v[b]]))
