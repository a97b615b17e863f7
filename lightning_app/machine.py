"""What a run's numbers can depend on besides its configuration: the processor, its kernels, threads and versions."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import threadpoolctl
import torch

from datamodules.storage.cores import usable_cores
from lightning_app import __version__

_CPU_INFO = Path("/proc/cpuinfo")
# Which of its lines name the model: the first three on x86, the others on Arm.
_MODEL = ("model name", "cpu family", "model", "CPU implementer", "CPU part", "CPU variant")
_LIBRARY = ("internal_api", "prefix", "version", "architecture", "threading_layer", "num_threads")
_VARIABLES = (
    *("ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE"),
    *("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "GLIBC_TUNABLES"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"),
    "CUBLAS_WORKSPACE_CONFIG",
)
_PACKAGES = (
    *("torch", "torchaudio", "torchcrepe", "torchmetrics", "lightning", "numpy", "scipy", "scikit-learn", "numba"),
    *("soundfile", "pyfluidsynth", "wandb", "omegaconf", "jsonargparse"),
)


def machine(device: torch.device | None = None) -> dict[str, Any]:
    """Returns what explains why two machines, or two settings of one, round differently.

    Args:
        device: Device that the model is on; a GPU is named.

    Returns:
        As JSON values, the ``processor`` and how many of its ``cores`` may be used; the number of ``threads`` of torch;
        the ``kernels`` that torch and NumPy choose, and the libraries of linear algebra and threads with theirs; the
        ``environment`` variables that choose kernels and threads, where they are set; the ``versions``; the ``gpu``, or
        null; and the ``commit`` of git that is checked out where the command was started, followed by ``, changed``
        where files of it were, or null.
    """
    return {
        "processor": {"architecture": platform.machine(), **_model()},
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "kernels": {
            "torch": torch.backends.cpu.get_cpu_capability(),
            "numpy": np.show_config(mode="dicts")["SIMD Extensions"].get("found", []),
            "libraries": [
                {key: library[key] for key in _LIBRARY if key in library} for library in threadpoolctl.threadpool_info()
            ],
        },
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "versions": {
            "python": platform.python_version(),
            "disentangle": __version__,
            **{package: version(package) for package in _PACKAGES},
            "libsndfile": soundfile.__libsndfile_version__,
        },
        "gpu": torch.cuda.get_device_name(device) if device is not None and device.type == "cuda" else None,
        "commit": _commit(),
    }


def _commit() -> str | None:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + (", changed" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):  # no git, no checkout, or one without a commit
        return None


def _model() -> dict[str, str]:
    if not _CPU_INFO.is_file():
        return {"model name": platform.processor()}
    lines = (line.partition(":") for line in _CPU_INFO.read_text().splitlines())
    values = {key.strip(): value.strip() for key, _, value in lines}
    return {key: values[key] for key in _MODEL if key in values}
