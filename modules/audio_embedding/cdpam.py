"""CDPAM, an embedding that was trained on what listeners tell apart."""

import pickle
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its usual name)

from modules.errors import ModelError

SAMPLE_RATE = 22_050

_N_LAYERS, _N_FILTERS, _WIDTH = 16, 64, 15
_PCM = 32_768.0  # the audio that it was trained on is of 16 bits
_WEIGHTS = "CDPAM_trained/scratchJNDdefault_best_model.pth"


class CDPAMEncoder(nn.Module):
    """The encoder of CDPAM: 16 convolutions of width 15, whose every fourth doubles the channels and halves the rate.

    The names of its weights are those of the package ``cdpam``.

    Shape:
        Audio ``(n, n_samples)``, in units of 16-bit samples, to ``(n, 512)``: the acoustic half of its means over time.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = [1, *(_N_FILTERS * 2 ** ((layer + 1) // 4) for layer in range(_N_LAYERS))]
        sizes = list(pairwise(channels))
        self.encoder = nn.ModuleList(nn.Conv1d(before, n, _WIDTH, padding=_WIDTH // 2) for before, n in sizes)
        self.ebatch = nn.ModuleList(nn.BatchNorm1d(n) for _, n in sizes)

    def forward(self, audio: Tensor) -> Tensor:
        x = audio[:, None]
        for number, (convolution, norm) in enumerate(zip(self.encoder, self.ebatch, strict=True), start=1):
            x = F.leaky_relu(norm(convolution(x)), 0.1)
            if number % 4 == 0:
                x = x[:, :, ::2]
        return x.mean(dim=2).chunk(2, dim=1)[0]


class CDPAM(nn.Module):
    """The embedding of CDPAM (Manocha et al. 2021), a metric that was trained on just noticeable differences.

    An `AudioEmbedding`: one vector a clip, the acoustic half of the encoder's output at length 1, of which that metric
    compares two. Its weights come with the package ``cdpam``, which is not imported. A second of audio takes a few
    seconds on a CPU core.

    Raises:
        ModelError: ``cdpam`` is not installed, or its weights are of another model.
    """

    name = "cdpam"
    n_features = 512
    sample_rate = SAMPLE_RATE

    def __init__(self) -> None:
        super().__init__()
        with torch.device("meta"):  # the weights come from the file
            self.network = CDPAMEncoder()
        self.network.load_state_dict(_state(), assign=True)
        self.eval().requires_grad_(False)

    def frames(self, n_samples: int) -> int:
        return 1

    @torch.no_grad()
    def forward(self, audio: Tensor) -> Tensor:
        """Embeds clips; see `AudioEmbedding`."""
        if audio.ndim != 2 or not audio.is_floating_point() or not audio.numel():
            raise ModelError(f"audio is {audio.dtype} of shape {tuple(audio.shape)}; expected float, (n, n_samples).")
        if not audio.isfinite().all():
            raise ModelError("audio has NaN or infinite values; expected finite samples only.")
        vectors = torch.cat([self.network((clip.float() * _PCM).round()) for clip in audio.split(1)])
        return F.normalize(vectors, dim=1)[:, None]


def _state() -> dict[str, Tensor]:
    """Reads the weights of the encoder from the installed package.

    Raises:
        ModelError: It is not installed, or holds something else.
    """
    found = find_spec("cdpam")
    if found is None or found.origin is None:
        raise ModelError(
            "the embedding cdpam needs the package that holds its weights: pip install 'disentangle[cdpam]'."
        )
    path = Path(found.origin).parent / _WEIGHTS
    try:
        # The pickle is older than what weights_only reads, and part of a package that the user has installed.
        state = torch.load(path, map_location="cpu", weights_only=False)["state"]
        prefix = "base_encoder."
        return {name.removeprefix(prefix): values for name, values in state.items() if name.startswith(prefix)}
    except (OSError, pickle.UnpicklingError, RuntimeError, LookupError, AttributeError) as error:
        raise ModelError(f"{path} does not hold the weights of CDPAM; install cdpam 0.0.6 again.") from error
