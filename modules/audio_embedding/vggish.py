"""VGGish, the embedding that Fréchet audio distance was defined on."""

import math
import pickle
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from modules.errors import ModelError

WEIGHTS_URL = "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth"
SAMPLE_RATE = 16_000
N_MELS = 64
N_FRAMES = 96  # of a patch, 0.96 s

_WINDOW, _HOP, _N_FFT = 400, 160, 512  # samples: 25 ms, 10 ms
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7500.0
_LOG_OFFSET = 0.01
MIN_SAMPLES = (N_FRAMES - 1) * _HOP + _WINDOW  # of one patch


class VGGishLogMel(nn.Module):
    """The log-mel patches that VGGish was trained on.

    Magnitudes of a spectrum of 512 frequencies (25 ms Hann windows every 10 ms, none before the first sample), 64
    triangular bands from 125 to 7500 Hz whose slopes are straight on the HTK mel scale, and log(x + 0.01).

    Shape:
        Mono audio ``(n, n_samples)`` at 16 kHz to ``(n, patches, 96, 64)``. Patches do not overlap; a rest shorter
        than 0.96 s is dropped.
    """

    window: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(_WINDOW), persistent=False)
        self.register_buffer("bands", _mel_bands(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        frames = audio.unfold(1, _WINDOW, _HOP)
        frames = frames[:, : frames.shape[1] // N_FRAMES * N_FRAMES]
        magnitudes = torch.fft.rfft(frames * self.window, n=_N_FFT).abs()
        log_mel = torch.log(magnitudes @ self.bands + _LOG_OFFSET)
        return log_mel.view(len(audio), -1, N_FRAMES, N_MELS)


class VGGishNetwork(nn.Module):
    """The network of VGGish: VGG's configuration A without its last group, on one channel (Hershey et al. 2017).

    Convolutions of 64, 128, 256, 256, 512 and 512 channels, each of 3 × 3 with a ReLU; after the first, the second,
    the fourth and the sixth the largest of 2 × 2; then layers of 4096, 4096 and 128 units, a ReLU between them. The
    names of its weights are those of the common PyTorch port.

    Shape:
        Log-mel patches ``(n, 96, 64)`` to ``(n, 128)``, before any activation.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_before = 1
        for group in ((64,), (128,), (256, 256), (512, 512)):
            for n_channels in group:
                layers += [nn.Conv2d(n_before, n_channels, kernel_size=3, padding=1), nn.ReLU()]
                n_before = n_channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        n_pooled = (N_FRAMES // 16) * (N_MELS // 16) * n_before
        self.embeddings = nn.Sequential(
            nn.Linear(n_pooled, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 128)
        )

    def forward(self, patches: Tensor) -> Tensor:
        pooled = self.features(patches[:, None])
        return self.embeddings(pooled.movedim(1, -1).flatten(1))  # channels last, as in the weights


class VGGish(nn.Module):
    """The embedding by VGGish (Hershey et al. 2017) of each 0.96 s, on which FAD was defined (Kilgour et al. 2019).

    An `AudioEmbedding`: the output of its last layer, without an activation and without the principal components and
    the quantisation of AudioSet's published features. Move it to a device as any module, but make it no part of a
    model, whose checkpoints its 288 MB would join.

    Args:
        weights: A file of the state of `VGGishNetwork`; with None the common port's, which is downloaded once to
            torch's hub folder.
        batch_size: Patches that the network takes at a time, about 10 MB for each.

    Raises:
        ModelError: There is no such file, it is of another model, or it cannot be downloaded.
    """

    name = "vggish"
    n_features = 128
    sample_rate = SAMPLE_RATE

    def __init__(self, weights: Path | str | None = None, *, batch_size: int = 32) -> None:
        super().__init__()
        if batch_size < 1:
            raise ModelError(f"batch_size is {batch_size}; expected 1 or more.")
        self.batch_size = batch_size
        self.log_mel = VGGishLogMel()
        with torch.device("meta"):  # the weights come from the file
            self.network = VGGishNetwork()
        state = _downloaded() if weights is None else _read(Path(weights))
        self.network.load_state_dict(state, assign=True)
        self.eval().requires_grad_(False)

    def frames(self, n_samples: int) -> int:
        return (1 + (n_samples - _WINDOW) // _HOP) // N_FRAMES

    @torch.no_grad()
    def forward(self, audio: Tensor) -> Tensor:
        """Embeds clips; see `AudioEmbedding`."""
        if audio.ndim != 2 or not audio.is_floating_point() or not len(audio) or audio.shape[1] < MIN_SAMPLES:
            raise ModelError(
                f"audio is {audio.dtype} of shape {tuple(audio.shape)}; expected float, (n, n_samples), with "
                f"{MIN_SAMPLES} samples or more: VGGish embeds patches of {N_FRAMES / 100} s."
            )
        if not audio.isfinite().all():
            raise ModelError("audio has NaN or infinite values; expected finite samples only.")
        patches = self.log_mel(audio.float())
        vectors = [self.network(batch) for batch in patches.flatten(0, 1).split(self.batch_size)]
        return torch.cat(vectors).view(*patches.shape[:2], self.n_features)


def _mel_bands() -> Tensor:
    """Weights of the frequencies in each band, of shape (257, 64)."""
    hz = torch.linspace(0.0, SAMPLE_RATE / 2, _N_FFT // 2 + 1, dtype=torch.float64)
    mel = 1127.0 * torch.log1p(hz / 700.0)
    lowest, highest = (1127.0 * math.log1p(edge / 700.0) for edge in (_LOWEST_HZ, _HIGHEST_HZ))
    edges = torch.linspace(lowest, highest, N_MELS + 2, dtype=torch.float64)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (mel[:, None] - left) / (centre - left)
    falling = (right - mel[:, None]) / (right - centre)
    return torch.minimum(rising, falling).clamp(min=0.0).float()


def _read(weights: Path) -> dict[str, Tensor]:
    """Reads the weights from a file, and checks whose they are.

    Raises:
        ModelError: There is no such file, or it is of another model.
    """
    if not weights.is_file():
        raise ModelError(f"no file {weights}; correct the path of VGGish's weights, or leave it out to download them.")
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(_of_another_model(weights, "it is no file of weights")) from error
    with torch.device("meta"):
        expected = {name: tuple(values.shape) for name, values in VGGishNetwork().state_dict().items()}
    if not isinstance(state, dict) or not all(isinstance(values, Tensor) for values in state.values()):
        raise ModelError(_of_another_model(weights, "it holds no dict of tensors"))
    found = {name: tuple(values.shape) for name, values in state.items()}
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            difference = f"{name} is {found.get(name, 'missing')} and not {expected.get(name, 'part of it')}"
            raise ModelError(_of_another_model(weights, difference))
    return {name: values.float() for name, values in state.items()}


def _of_another_model(weights: Path, why: str) -> str:
    return (
        f"{weights} does not hold the weights of VGGish: {why}. Replace it with the file from {WEIGHTS_URL}, or give "
        "the path of that."
    )


def _downloaded() -> dict[str, Tensor]:
    """Downloads the weights the first time.

    Raises:
        ModelError: There is no way to the network, or what came is something else.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / WEIGHTS_URL.rpartition("/")[2]
    if not path.is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(WEIGHTS_URL, str(path), progress=False)
        except OSError as error:
            raise ModelError(
                f"VGGish's weights are not in {path} and cannot be downloaded ({error}). Download {WEIGHTS_URL} where "
                "there is a network, and put it there or give its path as weights."
            ) from error
    return _read(path)
