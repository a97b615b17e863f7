"""Encodings of sounds, held against the model's own."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from lightning import LightningModule

from lightning_app.errors import RunError, UsageError
from lightning_app.own_sounds.encoding import Encodings, encoded
from lightning_app.own_sounds.hearing import at_model, whole
from lightning_app.own_sounds.latent_table import write_table
from tests.lightning_app.sounds import Trained


def predicted(trained, x):
    with torch.inference_mode():
        return {name: values.numpy() for name, values in trained.model.predict_step({"x": x}, 0).items()}


def test_segments_are_clips_of_the_sound_with_silence_at_the_end(vae_run, sound):
    long = sound(1.2, 44_100, name="long.wav")

    found = Encodings.of(encoded(vae_run, [long, sound(0.5, name="short.wav")]))

    assert found.files == ["long.wav"] * 3 + ["short.wav"]
    np.testing.assert_allclose(found.start_seconds, [0.0, 0.5, 1.0, 0.0])
    np.testing.assert_allclose(found.seconds, [0.5, 0.5, 0.2, 0.5])
    wave = at_model(vae_run, long)
    last = torch.cat([wave[16_000:], torch.zeros(24_000 - len(wave))])
    expected = predicted(vae_run, vae_run.representation(torch.stack([wave[:8000], wave[8000:16_000], last])))
    assert set(found.latents) == {"z_mean", "z_log_variance"}
    for name, values in found.latents.items():
        np.testing.assert_allclose(values[:3], expected[name], atol=1e-5)


def test_whole_files_differ_in_length(swap_run, sound):
    sounds = [sound(1.0), sound(2.5, 8_000)]

    found = Encodings.of(encoded(swap_run, sounds, whole_files=True))

    assert found.seconds.tolist() == [1.0, 2.5]
    assert isinstance(found.latents["z_mean"], list)
    for number, one in enumerate(sounds):
        expected = predicted(swap_run, whole(swap_run.representation, at_model(swap_run, one)))
        for name in ("v_mean", "z_mean", "v_log_variance", "z_log_variance"):
            np.testing.assert_allclose(found.latents[name][number], expected[name][0], atol=1e-5)


def test_seconds_are_the_users(swap_run, sound):
    found = Encodings.of(encoded(swap_run, [sound(1.0)], seconds=0.4))

    np.testing.assert_allclose(found.start_seconds, [0.0, 0.4, 0.8])
    np.testing.assert_allclose(found.seconds, [0.4, 0.4, 0.2])
    assert found.latents["v_mean"].shape == (3, 3)


@pytest.mark.parametrize("option", [{"seconds": 1.0}, {"whole_files": True}])
def test_model_of_one_length_is_asked_for_no_other(vae_run, sound, option):
    with pytest.raises(UsageError, match=rf"BetaVAE hears clips of 0\.5 s .*leave out --{next(iter(option))}"):
        list(encoded(vae_run, [sound()], **option))


def test_lengths_that_there_are_not(swap_run, sound):
    with pytest.raises(UsageError, match="--seconds and --whole_files contradict each other"):
        list(encoded(swap_run, [sound()], seconds=1.0, whole_files=True))
    for seconds in (0.0, -1.0):
        with pytest.raises(UsageError, match=f"--seconds {seconds:g}: there is no sound as short as this"):
            list(encoded(swap_run, [sound()], seconds=seconds))


def test_model_that_does_not_encode(swap_run, sound):
    trained = Trained(LightningModule(), swap_run.representation, 64_000)
    with pytest.raises(RunError, match="LightningModule has no predict_step"):
        list(encoded(trained, [sound()]))


# The table


def test_table_has_all_of_it(swap_run, sound, tmp_path):
    path = tmp_path / "new" / "latents.parquet"
    segments = list(encoded(swap_run, [sound(9.0, name="a ♪.wav"), sound(1.0, name="b.wav")]))

    n_rows = write_table(path, iter(segments), {"frame_seconds": 0.064})

    table = pq.read_table(path)
    assert n_rows == table.num_rows == 4
    assert table["file"].to_pylist() == ["a ♪.wav"] * 3 + ["b.wav"]
    assert table["start_seconds"].to_pylist() == [0.0, 4.0, 8.0, 0.0]
    assert table["seconds"].to_pylist() == [4.0, 4.0, 1.0, 1.0]
    z = np.stack(table["z_mean"].to_pylist())
    assert z.shape == (4, 63, 4)
    np.testing.assert_array_equal(z, np.stack([segment.latents["z_mean"] for segment in segments]).astype(float))
    assert json.loads(table.schema.metadata[b"disentangle"]) == {"frame_seconds": 0.064}


def test_table_is_there_whole_or_not_at_all(swap_run, sound, tmp_path):
    def breaking():
        yield from encoded(swap_run, [sound()])
        raise RunError("b.wav has changed.")

    with pytest.raises(RunError, match="has changed"):
        write_table(tmp_path / "latents.parquet", breaking(), {})
    assert list(tmp_path.iterdir()) == []
