import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.clips import ClipDataset, cached_log_mels, split_by_group
from datamodules.dmelodies.released import ReleasedWavs
from datamodules.dmelodies.rendered import RenderedMelodies
from datamodules.errors import DataError
from datamodules.log_mel import LogMel, LogMelSpec
from tests.kernels import OTHER_KERNELS

SPEC = LogMelSpec()

PREPARE_ELSEWHERE = """
import sys
from pathlib import Path
from datamodules.clips import cached_log_mels
from datamodules.dmelodies.rendered import RenderedMelodies
from datamodules.log_mel import LogMelSpec
rendered = RenderedMelodies("C", (4,), "major", ("violin", "trumpet"), 7, 0, LogMelSpec().sample_rate)
print("entry", cached_log_mels(rendered, LogMelSpec(), Path(sys.argv[1]), 1))
"""


class Steps:
    """Four clips, each of one level, with an attribute of any width. Their log-mels take 20,608 bytes."""

    name = "steps"
    n_samples = 4000

    def __init__(self, width: int) -> None:
        self.levels = np.arange(4 * width).reshape(4, width)

    def __len__(self) -> int:
        return 4

    def key(self) -> dict[str, object]:
        return {"width": self.levels.shape[1]}

    def audio(self, index: int) -> np.ndarray:
        return np.full(self.n_samples, (index + 1) / 4, np.float32)

    def attributes(self) -> dict[str, np.ndarray]:
        return {"level": self.levels}


@pytest.fixture(scope="module")
def rendered():
    return RenderedMelodies("C", (4,), "major", ("violin", "trumpet"), 7, 0, SPEC.sample_rate)


@pytest.fixture(scope="module")
def entry(rendered, tmp_path_factory):
    return cached_log_mels(rendered, SPEC, tmp_path_factory.mktemp("cache"), 1)


def content(entry: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in entry.iterdir()}


def test_an_entrys_files(rendered, entry):
    arrays = {f"{name}.npy" for name in ("log_mel", "instrument", "octave", "factors", "melody")}
    assert set(content(entry)) == {*arrays, "key.json"}
    log_mels = np.load(entry / "log_mel.npy")
    assert log_mels.dtype == np.float32
    assert log_mels.shape == (7, 251, 80)
    for clip in range(7):
        with torch.inference_mode():
            expected = LogMel(SPEC)(torch.from_numpy(rendered.audio(clip)))
        assert np.array_equal(log_mels[clip], expected)
    for name, values in rendered.attributes().items():
        assert np.array_equal(np.load(entry / f"{name}.npy"), values)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker processes")
@pytest.mark.parametrize("n_workers", [2, 3])
def test_bytes_do_not_depend_on_the_number_of_workers(rendered, entry, tmp_path, n_workers):
    other = cached_log_mels(rendered, SPEC, tmp_path, n_workers)
    assert other.name == entry.name
    assert content(other) == content(entry)


def test_bytes_do_not_depend_on_torchs_threads_here(rendered, entry, tmp_path):
    torch.set_num_threads(2)
    assert content(cached_log_mels(rendered, SPEC, tmp_path, 1)) == content(entry)


def test_another_processors_log_mels_are_the_same_entry_but_for_rounding(entry, tmp_path, run_python, monkeypatch):
    for variable, value in OTHER_KERNELS.items():
        monkeypatch.setenv(variable, value)
    other = Path(run_python(PREPARE_ELSEWHERE, tmp_path).split("entry ")[1].strip())

    assert other.name == entry.name
    differing = {name for name, bytes_ in content(other).items() if bytes_ != content(entry)[name]}
    assert differing <= {"log_mel.npy"}
    ours, theirs = (np.load(folder / "log_mel.npy") for folder in (entry, other))
    heard = ours > ours.max(axis=-1, keepdims=True) - 8 * np.log(10)  # 80 dB below the frame's loudest band
    assert heard.mean() > 0.9
    assert np.abs(theirs - ours)[heard].max() < 1e-3


def test_another_spectrogram_has_an_entry_of_its_own(tmp_path):
    entries = [cached_log_mels(Steps(1), spec, tmp_path, 1) for spec in (SPEC, LogMelSpec(n_mels=40), SPEC)]
    assert entries[0] == entries[2] != entries[1]
    assert np.load(entries[1] / "log_mel.npy").shape == (4, 16, 40)


def test_all_failures_are_named_at_once_and_nothing_is_cached(write_wav, tmp_path):
    for melody in range(9):
        path = write_wav(tmp_path / "wavs" / f"{melody}_c-Violin.wav", seconds=0.2)
        if melody % 3:
            path.write_bytes(b"no audio at all")
    source = ReleasedWavs(tmp_path / "wavs", ("violin",), SPEC.sample_rate)
    with pytest.raises(DataError) as error:
        cached_log_mels(source, SPEC, tmp_path / "cache", 2)
    # Six failed; the message stays readable by naming five.
    for melody in (1, 2, 4, 5, 7):
        assert f"cannot read {tmp_path}/wavs/{melody}_c-Violin.wav" in str(error.value)
    assert str(error.value).endswith("(and 1 more)")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("width", "limit"),
    [
        *[(1, 7000), (1, 20_600)],  # stop log_mel.npy early and just before its end
        *[(2000, 30_000), (2000, 64_100)],  # stop level.npy, of 64,128 bytes, in the same places
    ],
)
def test_a_full_disk_in_any_file_leaves_no_entry(tmp_path, fork, width, limit):
    def prepare() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(DataError) as error:
            cached_log_mels(Steps(width), SPEC, tmp_path, 1)
        return str(error.value)

    assert fork(prepare).result().startswith(f"no room for the cache entry {tmp_path}/steps-")
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_items_are_the_clips_of_the_indices(rendered, entry):
    dataset = ClipDataset(entry, np.array([5, 0, 3]))
    log_mels, attributes = np.load(entry / "log_mel.npy"), rendered.attributes()
    assert len(dataset) == 3
    for item, index in enumerate([5, 0, 3]):
        clip = dataset[item]
        assert set(clip) == {"log_mel", "index", "instrument", "octave", "factors", "melody"}
        assert clip["index"].item() == index
        assert clip["log_mel"].dtype == torch.float32
        assert np.array_equal(clip["log_mel"], log_mels[index])
        for name, values in attributes.items():
            assert clip[name].dtype == torch.int64
            assert np.array_equal(clip[name], values[index])
            assert np.array_equal(dataset.attributes[name][item], values[index])


def test_changing_an_item_changes_neither_the_dataset_nor_the_cache(entry):
    dataset = ClipDataset(entry, np.arange(2))
    before = content(entry)
    for values in dataset[1].values():
        values.zero_()
    assert content(entry) == before
    again, untouched = dataset[1], ClipDataset(entry, np.arange(2))[1]
    for name, values in untouched.items():
        assert torch.equal(again[name], values)


@pytest.mark.parametrize("n_clips", [2, 5, 37, 3000])
@pytest.mark.parametrize("fraction", [0.2, 0.25, 0.5])
def test_clips_that_are_each_a_group_are_shared_exactly(n_clips, fraction):
    groups = np.random.default_rng(n_clips).permutation(n_clips)
    n_train = round(n_clips * (1 - fraction))
    if n_train == n_clips:
        with pytest.raises(DataError):
            split_by_group(groups, fraction)
    else:
        assert split_by_group(groups, fraction).tolist() == [False] * n_train + [True] * (n_clips - n_train)


def test_a_group_is_on_one_side():
    rng = np.random.default_rng(0)
    for _ in range(300):
        groups = rng.integers(-5, rng.integers(2, 40), rng.integers(30, 60))
        fraction = rng.uniform(0.2, 0.6)
        largest = max(np.count_nonzero(groups == group) for group in groups)
        try:
            validation = split_by_group(groups, fraction)
        except DataError:
            assert largest >= fraction * len(groups) - 1  # only where one group takes all that was to be left
            continue
        assert not set(groups[validation]) & set(groups[~validation])
        assert -1 < (~validation).sum() - len(groups) * (1 - fraction) < largest
        # Training takes the groups that appear first.
        first = [int(np.argmax(groups == group)) for group in groups]
        assert max(np.array(first)[~validation]) < min(np.array(first)[validation])


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_fraction_that_is_none(fraction):
    with pytest.raises(DataError, match=f"validation_fraction is {fraction}; it must lie between 0 and 1"):
        split_by_group(np.arange(10), fraction)


@pytest.mark.parametrize(("groups", "melodies"), [([1, 1, 1, 1], 1), ([], 0), ([4], 1)])
def test_a_side_without_clips(groups, melodies):
    with pytest.raises(DataError, match=rf"^{len(groups)} clips of {melodies} melodies cannot be split"):
        split_by_group(np.array(groups, int), 0.5)
