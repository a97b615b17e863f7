"""Studios on small models, and a server of one."""

import shutil
from threading import Thread

import numpy as np
import pytest
import soundfile
import torch

from lightning_app.app.server import make_server
from lightning_app.app.studio import Studio
from lightning_app.listening.opened_run import OpenedRun, open_runs
from lightning_app.runs.run_folder import RunFolder
from modules import BetaVAE


@pytest.fixture(scope="session")
def swap_studio(two_octave_run, tmp_path_factory):
    """A trained DSAE on melodies."""
    folder = shutil.copytree(two_octave_run, tmp_path_factory.mktemp("studio") / "two octaves")
    (run,) = open_runs([folder])
    return Studio(run, n_clips=4)


@pytest.fixture
def knob_studio(make_notes, tmp_path):
    """A beta-VAE with two regularised dimensions, on notes."""
    data = make_notes()
    data.prepare_data()
    data.setup("test")
    torch.manual_seed(0)
    model = BetaVAE(data.x_shape, attribute_names=data.attributes, latent_dim=8, width=0.0625).eval()
    return Studio(OpenedRun("notes", RunFolder(tmp_path), {}, model, data), n_clips=3)


@pytest.fixture
def served(swap_studio):
    """The address of the page."""
    server = make_server(swap_studio, 0)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def two_notes(tmp_path):
    """A stereo WAV at 44.1 kHz: half a second of silence, then a tone and its fifth, 3 s in all."""
    time = np.arange(int(2.5 * 44_100)) / 44_100
    tone = 0.1 * np.sin(2 * np.pi * np.where(time < 1.25, 440.0, 660.0) * time)
    wave = np.concatenate([np.zeros(22_050), tone])
    path = tmp_path / "two notes ♪.wav"
    soundfile.write(path, np.stack([wave, wave], axis=1), 44_100)
    return path
