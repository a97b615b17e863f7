"""Any data with any model: each pair through fit, test, predict and media, by the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lightning_app.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"
SEQUENCES = {
    "TS-DSAE": ["-c", str(CONFIGS / "ts_dsae.yaml"), "--schedule.constrained_epochs", "1"],
    "DSAE with full q": ["-c", str(CONFIGS / "dsae.yaml"), "--model.posterior", "full"],
    "richer decoder": ["-c", str(CONFIGS / "ts_dsae_richer_decoder.yaml"), "--schedule.constrained_epochs", "1"],
}
PICTURES = {
    "AR-VAE": ["-c", str(CONFIGS / "ar_vae.yaml")],
    "plain beta-VAE": [
        *["-c", str(CONFIGS / "ar_vae.yaml"), "--data.attributes", "[]"],
        *["--evaluation", "null", "--media", "null"],
    ],
}
OFTEN = ("TS-DSAE", "AR-VAE")
SMALL_SEQUENCE = [
    *["--data.representation.n_mels", "12", "--data.representation.hop_length", "1024", "--model.z_dim", "4"],
    *["--media.n_examples", "1"],
]
SMALL_PICTURE = [
    *["--data.representation.size", "256", "--data.representation.hop_length", "256", "--model.width", "0.0625"],
    *["--model.latent_dim", "8"],
]
SMALL_MEDIA = ["--media.n_examples", "1", "--media.n_positions", "3"]


def prepared_urmp(folder: Path) -> Path:
    """Segments in the layout of Hayes et al.: a tone each, the violin's with more harmonics."""
    time = np.arange(64_000) / 16_000
    for code, harmonics in (("vn", 6), ("tpt", 2)):
        for part, n_segments in (("train", 5), ("val", 3)):
            audio = folder / code / part / "audio"
            audio.mkdir(parents=True)
            for number in range(n_segments):
                f0 = 220.0 * 2 ** (number / 12)
                wave = sum(np.sin(2 * np.pi * k * f0 * time) / k for k in range(1, harmonics + 1))
                np.save(audio / f"{number}.npy", (wave * np.exp(-time) / 4).astype(np.float32))
    return folder


def recordings(folder: Path) -> Path:
    """Four files of each of two classes, of 8.5 s: dull or bright tones, in several formats and rates."""
    for name, harmonics in (("dull", 2), ("bright", 6)):
        for number, (ending, rate) in enumerate((("wav", 16_000), ("flac", 44_100), ("ogg", 48_000), ("mp3", 22_050))):
            time = np.arange(round(8.5 * rate)) / rate
            f0 = 220.0 * 2 ** ((number + 4 * (harmonics == 6)) / 12)
            wave = sum(np.sin(2 * np.pi * k * f0 * time) / k for k in range(1, harmonics + 1))
            (folder / name).mkdir(exist_ok=True)
            soundfile.write(folder / name / f"{number}.{ending}", wave * np.exp(-time % 4) / 40, rate)
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory, render_cache) -> dict[str, list[str]]:
    """The options that choose each data set, made small."""
    cache = ["--data.cache_dir", str(render_cache), "--data.prepare_workers", "1", "--data.num_workers", "0"]
    urmp = prepared_urmp(tmp_path_factory.mktemp("urmp"))
    sets = {
        "dMelodies": ["dmelodies", "--data.size", "16", "--data.validation_fraction", "0.4"],
        "NSynth": [
            *["nsynth_rendered", "--data.rendered.families", "[brass, reed]", "--data.rendered.pitches", "[60, 67]"],
            *["--data.rendered.velocities", "[100]", "--data.rendered.validation_fraction", "0.5"],
        ],
        "URMP": ["urmp", "--data.root", "null", "--data.prepared_dir", str(urmp)],
        "recordings": [
            *["audio_folder", "--data.root", str(recordings(tmp_path_factory.mktemp("recordings")))],
            *["--data.validation_fraction", "0.5"],
        ],
    }
    return {
        name: ["--data", str(CONFIGS / "data" / f"{file}.yaml"), *options, "--data.batch_size", "4", *cache]
        for name, (file, *options) in sets.items()
    }


# Each data set with both kinds of model always, and with the others where there is time. Recordings are tried with both
# by tests/test_own_recordings.py.
PAIRS = [
    pytest.param(name, model, marks=() if model in OFTEN and name != "recordings" else pytest.mark.slow)
    for name in ("dMelodies", "NSynth", "URMP", "recordings")
    for model in (*SEQUENCES, *PICTURES)
]


@pytest.mark.parametrize(("name", "model"), PAIRS)
def test_every_data_set_feeds_every_model(tmp_path, data, name, model):
    options = SEQUENCES | PICTURES
    small = SMALL_SEQUENCE if model in SEQUENCES else SMALL_PICTURE + (SMALL_MEDIA if model == "AR-VAE" else [])
    file, settings = options[model][:2], options[model][2:]
    run = ["--trainer.default_root_dir", str(tmp_path), "--trainer.accelerator", "cpu", "--trainer.max_epochs", "2"]
    quiet = ["--trainer.logger", "false", "--trainer.enable_progress_bar", "false"]
    main(["fit", *file, *data[name], *settings, *small, *run, *quiet])
    for subcommand in ("test", "predict"):
        checkpoint = ["--ckpt_path", str(tmp_path / "checkpoints" / "best.ckpt")]
        main([subcommand, "-c", str(tmp_path / "config.yaml"), *checkpoint])

    with np.load(tmp_path / "encodings.npz") as encodings:
        latents = {key for key in encodings if key.endswith("_mean")}
        assert latents == ({"v_mean", "z_mean"} if model in SEQUENCES else {"z_mean"})
        assert len(encodings["z_mean"]) == len(set(encodings["index"].tolist()))
        assert np.isfinite(encodings["z_mean"]).all()
    media = tmp_path / "media" / "test"
    files = {path.name for path in media.iterdir()}
    assert {"latent_map.png", "latent_map.csv"} <= files
    shown = files - {"latent_map.png", "latent_map.csv"}
    if model == "plain beta-VAE":
        assert shown == set()
        return
    scores = json.loads((tmp_path / "evaluation.json").read_text())["scores"]
    assert np.isfinite(list(scores.values())).all()
    if model in SEQUENCES:
        assert {f"swap_f1/{step}" for step in ("pre_swap", "global_swap", "local_swap")} <= scores.keys()
        assert {Path(name).suffix for name in shown} == {".png", ".wav"}
        assert len(list(media.glob("*.wav"))) == 6
    else:
        assert {"dmig/brightness", "dmig/depth"} <= scores.keys()
        written = shown - {"traversals.csv"}  # an untrained decoder may be silent
        assert written == {f"{name}{ending}" for name in ("brightness", "depth") for ending in (".png", "_1.wav")}
    for path in media.glob("*.wav"):
        wave, rate = soundfile.read(path)
        assert rate == 16_000
        assert len(wave) >= 63_000
