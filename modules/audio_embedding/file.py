"""Embeddings of the user's own, from a file."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.errors import ModelError

TORCHSCRIPT = (".pt", ".ts")
ONNX = ".onnx"
SUFFIXES = (*TORCHSCRIPT, ONNX)
RATE_KEY = "sample_rate"
"""Name of the extra file of TorchScript, or the key of ONNX's metadata, that tells the sample rate in Hz."""


class FileEmbedding:
    """An embedding from a TorchScript file (``.pt``, ``.ts``) or an ONNX file (``.onnx``).

    An `AudioEmbedding`. The network takes mono audio, float32 of shape (n, n_samples), to (n, D), one vector a clip, or
    to (n, frames, D). The file tells the sample rate that it wants::

        torch.jit.save(network, "mine.pt", _extra_files={"sample_rate": "16000"})

        entry = onnx_model.metadata_props.add()
        entry.key, entry.value = "sample_rate", "16000"

    TorchScript runs on the device that it is given, ONNX on the CPU.

    Args:
        path: The file; its name without the ending is that of the embedding.
        n_samples: Length of the clips that it will be given: it is tried on as much silence, by default on a second.
        device: Device of the audio.

    Raises:
        ModelError: There is no such file, it is of another kind, does not tell the rate, or makes something else of
            silence; or ``onnxruntime`` is not installed.
    """

    def __init__(self, path: Path, n_samples: int | None = None, device: torch.device | str = "cpu") -> None:
        self.path = path
        self.name = path.stem
        if not path.is_file():
            raise ModelError(f"no file {path}; correct the path of the embedding.")
        self._network, rate = _onnx(path) if path.suffix.lower() == ONNX else _torchscript(path, torch.device(device))
        self.sample_rate = _whole_rate(path, rate)
        self._device = torch.device(device)
        self.n_features = 0  # not yet known
        self.n_features = self(self._silence(n_samples or self.sample_rate)).shape[2]

    def frames(self, n_samples: int) -> int:
        return self(self._silence(n_samples)).shape[1]

    def _silence(self, n_samples: int) -> Tensor:
        return torch.zeros(1, n_samples, device=self._device)

    @torch.no_grad()
    def __call__(self, audio: Tensor) -> Tensor:
        """Embeds clips; see `AudioEmbedding`."""
        if audio.ndim != 2 or not audio.is_floating_point() or not audio.numel():
            raise ModelError(f"audio is {audio.dtype} of shape {tuple(audio.shape)}; expected float, (n, n_samples).")
        if not audio.isfinite().all():
            raise ModelError("audio has NaN or infinite values; expected finite samples only.")
        try:
            vectors = self._network(audio.float())
        except Exception as error:  # whatever the network of another has in it
            said = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise ModelError(
                f"{self.path} cannot embed audio of shape {tuple(audio.shape)} ({said[0]}); it has to take float32 "
                "(n, n_samples), of any n."
            ) from error
        if not isinstance(vectors, Tensor) or vectors.ndim not in (2, 3) or len(vectors) != len(audio):
            made = f"shape {tuple(vectors.shape)}" if isinstance(vectors, Tensor) else type(vectors).__name__
            raise ModelError(
                f"{self.path} makes {made} of audio of shape {tuple(audio.shape)}; expected (n, D) or (n, frames, D)."
            )
        vectors = vectors.float().view(len(audio), -1, vectors.shape[-1])
        if not vectors.numel() or self.n_features not in (0, vectors.shape[2]) or not vectors.isfinite().all():
            expected = f"finite vectors of {self.n_features} values" if self.n_features else "one finite vector or more"
            raise ModelError(
                f"{self.path} makes {tuple(vectors.shape)} of audio of shape {tuple(audio.shape)}, with NaN or "
                f"infinity or of another size; expected {expected}."
            )
        return vectors


Network = Callable[[Tensor], Any]


def _torchscript(path: Path, device: torch.device) -> tuple[Network, str]:
    """Loads a network and what it says of its rate.

    Raises:
        ModelError: The file is of another kind.
    """
    extra: dict[str, Any] = {RATE_KEY: ""}
    try:
        network = torch.jit.load(str(path), map_location=device, _extra_files=extra)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{path} is no TorchScript file; make it with torch.jit.save, not with torch.save, or name an ONNX file "
            f"{ONNX}."
        ) from error
    rate = extra[RATE_KEY]
    return network.eval(), rate.decode() if isinstance(rate, bytes) else rate


def _onnx(path: Path) -> tuple[Network, str]:
    """Loads a network and what it says of its rate.

    Raises:
        ModelError: The file is of another kind, or has several inputs, or onnxruntime is not installed.
    """
    if find_spec("onnxruntime") is None:
        raise ModelError(f"{path} needs onnxruntime, which is not installed: pip install 'disentangle[onnx]'.")
    import onnxruntime  # takes half a second

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised, and need not be printed too
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's have no class in common
        raise ModelError(f"{path} is no ONNX file that onnxruntime {onnxruntime.__version__} can read.") from error
    if len(session.get_inputs()) != 1:
        names = ", ".join(one.name for one in session.get_inputs())
        raise ModelError(f"{path} has the inputs {names}; expected one, the audio.")
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name

    def network(audio: Tensor) -> Tensor:
        made = session.run([output], {name: np.ascontiguousarray(audio.cpu().numpy())})[0]
        return torch.from_numpy(made).to(audio.device)

    return network, session.get_modelmeta().custom_metadata_map.get(RATE_KEY, "")


def _whole_rate(path: Path, rate: str) -> int:
    """Reads the sample rate.

    Raises:
        ModelError: It is none.
    """
    if rate.strip().isdecimal() and int(rate) > 0:
        return int(rate)
    how = (
        "add it to its metadata_props"
        if path.suffix.lower() == ONNX
        else "give _extra_files={'sample_rate': '16000'} to torch.jit.save"
    )
    raise ModelError(f"{path} does not tell its sample rate in Hz ({RATE_KEY} is {rate!r}); {how}.")
