"""What a model makes of sounds, held against the model itself."""

import io

import numpy as np
import pytest
import soundfile
import torch

from lightning_app.app.studio import Studio
from lightning_app.errors import RunError
from lightning_app.evaluation.traversal import posterior_means, range_of
from lightning_app.listening.opened_run import OpenedRun
from lightning_app.listening.tiles import Sounds
from lightning_app.runs.run_folder import RunFolder
from modules import BetaVAE


def heard(studio, source, target):
    sounds = Sounds()
    return studio.hear(source, target, sounds), sounds


def test_shelf_begins_with_clips_of_different_classes(swap_studio):
    titles = [tile.title.split(",")[0] for tile in swap_studio.shelf(Sounds())][:4]

    assert sorted(titles) == ["trumpet", "trumpet", "violin", "violin"]
    assert titles[0] != titles[1]


def test_swap_is_the_models(swap_studio):
    """What is seen is what the model decodes: the same tiles, made of its output."""
    (row,), _ = heard(swap_studio, 0, 1)

    a, b = swap_studio.sounds[:2]
    with torch.no_grad():
        swap = swap_studio.run.model.swap(a.x, b.x)
    expected = swap_studio._maker.decoded(torch.cat(swap), ["", "", ""])
    assert [tile.picture for tile in row.tiles] == [tile.picture for tile in expected]
    assert [tile.sound for tile in row.tiles] == [tile.sound for tile in expected]
    assert [tile.title for tile in row.tiles] == [
        f"{a.title}, reconstructed",
        f"{a.title}, as {b.title}",
        f"{b.title}, as {a.title}",
    ]


def test_source_alone_is_reconstructed(swap_studio):
    (row,), sounds = heard(swap_studio, 2, None)

    assert [tile.title for tile in row.tiles] == [f"{swap_studio.sounds[2].title}, reconstructed"]
    assert sounds.encoded.keys() == {row.tiles[0].sound}


def test_own_sound_is_a_clip_at_the_level_of_the_data(swap_studio, two_notes):
    number = swap_studio.add(two_notes.read_bytes(), two_notes.name)

    sound = swap_studio.sounds[number]
    data = swap_studio.data
    assert sound.wave.shape == (data.n_samples,)
    assert np.abs(sound.wave).max() == pytest.approx(1.0)  # as every rendered melody has it
    with torch.no_grad():
        torch.testing.assert_close(sound.x, data.representation(torch.from_numpy(sound.wave)[None]))
    # The second note comes after 1.25 s, not after the 1.75 of the file with its silence.
    early, late = (np.abs(np.fft.rfft(sound.wave[start : start + 8_000])).argmax() * 2 for start in (8_000, 24_000))
    assert (early, late) == (440, 660)


def test_own_sound_swaps_with_a_clip(swap_studio, two_notes):
    number = swap_studio.add(two_notes.read_bytes(), two_notes.name)

    (row,), sounds = heard(swap_studio, number, 0)

    assert len(row.tiles) == 3
    assert {tile.sound for tile in row.tiles} == sounds.encoded.keys()


def test_dimensions_are_moved_through_their_ranges(knob_studio):
    rows, _ = heard(knob_studio, 1, None)

    assert [(row.attribute, row.title) for row in rows] == [("brightness", "brightness (z0)"), ("depth", "depth (z1)")]
    model, data = knob_studio.run.model, knob_studio.data
    with torch.no_grad():
        means = posterior_means(model, data)
        places = range_of(means[:, 1], 7)
        decoded = model.traverse(knob_studio.sounds[1].x, 1, places.float())[0]
    like = torch.from_numpy(knob_studio.sounds[1].wave)[None].expand(7, -1)
    expected = knob_studio._maker.decoded(decoded, [""] * 7, like=like)
    assert [tile.sound for tile in rows[1].tiles] == [tile.sound for tile in expected]
    assert [tile.note for tile in rows[1].tiles] == [f"{place:.2f}" for place in places.tolist()]


@pytest.mark.parametrize("number", [-1, 99])
def test_sound_that_is_not_there(swap_studio, number):
    with pytest.raises(RunError, match=f"there is no sound {number} on the shelf; load the page again"):
        swap_studio.hear(number, None, Sounds())


def test_silent_sound_is_not_put_on_the_shelf(swap_studio):
    file, before = io.BytesIO(), len(swap_studio.sounds)
    soundfile.write(file, np.zeros(8_000), 8_000, format="WAV")

    with pytest.raises(RunError, match=r"a\.wav is silent"):
        swap_studio.add(file.getvalue(), "a.wav")
    assert len(swap_studio.sounds) == before


def test_model_with_nothing_to_try(make_notes, tmp_path):
    data = make_notes(attributes=())
    data.prepare_data()
    data.setup("test")
    model = BetaVAE(data.x_shape, attribute_names=(), latent_dim=8, width=0.0625).eval()

    with pytest.raises(RunError, match="BetaVAE has neither latents to swap nor regularised dimensions"):
        Studio(OpenedRun("plain", RunFolder(tmp_path), {}, model, data))
