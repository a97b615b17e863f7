"""Swaps of several files by several files."""

import pytest
import soundfile

from lightning_app.errors import RunError
from lightning_app.own_sounds import swap_files
from lightning_app.own_sounds.swap_files import SwapFiles, write_swaps


@pytest.fixture
def swaps(swap_run, sound_file, tmp_path):
    """Swaps two sources by two targets; yields what is said of each sound, and has the files of the targets."""

    def start(out):
        sources = [sound_file(f"sources/{hertz}.wav", frequency=hertz) for hertz in (300, 500)]
        targets = [sound_file(f"targets/{hertz}.wav", seconds=0.5, frequency=hertz) for hertz in (700, 900)]
        files = SwapFiles.of(tmp_path / out, sources, targets, "global", None)
        return write_swaps(swap_run, sources, targets, files, None, 0), targets, files

    return start


def test_targets_are_read_once(swaps):
    said, targets, files = swaps("out")
    next(said)
    for target in targets:
        target.unlink()

    assert len(list(said)) == 5  # two reconstructions and four swaps in all

    assert all(path.is_file() for path in files.all)


@pytest.mark.parametrize("n_samples", [0, 8_000], ids=["none", "one"])
def test_targets_that_there_is_no_room_for_are_read_anew(swaps, monkeypatch, n_samples):
    said, _, files = swaps("out")
    expected = list(said)
    monkeypatch.setattr(swap_files, "_KEPT_SAMPLES", n_samples)
    said, targets, others = swaps("others")

    assert [line.replace("others", "out") for line in said] == expected

    for path, other in zip(files.swaps.values(), others.swaps.values(), strict=True):
        assert (soundfile.read(other)[0] == soundfile.read(path)[0]).all()
    said, targets, _ = swaps("again")
    next(said)
    targets[1].unlink()
    with pytest.raises(RunError, match=r"there is no file .*900\.wav"):
        list(said)
