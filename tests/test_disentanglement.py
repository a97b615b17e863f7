"""That the method works: a short TS-DSAE run puts the instrument into v, and swaps follow."""

import json
from pathlib import Path

import pytest

from lightning_app.cli import main

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.mark.slow
def test_short_run_disentangles(tmp_path):
    common = [
        *["-c", str(CONFIGS / "ts_dsae.yaml"), "-c", str(CONFIGS / "presets" / "demo.yaml")],
        *["--trainer.default_root_dir", str(tmp_path), "--data.cache_dir", str(tmp_path / "cache")],
        *["--data.size", "400", "--trainer.max_epochs", "30", "--trainer.logger", "false", "--media", "null"],
    ]
    main(["fit", *common])
    main(["test", *common, "--ckpt_path", str(tmp_path / "checkpoints" / "best.ckpt")])

    scores = json.loads((tmp_path / "evaluation.json").read_text())["scores"]
    assert scores["swap_f1/pre_swap"] >= 0.95
    assert scores["swap_f1/global_swap"] >= 0.95
    assert scores["swap_f1/local_swap"] >= 0.95
    # The variance of the log-mels is 16; a model of their mean alone would not hear the melody.
    assert scores["reconstruction"] < 2.0
