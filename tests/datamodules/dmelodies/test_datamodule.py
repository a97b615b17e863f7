import numpy as np
import pytest
import torch

from datamodules import DataError, DMelodiesDataModule
from datamodules.analysis.timbral import timbral_attributes
from datamodules.clips.correlation import Correlation
from datamodules.dmelodies import factors
from datamodules.dmelodies.rendered import RenderedMelodies
from modules.audio import LogMel, LogMelSpec
from modules.audio.representation import LogMagnitudePicture, LogMelSequence


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """One for the file's tests: each entry is then rendered once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def prepared(cache_dir):
    def prepare(**options) -> DMelodiesDataModule:
        small = {"size": 12, "validation_fraction": 0.25, "batch_size": 4, "prepare_workers": 1, "cache_dir": cache_dir}
        data = DMelodiesDataModule(**(small | options))
        data.prepare_data()
        data.setup("fit")
        return data

    return prepare


def indices(loader) -> list[int]:
    return [index for batch in loader for index in batch["index"].tolist()]


def order_in_epoch(data: DMelodiesDataModule, epoch: int) -> list[int]:
    data.trainer = None  # which tells the epoch otherwise
    loader = data.train_dataloader()
    loader.batch_sampler.set_epoch(epoch)
    return indices(loader)


def test_batches(prepared):
    data = prepared()
    batches = list(data.train_dataloader())
    # Nine clips: no batch has one of them alone, which there would be nothing to pair with.
    assert [len(batch["index"]) for batch in batches] == [4, 2, 3]
    batch = batches[0]
    classes = {"instrument", "octave", "rhythm_bar1", "rhythm_bar2", *(f"arp_chord{n}" for n in (1, 2, 3, 4))}
    assert {name: tuple(values.shape) for name, values in batch.items()} == {
        "x": (4, 251, 80),
        **dict.fromkeys(("index", "group", *classes), (4,)),
    }
    assert batch["x"].dtype == torch.float32
    assert {values.dtype for name, values in batch.items() if name != "x"} == {torch.int64}
    assert set(data.class_names) == classes
    assert data.class_names["instrument"] == ("violin", "trumpet")
    assert data.class_names["octave"] == ("4",)


def test_clips_are_the_rendered_melodies_with_their_classes(prepared):
    data = prepared()
    source = RenderedMelodies("C", (4,), "major", ("violin", "trumpet"), 12, 0, 16_000)
    labels, melodies = source.labels(), source.groups()
    for batch in (*data.train_dataloader(), *data.val_dataloader()):
        clips = batch["index"].numpy()
        for name, values in labels.items():
            assert np.array_equal(batch[name], values[clips])
        assert np.array_equal(batch["group"], melodies[clips])
        for position, index in enumerate(clips.tolist()):
            audio = source.audio(index)
            assert torch.equal(batch["x"][position], LogMel(LogMelSpec())(torch.from_numpy(audio)))
            assert np.array_equal(data.audio(index), audio)
    assert (factors.melody_pitches(np.array(source.key()["melodies"]))[:, [0, -1]] >= 60).all()


def test_each_clip_is_on_one_side(prepared):
    data = prepared()
    train, validation = data.train_dataset.indices.tolist(), indices(data.val_dataloader())
    assert (len(train), len(validation)) == (9, 3)
    assert sorted(train + validation) == list(range(12))
    assert validation == indices(data.test_dataloader())
    assert [indices(loader) for loader in data.predict_dataloader()] == [sorted(train), sorted(validation)]


def test_no_melody_is_on_both_sides(prepared, tmp_path, write_wav):
    for melody in range(6):
        for instrument in ("Violin", "Trumpet"):
            write_wav(tmp_path / "flat" / f"{melody}_x-{instrument}.wav", seconds=0.1)
    held_out = set()
    for seed in range(4):
        data = prepared(wav_dir=tmp_path / "flat", cache_dir=tmp_path / "cache", validation_fraction=0.3, seed=seed)
        train, validation = (dataset.groups.tolist() for dataset in (data.train_dataset, data.validation_dataset))
        assert not set(train) & set(validation)
        assert (len(train), len(validation)) == (8, 4)
        held_out.add(frozenset(validation))
    assert len(held_out) > 1


def test_the_training_order_depends_on_the_seed_and_the_epoch_alone(prepared):
    orders = [order_in_epoch(prepared(), epoch) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 3
    assert all(set(order) <= set(prepared().train_dataset.indices.tolist()) for order in orders)
    data = prepared()
    torch.manual_seed(1)  # nothing else that is random has a part in it
    assert [order_in_epoch(data, epoch) for epoch in (2, 0, 1)] == [orders[2], orders[0], orders[1]]


@pytest.mark.parametrize(
    "representation",
    [LogMelSequence(), LogMelSequence(8000, n_fft=1024, hop_length=500, n_mels=40), LogMagnitudePicture()],
    ids=["log_mel", "slow_log_mel", "picture"],
)
def test_the_representation_is_heard_whenever_it_is_computed(prepared, representation):
    ahead, on_device = (
        prepared(size=4, representation=representation, represent=when) for when in ("ahead", "on_device")
    )
    for data in (ahead, on_device):
        assert data.source.sample_rate == representation.sample_rate
        assert data.n_samples == 4 * representation.sample_rate
    for name in ("train_dataset", "validation_dataset"):
        one, other = (
            data.batch(getattr(data, name), range(len(getattr(data, name))), torch.device("cpu"))
            for data in (ahead, on_device)
        )
        assert one["x"].shape[1:] == representation.shape(ahead.n_samples) == ahead.x_shape
        audio = torch.from_numpy(np.stack([ahead.audio(index) for index in one["index"].tolist()]))
        torch.testing.assert_close(one["x"], representation(audio), rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(one.pop("x"), other.pop("x"), rtol=1e-4, atol=1e-3)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[entry], other[entry]) for entry in one)


def test_attributes_are_the_timbral_models_of_the_clips_and_are_computed_once(prepared, tmp_path):
    data = prepared(size=4, cache_dir=tmp_path, attributes=("brightness", "depth"))
    for dataset in (data.train_dataset, data.validation_dataset):
        for index, values in zip(dataset.indices.tolist(), dataset.attributes, strict=True):
            expected = timbral_attributes(data.audio(index), 16_000)
            assert values.tolist() == pytest.approx([expected["brightness"], expected["depth"]], rel=1e-6)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    again = prepared(size=4, cache_dir=tmp_path, attributes=("depth", "brightness"))
    assert np.array_equal(again.train_dataset.attributes, data.train_dataset.attributes[:, ::-1])
    assert torch.equal(again.train_dataset[0]["attributes"], data.train_dataset[0]["attributes"].flip(0))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == files


def test_options_reach_the_melodies(prepared):
    data = prepared(
        size=6,
        tonic="A",
        octaves=(5, 6),
        scale="blues",
        instruments=("flute", "piccolo", "kalimba"),
        validation_fraction=0.5,
    )
    assert data.class_names["instrument"] == ("flute", "piccolo", "kalimba")
    assert data.class_names["octave"] == ("5", "6")
    pitches = factors.melody_pitches(np.array(data.source.key()["melodies"]))
    blues = {(pitch - 9) % 12 for pitch in pitches[pitches >= 0].tolist()}
    assert blues <= {0, 2, 3, 5, 6, 9, 10}
    assert pitches[pitches >= 0].min() >= 60 + 12 + 9
    instruments = [*data.train_dataset.labels["instrument"], *data.validation_dataset.labels["instrument"]]
    assert sorted(instruments) == [0, 0, 1, 1, 2, 2]


def test_training_clips_are_correlated_and_lack_what_is_held_out(prepared):
    data = prepared(
        octaves=(4, 5),
        size=40,
        correlation=Correlation(("rhythm_bar1", "octave"), 1.0, "training"),
        held_out=({"instrument": "violin", "octave": 5},),
    )
    train, validation = (
        {name: np.concatenate([batch[name] for batch in loader]) for name in ("instrument", "octave", "rhythm_bar1")}
        for loader in (data.train_dataloader(), data.val_dataloader())
    )
    assert set(zip(train["instrument"].tolist(), train["octave"].tolist(), strict=True)) == {(0, 0), (1, 0), (1, 1)}
    assert (0, 1) in set(zip(validation["instrument"].tolist(), validation["octave"].tolist(), strict=True))
    # The names are those of the rhythms in the set, in their order: the first half belongs to the first octave.
    names = data.class_names["rhythm_bar1"]
    of_octave = [{names[row] for row in train["rhythm_bar1"][train["octave"] == octave]} for octave in (0, 1)]
    assert not of_octave[0] & of_octave[1]
    assert len(train["octave"]) == 30


@pytest.mark.parametrize(("represent", "file"), [("ahead", "x.npy"), ("on_device", "audio.npy")])
def test_the_second_run_reads_the_cache(prepared, tmp_path, represent, file):
    def files() -> dict[str, tuple[int, int]]:
        stats = {path.name: path.stat() for path in tmp_path.rglob("*.npy")}
        return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}

    prepared(size=4, cache_dir=tmp_path, represent=represent)
    first = files()
    assert set(first) == {file}
    # What is trained and how it is loaded and split has no part in the audio.
    options = {"batch_size": 2, "validation_fraction": 0.5, "prepare_workers": 2}
    prepared(size=4, cache_dir=tmp_path, represent=represent, **options)
    assert files() == first


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_wav_folder_with_its_own_division(prepared, tmp_path, write_wav, represent):
    for melody in range(5):
        for instrument in ("Violin", "Trumpet"):
            part = "val" if melody == 2 else "train"
            write_wav(tmp_path / "set" / part / f"{melody}_x-{instrument}.wav", 200.0 + 50 * melody, seconds=0.5)
    data = prepared(
        wav_dir=tmp_path / "set",
        cache_dir=tmp_path / "cache",
        tonic="not read",
        represent=represent,
        attributes=("brightness",),
    )
    (batch,) = data.val_dataloader()
    batch = data.on_after_batch_transfer(batch, 0)
    assert set(batch) == {"x", "index", "group", "attributes", "instrument"}
    assert data.class_names == {"instrument": ("violin", "trumpet")}
    assert batch["group"].tolist() == [2, 2]
    assert sorted(batch["instrument"].tolist()) == [0, 1]
    assert batch["x"].shape == (2, 251, 80)
    assert len(data.train_dataset) == 8
    # Both are one sine; higher sines are brighter.
    assert batch["attributes"][0] == batch["attributes"][1]
    brightness = data.train_dataset.attributes[np.argsort(data.train_dataset.groups), 0]
    assert (np.diff(brightness) >= 0).all()
    assert brightness[0] < brightness[-1]


def test_unreadable_wav_stops_before_training(prepared, tmp_path, write_wav):
    for melody in range(3):
        write_wav(tmp_path / f"{melody}_x-Violin.wav", seconds=0.1)
    (tmp_path / "1_x-Violin.wav").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"cannot read .*1_x-Violin\.wav"):
        prepared(wav_dir=tmp_path, instruments=("violin",), cache_dir=tmp_path / "cache")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"tonic": "H"}, "tonic 'H'"),
        ({"size": 0}, "size is 0"),
        ({"instruments": ("violin", "kazoo")}, "'kazoo' is no General MIDI instrument"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0"),
        ({"size": 2, "validation_fraction": 0.2}, "2 clips of 2 groups cannot be split"),
        ({"attributes": ("tempo",)}, r"has 'tempo'; choose from brightness, depth, pitch, rest_bar1, rest_bar2\."),
        ({"represent": "never"}, "represent is 'never'"),
        ({"soundfont": "absent.sf2"}, r"no soundfont at absent\.sf2"),
        ({"wav_dir": "absent"}, "no folder absent"),
        (
            {"wav_dir": "absent", "correlation": Correlation(("instrument", "octave"), 0.5)},
            "correlation is of rendered melodies, and those of wav_dir are as they are; leave one of the two out",
        ),
        ({"wav_dir": "absent", "held_out": ({"octave": 4},)}, "held_out is of rendered melodies"),
        ({"correlation": Correlation(("instrument", "key"), 0.5)}, r"correlation\.factors has 'key'"),
    ],
)
def test_options_that_cannot_be_had_are_refused_before_any_work(prepared, tmp_path, option, message):
    with pytest.raises(DataError, match=message):
        prepared(cache_dir=tmp_path, **option)
    assert list(tmp_path.iterdir()) == []
