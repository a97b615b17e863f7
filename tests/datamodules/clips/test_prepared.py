import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.clips import ClipSource
from datamodules.clips.prepared import cached_audio, cached_representations
from datamodules.dmelodies.rendered import RenderedMelodies
from datamodules.errors import DataError
from modules.audio import LogMel, LogMelSpec
from modules.audio.representation import LogMagnitudePicture, LogMelSequence
from tests.datamodules.clips.tones import Plain, Tones
from tests.kernels import OTHER_KERNELS

PREPARE_ELSEWHERE = """
import sys
from pathlib import Path
from datamodules.clips.prepared import cached_representations
from datamodules.dmelodies.rendered import RenderedMelodies
from modules.audio.representation import LogMelSequence
rendered = RenderedMelodies("C", (4,), "major", ("violin", "trumpet"), 7, 0, 16_000)
print("entry", cached_representations(rendered, LogMelSequence(), Path(sys.argv[1]), 1))
"""

PICTURE = {"size": 64, "hop_length": 64}


@pytest.fixture(scope="module")
def rendered():
    return RenderedMelodies("C", (4,), "major", ("violin", "trumpet"), 7, 0, 16_000)


@pytest.fixture(scope="module")
def entry(rendered, tmp_path_factory):
    return cached_representations(rendered, LogMelSequence(), tmp_path_factory.mktemp("cache"), 1)


def content(entry: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in entry.iterdir()}


def test_an_entrys_files(rendered, entry):
    assert set(content(entry)) == {"x.npy", "key.json", "files.json"}
    x = np.load(entry / "x.npy")
    assert x.dtype == np.float32
    assert x.shape == (7, 251, 80)
    for clip in range(7):
        with torch.inference_mode():
            expected = LogMel(LogMelSpec())(torch.from_numpy(rendered.audio(clip)))
        assert np.array_equal(x[clip], expected)


@pytest.mark.slow
def test_another_processors_log_mels_are_the_same_entry_but_for_rounding(entry, tmp_path, run_python, monkeypatch):
    for variable, value in OTHER_KERNELS.items():
        monkeypatch.setenv(variable, value)
    other = Path(run_python(PREPARE_ELSEWHERE, tmp_path).split("entry ")[1].strip())

    assert other.name == entry.name
    differing = {name for name, bytes_ in content(other).items() if bytes_ != content(entry)[name]}
    assert differing <= {"x.npy"}
    ours, theirs = (np.load(folder / "x.npy") for folder in (entry, other))
    heard = ours > ours.max(axis=-1, keepdims=True) - 8 * np.log(10)  # 80 dB below the frame's loudest band
    assert heard.mean() > 0.9
    assert np.abs(theirs - ours)[heard].max() < 1e-3


@pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker processes")
@pytest.mark.parametrize("n_workers", [2, 3])
def test_bytes_do_not_depend_on_the_number_of_workers(rendered, entry, tmp_path, n_workers):
    other = cached_representations(rendered, LogMelSequence(), tmp_path, n_workers)
    assert other.name == entry.name
    assert content(other) == content(entry)


def test_bytes_do_not_depend_on_torchs_threads_here(rendered, entry, tmp_path):
    torch.set_num_threads(2)
    assert content(cached_representations(rendered, LogMelSequence(), tmp_path, 1)) == content(entry)


def test_audio_in_the_cache_is_the_sources_with_its_texts(tmp_path):
    source = Tones(tmp_path / "log", text="Grüße\n")
    entry = cached_audio(source, tmp_path / "cache", 2)
    assert set(content(entry)) == {"audio.npy", "about.txt", "key.json", "files.json"}
    assert (entry / "about.txt").read_text(encoding="utf-8") == "Grüße\n"
    audio = np.load(entry / "audio.npy")
    assert audio.dtype == np.float32
    assert np.array_equal(audio, np.stack([source.audio(index) for index in range(12)]))


def test_each_representation_has_an_entry_of_its_own(tmp_path):
    representations = (
        *(LogMelSequence(), LogMelSequence(n_mels=40), LogMelSequence(hop_length=128), LogMelSequence(n_fft=1024)),
        *(LogMagnitudePicture(**PICTURE), LogMagnitudePicture(**(PICTURE | {"size": 128}))),
    )
    entries = [cached_representations(Plain(), one, tmp_path, 1) for one in representations]
    entries.append(cached_audio(Plain(), tmp_path, 1))
    assert len(set(entries)) == len(entries)
    for one, entry in zip(representations, entries, strict=False):
        assert np.load(entry / "x.npy").shape == (10, *one.shape(4000))


def test_what_is_in_the_cache_is_not_made_again(tmp_path):
    source = Tones(tmp_path / "log")
    first = cached_representations(source, LogMelSequence(), tmp_path / "cache", 1)
    assert source.made() == list(range(12))
    assert cached_representations(source, LogMelSequence(), tmp_path / "cache", 2) == first
    assert source.made() == []
    assert cached_representations(Tones(tmp_path / "log", size=4), LogMelSequence(), tmp_path / "cache", 1) != first
    assert source.made() == list(range(4))


def test_all_failures_are_named_at_once_and_nothing_is_cached(tmp_path):
    source = Tones(tmp_path / "log", unreadable=(1, 2, 4, 5, 7, 8))
    for prepare in (
        lambda: cached_audio(source, tmp_path / "cache", 2),
        lambda: cached_representations(source, LogMelSequence(), tmp_path / "cache", 2),
    ):
        with pytest.raises(DataError) as error:
            prepare()
        # Six failed; the message stays readable by naming five.
        named = "; ".join(f"tone {index} is broken" for index in (1, 2, 4, 5, 7))
        assert str(error.value) == f"{named}; and 1 more"
        assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {".lock"}


class Ragged(Plain):
    """One of its clips is longer than it says; written as it is, it would shift those after it."""

    name = "ragged"

    def audio(self, index: int) -> np.ndarray:
        return np.pad(super().audio(index), (0, 512 if index == 4 else 0))


@pytest.mark.parametrize("prepare", ["audio", "log_mel"])
def test_a_clip_of_another_length_is_named(tmp_path, prepare):
    with pytest.raises(DataError, match=r"^ragged 4 has the shape \((4512,|18, 80)\); expected \((4000,|16, 80)\)$"):
        if prepare == "audio":
            cached_audio(Ragged(), tmp_path, 1)
        else:
            cached_representations(Ragged(), LogMelSequence(), tmp_path, 1)


def representations(source: ClipSource, cache_dir: Path) -> Path:
    return cached_representations(source, LogMelSequence(), cache_dir, 1)


def audio(source: ClipSource, cache_dir: Path) -> Path:
    return cached_audio(source, cache_dir, 1)


@pytest.mark.parametrize(
    ("prepare", "text", "limit"),
    [
        *[(representations, "", 7000), (representations, "", 61_500)],  # stop x.npy early and just before its end
        *[(audio, "", 7000), (audio, "", 192_100)],  # of 192,128 bytes
        *[(audio, "x" * 300_000, 200_000), (audio, "x" * 300_000, 299_999)],  # stop the text
    ],
)
def test_a_full_disk_in_any_file_leaves_no_entry(tmp_path, fork, prepare, text, limit):
    source, cache = Tones(tmp_path / "log", text=text), tmp_path / "cache"

    def attempt() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(DataError) as error:
            prepare(source, cache)
        return str(error.value)

    assert fork(attempt).result().startswith(f"no room for the cache entry {cache}/tones-")
    assert [path.suffix for path in cache.iterdir()] == [".lock"]
