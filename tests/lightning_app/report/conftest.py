"""Real runs to report, made once."""

import re
import shutil
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.commands.report import report

CONFIGS = Path(__file__).parents[3] / "configs"


def _make(config: str, root: Path, *options: str) -> Path:
    common = ["--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false", "--data.prepare_workers", "1"]
    fit = ["-c", str(CONFIGS / f"{config}.yaml"), "--trainer.default_root_dir", str(root), "--media", "null", *common]
    main(["fit", *fit, *options])
    main(["test", "--run", str(root)])
    return root


@pytest.fixture(scope="session")
def swap_runs(tmp_path_factory, render_cache):
    """A TS-DSAE of 20 clips on two instruments, in two stages, and a copy of it that passes for another seed's."""
    folder = tmp_path_factory.mktemp("swap_runs")
    small = [
        *["--data.cache_dir", str(render_cache), "--data.size", "20", "--data.validation_fraction", "0.4"],
        *["--data.batch_size", "6", "--data.representation.n_mels", "20", "--data.representation.hop_length", "1024"],
        *["--model.z_dim", "4", "--trainer.max_epochs", "3", "--schedule.constrained_epochs", "1"],
    ]
    first = _make("ts_dsae", folder / "seed0", *small)
    second = Path(shutil.copytree(first, folder / "seed1"))
    config = (second / "config.yaml").read_text()
    (second / "config.yaml").write_text(
        re.sub("^seed_everything: 0$", "seed_everything: 1", config, flags=re.MULTILINE)
    )
    return [first, second]


@pytest.fixture(scope="session")
def vae_run(tmp_path_factory, nsynth_root):
    """A regularised beta-VAE of notes."""
    small = [
        *["--data.root", str(nsynth_root), "--data.batch_size", "5", "--data.n_samples", "8000"],
        *["--data.representation.size", "128", "--data.representation.hop_length", "128"],
        *["--model.width", "0.0625", "--model.latent_dim", "8", "--trainer.max_epochs", "2"],
    ]
    return _make("ar_vae", tmp_path_factory.mktemp("vae_run") / "ar_vae", *small)


FEW = {"sources": 2, "examples": 1, "points": 6}
"""What a report shows where little is enough."""


@pytest.fixture(scope="session")
def page(tmp_path_factory, swap_runs, vae_run):
    """The report of one run of each kind."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    report([swap_runs[0], vae_run], path, **FEW)
    return path
