"""Times the information metrics against scikit-learn on the same data, in one run.

Each measurement runs in a process of its own, after a warm-up on a few samples, so that the peak memory is its own and
compilation is not part of the time.
"""

import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch
from joblib.externals.loky import get_reusable_executor
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from metrics import LatentInformation
from metrics.functional import mutual_information

SEED = 42
NSYNTH_VALIDATION = 12_678
Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """The time of a call, the largest memory its process ever held, and what it gave."""

    seconds: float
    peak_megabytes: float
    values: Floats


class Setting(NamedTuple):
    """What is measured: N samples, D latents, M attributes."""

    n: int
    d: int
    m: int
    discrete: bool = False

    def data(self) -> tuple[Floats, Floats]:
        """Latents of which the first M tell of correlated attributes, and the attributes."""
        generator = np.random.default_rng(SEED)
        latents = generator.standard_normal((self.n, self.d))
        mixing = np.eye(self.m) + 0.5
        attributes = (latents[:, : self.m] + 0.5 * generator.standard_normal((self.n, self.m))) @ mixing
        return latents, np.round(2 * attributes) if self.discrete else attributes


def family(setting: Setting) -> Callable[[], None]:
    """SCC, MIG, DMIG, XMIG, DLIG and modularity, from update to compute."""
    latents, attributes = map(torch.from_numpy, setting.data())

    def compute() -> None:
        metric = LatentInformation(discrete=setting.discrete)
        metric.update(latents, attributes)
        metric.compute()

    return compute


def matrix(setting: Setting) -> Callable[[], Floats]:
    """The (D, M) matrix of mutual information alone."""
    latents, attributes = setting.data()
    return lambda: mutual_information(latents, attributes, discrete=setting.discrete).numpy()


def scikit_learn(setting: Setting, n_jobs: int) -> Callable[[], Floats]:
    """The same matrix from scikit-learn."""
    latents, attributes = setting.data()
    function = mutual_info_classif if setting.discrete else mutual_info_regression
    return lambda: np.stack([function(latents, a, random_state=SEED, n_jobs=n_jobs) for a in attributes.T], axis=1)


def scikit_learn_one_core(setting: Setting) -> Callable[[], Floats]:
    """scikit-learn as it comes."""
    return scikit_learn(setting, n_jobs=1)


def scikit_learn_all_cores(setting: Setting) -> Callable[[], Floats]:
    """scikit-learn with all cores."""
    return scikit_learn(setting, n_jobs=-1)


def _measure_here(prepare: Callable[[Setting], Callable[[], Floats | None]], setting: Setting) -> Measured:
    prepare(setting._replace(n=200, d=max(2, setting.m)))()
    call = prepare(setting)
    started = time.perf_counter()
    values = call()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    get_reusable_executor().shutdown()  # scikit-learn's workers would keep this process for minutes
    return Measured(seconds, peak, np.zeros(0) if values is None else np.asarray(values))


def measure(prepare: Callable[[Setting], Callable[[], Floats | None]], setting: Setting) -> Measured:
    """Measures a call in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_measure_here, prepare, setting).result()


def against_scikit_learn(console: Console) -> None:
    """The family against scikit-learn's time for the mutual information alone."""
    table = Table(title="Whole family, against scikit-learn's mutual information alone", title_justify="left")
    for column in ("N", "D", "M", "attributes", "seconds", "peak MB", "sklearn", "n_jobs=-1", "ratios", "max. diff."):
        table.add_column(column, justify="right", no_wrap=True)
    settings = (
        Setting(NSYNTH_VALIDATION, 512, 2),
        Setting(4_000, 32, 6),
        Setting(NSYNTH_VALIDATION, 32, 2, discrete=True),
    )
    with console.status("") as status:
        for setting in settings:
            status.update(f"N = {setting.n:,}, D = {setting.d}, M = {setting.m}: scikit-learn takes up to a minute")
            ours, ours_matrix = measure(family, setting), measure(matrix, setting)
            one, every = measure(scikit_learn_one_core, setting), measure(scikit_learn_all_cores, setting)
            table.add_row(
                f"{setting.n:,}",
                str(setting.d),
                str(setting.m),
                "discrete" if setting.discrete else "continuous",
                f"{ours.seconds:.3f}",
                f"{ours.peak_megabytes:.0f}",
                f"{one.seconds:.2f}",
                f"{every.seconds:.2f}",
                f"{one.seconds / ours.seconds:.1f}, {every.seconds / ours.seconds:.1f}",
                f"{np.abs(ours_matrix.values - one.values).max():.1e}",
            )
    console.print(table)


def growth(console: Console) -> None:
    """How the time grows with the number of samples."""
    table = Table(title="Growth with N (D = 16, M = 1)", title_justify="left")
    for column in ("N", "seconds", "ns per N·D", "ns per N·D·log2 N"):
        table.add_column(column, justify="right")
    with console.status("growth with N"):
        for n in (1_000, 4_000, 16_000, 64_000):
            seconds = measure(matrix, Setting(n, 16, 1)).seconds
            each = seconds / (n * 16) * 1e9
            table.add_row(f"{n:,}", f"{seconds:.4f}", f"{each:.0f}", f"{each / np.log2(n):.1f}")
    console.print(table)


def main() -> None:
    """Prints both tables."""
    console = Console(width=max(110, Console().width))
    console.print(f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}")
    against_scikit_learn(console)
    growth(console)


if __name__ == "__main__":
    main()
