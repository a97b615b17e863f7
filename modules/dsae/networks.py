"""The networks of the disentangled sequential autoencoder, as Luo et al. (2022), section 5.2, name them.

FCN-[64,64] is two linear layers with tanh; biRNN-[64,64] a two-layer bidirectional LSTM whose two directions are
averaged; Gau a Gaussian head. Everywhere: B sequences, T frames, F features, and the sizes V of v and Z of z_t.
"""

import torch
from torch import Tensor, nn

from modules.gaussian import Gaussian, GaussianHead


def fcn(in_features: int, hidden: int) -> nn.Sequential:
    """FCN-[hidden, hidden]: two linear layers, each with tanh."""
    return nn.Sequential(nn.Linear(in_features, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())


class BiRNN(nn.Module):
    """biRNN-[hidden, hidden]: a two-layer bidirectional LSTM, forward and backward outputs averaged.

    Shape:
        (B, T, in_features) to (B, T, hidden).
    """

    def __init__(self, in_features: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(in_features, hidden, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, sequence: Tensor) -> Tensor:
        output, _ = self.lstm(sequence)
        return output.unflatten(-1, (2, -1)).mean(dim=-2)


class GlobalEncoder(nn.Module):
    """q(v|x_1:T): FCN-Avg-Gau, the average over time.

    Shape:
        (B, T, F) to a Gaussian of (B, V).
    """

    def __init__(self, n_features: int, hidden: int, v_dim: int) -> None:
        super().__init__()
        self.frames = fcn(n_features, hidden)
        self.head = GaussianHead(hidden, v_dim)

    def forward(self, x: Tensor) -> Gaussian:
        return self.head(self.frames(x).mean(dim=1))


class FactorisedLocalEncoder(nn.Module):
    """q(z_t|x_t), the "factorised q": FCN-Gau on each frame; v is not looked at.

    Shape:
        (B, T, F) and (B, V) to a Gaussian of (B, T, Z).
    """

    def __init__(self, n_features: int, hidden: int, v_dim: int, z_dim: int) -> None:
        super().__init__()
        self.frames = fcn(n_features, hidden)
        self.head = GaussianHead(hidden, z_dim)

    def forward(self, x: Tensor, v: Tensor) -> Gaussian:
        return self.head(self.frames(x))


class FullLocalEncoder(nn.Module):
    """q(z_t|x_1:T, v), the "full q": biRNN-Gau on the frames beside v.

    Shape:
        (B, T, F) and (B, V) to a Gaussian of (B, T, Z).
    """

    def __init__(self, n_features: int, hidden: int, v_dim: int, z_dim: int) -> None:
        super().__init__()
        self.frames = BiRNN(n_features + v_dim, hidden)
        self.head = GaussianHead(hidden, z_dim)

    def forward(self, x: Tensor, v: Tensor) -> Gaussian:
        return self.head(self.frames(beside(x, v)))


class Decoder(nn.Module):
    """The mean of p(x|z, v), whose variance is 1: a network on z beside v, and a linear layer.

    Args:
        frames: The network, from (B, T, Z + V) to (B, T, hidden). An FCN makes each frame depend on its own z_t; a
            BiRNN on all of z_1:T, the "richer decoder" of section 6.4.
        hidden: Width of its output.
        n_features: F.

    Shape:
        (B, T, Z) and (B, V) to (B, T, F).
    """

    def __init__(self, frames: nn.Module, hidden: int, n_features: int) -> None:
        super().__init__()
        self.frames = frames
        self.mean = nn.Linear(hidden, n_features)

    def forward(self, z: Tensor, v: Tensor) -> Tensor:
        return self.mean(self.frames(beside(z, v)))


class Transition(nn.Module):
    """p(z_t|z_<t): RNN-[hidden, hidden]-Gau; the first frame's prior is N(0, 1)."""

    def __init__(self, z_dim: int, hidden: int) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.lstm = nn.LSTM(z_dim, hidden, num_layers=2, batch_first=True)
        self.head = GaussianHead(hidden, z_dim)

    def forward(self, z: Tensor) -> Gaussian:
        """Returns the prior of each frame given the frames before it; (B, T, Z) to a Gaussian of (B, T, Z)."""
        output, _ = self.lstm(z)
        following = self.head(output[:, :-1])
        first = torch.zeros_like(z[:, :1])
        return Gaussian(torch.cat([first, following.mean], dim=1), torch.cat([first, following.log_variance], dim=1))

    def sample(self, n_sequences: int, n_frames: int) -> Tensor:
        """Draws sequences from the prior, frame by frame; (n_sequences, n_frames, Z)."""
        like = self.head.mean.weight
        frames = [torch.randn(n_sequences, self.z_dim, device=like.device, dtype=like.dtype)]
        state = None
        while len(frames) < n_frames:
            output, state = self.lstm(frames[-1][:, None], state)
            frames.append(self.head(output[:, 0]).sample())
        return torch.stack(frames, dim=1)


def beside(sequence: Tensor, v: Tensor) -> Tensor:
    """Concatenates v, broadcast along time, to each frame: (B, T, K) and (B, V) to (B, T, K + V)."""
    return torch.cat([sequence, v[:, None].expand(-1, sequence.shape[1], -1)], dim=-1)
