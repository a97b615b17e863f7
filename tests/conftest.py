"""What all tests share."""

import os

import numpy as np
import pytest
import torch

os.environ.setdefault("WANDB_SILENT", "true")


def _set_threads() -> None:
    """As many as are asked for, or one: tests run in parallel processes, and more would only fight over the cores."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


_set_threads()  # what fixtures of a module or a session compute, too, whichever test comes first


@pytest.fixture(autouse=True)
def _threads():
    """Each test starts with that number, whatever the one before it did."""
    _set_threads()


@pytest.fixture(autouse=True, scope="session")
def _key_of_the_tests(tmp_path_factory):
    """What tests write is signed with a key of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(autouse=True)
def _no_wandb_service():
    """Processes that a test starts do not look for the service of W&B that a test before it had."""
    os.environ.pop("WANDB_SERVICE", None)


def _strongest_frequency(audio: np.ndarray, rate: int) -> float:
    """The peak of a zero-padded spectrum, refined by a parabola through the logarithms around it."""
    n = 4 * 2 ** int(np.ceil(np.log2(len(audio))))
    spectrum = np.log(np.abs(np.fft.rfft(audio * np.hanning(len(audio)), n)) + 1e-12)
    peak = int(spectrum[1:-1].argmax()) + 1
    left, middle, right = spectrum[peak - 1 : peak + 2]
    return float((peak + 0.5 * (left - right) / (left - 2 * middle + right)) * rate / n)


@pytest.fixture(scope="session")
def strongest_frequency():
    """Measures the frequency, in Hz, of the strongest partial."""
    return _strongest_frequency
