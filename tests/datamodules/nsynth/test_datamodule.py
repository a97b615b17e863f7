import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from lightning import LightningModule, Trainer

from datamodules import DataError, NSynthDataModule
from datamodules.analysis.timbral import VERSION, timbral_attributes
from datamodules.nsynth.rendered import RenderedNotes
from modules.audio import LogMagnitude, LogMagnitudeSpec
from modules.audio.representation import LogMagnitudePicture, LogMelSequence
from tests.datamodules.nsynth.release import (
    N_SAMPLES,
    RATE,
    SILENT,
    TEST,
    TRAIN,
    VALID,
    audio_of,
    path_of,
    write_release,
)

CPU = torch.device("cpu")
PICTURE = LogMagnitudePicture(size=128, hop_length=64)
SYMBOLIC = ("pitch", "velocity")


def module(root: Path | None, **options) -> NSynthDataModule:
    common = {"attributes": SYMBOLIC, "representation": PICTURE, "n_samples": N_SAMPLES}
    common |= {"batch_size": 4, "prepare_workers": 1}
    return NSynthDataModule(root=root, **(common | options))


def prepared(root: Path | None, **options) -> NSynthDataModule:
    data = module(root, **options)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* are left out, .*")
        data.prepare_data()
        data.setup("fit")
    return data


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Without a test split. Only tests that spoil nothing take it; the first that asks computes its timbre."""
    return write_release(tmp_path_factory.mktemp("release"), train=TRAIN, valid=VALID)


@pytest.fixture(scope="module")
def timbral(release, tmp_path_factory):
    cache_dir = tmp_path_factory.mktemp("cache")
    data = prepared(release, attributes=("brightness", "depth"), cache_dir=cache_dir)
    assert list(cache_dir.iterdir()) == []  # the tables lie beside the audio
    return data


class Listener(LightningModule):
    """Notes the batches that it is given; learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[int, list[int]] = {}
        self.batches: list[dict[str, torch.Tensor]] = []
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch, _):
        self.heard.setdefault(self.current_epoch, []).extend(batch["index"].tolist())
        self.batches.append(batch)
        return self.weight * 0

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def indices(loader) -> list[int]:
    return [index for batch in loader for index in batch["index"].tolist()]


def in_order(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    order = batch["index"].argsort()
    return {name: values[order] for name, values in batch.items()}


def order_in_epoch(data: NSynthDataModule, epoch: int) -> list[int]:
    data.trainer = None  # which tells the epoch otherwise
    loader = data.train_dataloader()
    loader.batch_sampler.set_epoch(epoch)
    return indices(loader)


def test_batches(release):
    data = prepared(release)
    (raw,) = data.val_dataloader()
    assert raw["audio"].shape == (3, 4000)
    batch = data.on_after_batch_transfer(raw, 0)
    classes = dict.fromkeys(("family", "source", "instrument", "pitch", "velocity"), (3,))
    assert {name: tuple(values.shape) for name, values in batch.items()} == {
        **{"x": (3, 1, 128, 128), "attributes": (3, 2), "index": (3,), "group": (3,)},
        **classes,
    }
    assert {batch[name].dtype for name in ("x", "attributes")} == {torch.float32}
    assert set(data.class_names) == set(classes)
    batch = in_order(batch)
    assert batch["index"].tolist() == batch["group"].tolist() == [11, 12, 13]
    assert batch["family"].tolist() == [0, 2, 6]
    assert batch["source"].tolist() == [2, 2, 1]
    assert batch["pitch"].tolist() == [33, 79, 60]
    assert batch["velocity"].tolist() == [50, 100, 127]
    assert [data.class_names["instrument"][number] for number in batch["instrument"].tolist()] == [
        *("bass_synthetic_033", "flute_synthetic_000", "organ_electronic_001"),
    ]
    assert [len(batch["index"]) for batch in data.train_dataloader()] == [4, 4, 3]


def test_attributes_are_given_where_they_are_asked_for(release):
    (batch,) = prepared(release, attributes=()).val_dataloader()
    assert "attributes" not in batch


def test_audio_is_the_files(release):
    data = prepared(release)
    seen = set()
    for batch in data.train_dataloader():
        for audio, index in zip(batch["audio"], batch["index"].tolist(), strict=True):
            written = audio_of(release, "train", TRAIN[index]).astype(np.float32)
            assert np.array_equal(audio, written)
            assert np.array_equal(data.audio(index), written)
            seen.add(index)
    assert seen == set(range(11))
    assert np.array_equal(data.audio(12), audio_of(release, "valid", VALID[1]).astype(np.float32))


def test_a_trainer_tells_the_epoch_and_makes_what_the_model_hears(release, tmp_path):
    data, listener = prepared(release), Listener()
    quiet = dict.fromkeys(["enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger"], False)
    trainer = Trainer(accelerator="cpu", max_epochs=3, limit_val_batches=0, default_root_dir=tmp_path, **quiet)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice
        trainer.fit(listener, datamodule=data)
    assert listener.heard == {epoch: order_in_epoch(data, epoch) for epoch in range(3)}
    spec = LogMagnitudeSpec(RATE, N_SAMPLES, size=128, hop_length=64)
    for batch in listener.batches:
        audio = np.stack([audio_of(release, "train", TRAIN[index]) for index in batch["index"].tolist()])
        assert torch.equal(batch["x"], LogMagnitude(spec)(torch.from_numpy(audio.astype(np.float32))))
        assert batch["x"].amax() > 0


@pytest.mark.parametrize("representation", [PICTURE, LogMelSequence(n_mels=20)], ids=["picture", "log_mel"])
def test_the_representation_is_heard_whenever_it_is_computed(release, tmp_path, representation):
    options = {"representation": representation, "cache_dir": tmp_path}
    data = [prepared(release, represent=when, **options) for when in ("ahead", "on_device")]
    for name in ("train_dataset", "validation_dataset"):
        clips = range(len(getattr(data[0], name)))
        ahead, on_device = (one.batch(getattr(one, name), clips, CPU) for one in data)
        assert ahead["x"].shape[1:] == representation.shape(N_SAMPLES) == data[0].x_shape
        torch.testing.assert_close(ahead.pop("x"), on_device.pop("x"), rtol=1e-4, atol=1e-4)
        assert ahead.keys() == on_device.keys()
        assert all(torch.equal(ahead[entry], on_device[entry]) for entry in ahead)


def test_some_notes_as_a_batch_are_what_the_loaders_give(release):
    data = prepared(release)
    (raw,) = data.val_dataloader()
    loaded = in_order(data.on_after_batch_transfer(raw, 0))
    batch = data.batch(data.validation_dataset, range(3), CPU)
    assert list(batch) == list(loaded)
    assert all(torch.equal(batch[name], loaded[name]) for name in batch)


def test_attributes_are_the_timbral_models_of_the_files(release, timbral):
    assert timbral.attributes == ("brightness", "depth")
    taken = {"train": timbral.train_dataset, "valid": timbral.validation_dataset}
    for split, names in (("train", TRAIN), ("valid", VALID)):
        sounding = [name for name in names if name != SILENT]
        expected = []
        for name in sounding:
            values = timbral_attributes(audio_of(release, split, name), RATE)
            expected.append([values["brightness"], values["depth"]])
        attributes = torch.stack([taken[split][item]["attributes"] for item in range(len(taken[split]))])
        assert attributes.dtype == torch.float32
        np.testing.assert_allclose(attributes, expected, rtol=1e-6)
        assert len(np.unique(expected)) == 2 * len(sounding)


def test_attributes_are_in_the_order_asked_for(release, timbral):
    asked = ("velocity", "depth", "pitch", "brightness")
    data = prepared(release, attributes=asked)
    assert data.attributes == asked
    (batch,), (reference,) = (map(in_order, loader.val_dataloader()) for loader in (data, timbral))
    attributes = batch["attributes"]
    assert attributes[:, 0].tolist() == batch["velocity"].tolist() == [50, 100, 127]
    assert attributes[:, 2].tolist() == batch["pitch"].tolist() == [33, 79, 60]
    assert torch.equal(attributes[:, [3, 1]], reference["attributes"])


def test_attributes_of_the_audio_are_computed_once(release, timbral):
    def tables() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in release.rglob("*.parquet")}

    first = tables()
    assert {path.parent.name for path in first} == {"nsynth-train", "nsynth-valid"}
    again = prepared(release, attributes=("depth", "brightness"), batch_size=2, families=("bass", "organ"))
    assert tables() == first
    (known,) = map(in_order, timbral.val_dataloader())
    (batch,) = map(in_order, again.val_dataloader())
    assert torch.equal(batch["attributes"], known["attributes"][[0, 2]][:, [1, 0]])


def test_a_note_that_was_overwritten_since_is_measured_again(tmp_path, capsys):
    root = write_release(tmp_path, train=TRAIN[:4], valid=VALID)
    before = prepared(root, attributes=("brightness",)).train_dataset.attributes
    path = path_of(root, "train", TRAIN[1])
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, N_SAMPLES)
    soundfile.write(path, noise, RATE, subtype="PCM_16")  # of the same size
    capsys.readouterr()
    after = prepared(root, attributes=("brightness",)).train_dataset.attributes
    assert np.array_equal(np.flatnonzero(before != after), [1])
    expected = timbral_attributes(soundfile.read(path)[0], RATE)["brightness"]
    assert after[1, 0] == pytest.approx(expected, rel=1e-6)
    assert "1/1" in capsys.readouterr().out  # and no other note with it


def test_a_release_that_cannot_be_written_has_its_tables_in_the_cache(tmp_path):
    # Links that lead nowhere, in the place of the tables' locks, keep even root from writing there.
    root = write_release(tmp_path / "release", train=TRAIN[:3], valid=VALID)
    for split in ("train", "valid"):
        (root / f"nsynth-{split}" / f".timbral-{VERSION}.lock").symlink_to(tmp_path / "absent" / "lock")
    for _ in range(2):
        data = prepared(root, attributes=("depth",), cache_dir=tmp_path / "cache")
        expected = [timbral_attributes(audio_of(root, "train", name), RATE)["depth"] for name in TRAIN[:3]]
        np.testing.assert_allclose(data.train_dataset.attributes[:, 0], expected, rtol=1e-6)
    assert list(root.rglob("*.parquet")) == []
    assert len(list((tmp_path / "cache").glob("timbral-*.parquet"))) == 2


def test_a_silent_note_is_left_out_and_named(release, timbral):
    data = module(release, attributes=("depth", "pitch"))
    with pytest.warns(UserWarning, match=rf"1 clips of nsynth are left out, .*depth or pitch.*: {SILENT}\.$"):
        data.setup("fit")
    assert sorted(indices(data.train_dataloader())) == [row for row in range(11) if TRAIN[row] != SILENT]
    # Numbers are those of all notes, whatever is left out.
    for item in range(10):
        note = data.train_dataset[item]
        assert f"-{note['pitch']:03d}-{note['velocity']:03d}" in TRAIN[int(note["index"])]
        assert note["attributes"][1] == note["pitch"]
        assert note["audio"].any()


def test_a_silent_note_has_a_pitch_and_a_velocity(release):
    data = module(release)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*left out.*")
        data.prepare_data()
        data.setup("fit")
    assert sorted(indices(data.train_dataloader())) == list(range(11))


def test_a_split_of_nothing_but_silence_is_refused(tmp_path):
    root = write_release(tmp_path, train=(SILENT, TRAIN[0]), valid=("guitar_acoustic_000-052-075",))
    with pytest.raises(DataError, match=r"none of the training clips of nsynth has brightness"):
        prepared(root, attributes=("brightness",), families=("guitar",))


def test_the_training_order_depends_on_the_seed_and_the_epoch_alone(release):
    orders = [order_in_epoch(prepared(release), epoch) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == list(range(11)) for order in orders)
    data = prepared(release)
    torch.manual_seed(1)  # nothing else that is random has a part in it
    assert [order_in_epoch(data, epoch) for epoch in (2, 0, 1)] == [orders[2], orders[0], orders[1]]
    assert order_in_epoch(prepared(release, seed=1), 0) != orders[0]


def test_tests_take_the_validation_notes_where_there_are_no_others(release):
    data = prepared(release)
    assert sorted(indices(data.test_dataloader())) == sorted(indices(data.val_dataloader())) == [11, 12, 13]
    assert [indices(loader) for loader in data.predict_dataloader()] == [list(range(11)), [11, 12, 13]]


def test_tests_take_the_test_notes_where_there_are_some(tmp_path):
    root = write_release(tmp_path, train=TRAIN[:2], valid=VALID, test=TEST)
    data = prepared(root)
    (batch,) = data.test_dataloader()
    assert batch["pitch"].tolist() == [68, 70]
    assert np.array_equal(batch["audio"][0], audio_of(root, "test", TEST[0]).astype(np.float32))
    assert [indices(loader) for loader in data.predict_dataloader()] == [[0, 1], [2, 3, 4], [5, 6]]


def test_reading_in_processes_of_their_own_changes_nothing(release):
    here, elsewhere = prepared(release), prepared(release, num_workers=2)
    for name in ("train_dataloader", "val_dataloader"):
        batches = zip(getattr(here, name)(), getattr(elsewhere, name)(), strict=True)
        for ours, theirs in batches:
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_filters_reach_the_batches(release):
    data = prepared(release, families=("bass", "organ"))
    names = [TRAIN[0], TRAIN[1], TRAIN[7], VALID[0], VALID[2]]
    assert sorted(data.train_dataset.indices.tolist()) == [0, 1, 2]
    assert sorted(indices(data.val_dataloader())) == [3, 4]
    for loader in data.predict_dataloader():
        for batch in loader:
            pitches = [int(names[index].split("-")[1]) for index in batch["index"].tolist()]
            assert batch["pitch"].tolist() == batch["attributes"][:, 0].tolist() == pitches


def test_an_attribute_that_a_filter_makes_constant_is_refused_by_its_name(release):
    with pytest.raises(DataError, match=r"^velocity is the same for all training clips of nsynth"):
        prepared(release, velocities=(50, 100), pitches=(67, 100), families=("flute", "synth_lead"))


def test_notes_are_rendered_where_there_is_no_root(tmp_path):
    rendered = RenderedNotes(families=("bass",), pitches=(48, 96), velocities=(50, 100), validation_fraction=0.4)
    data = module(None, rendered=rendered, cache_dir=tmp_path)
    with pytest.warns(UserWarning, match=r"8 notes are out of their instruments' ranges and left out: bass_"):
        data.prepare_data()
    data.setup("fit")
    assert len(data.train_dataset) + len(data.validation_dataset) == 7 * 4 - 8
    for batch in data.train_dataloader():
        assert set(batch["pitch"].tolist()) <= {48, 96}
        assert set(batch["family"].tolist()) == {0}
        assert (batch["audio"].abs().amax(dim=1) > 0.99).all()
    # Which notes are taken and how they are heard has no part in the files.
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")}
    again = prepared(None, rendered=rendered, cache_dir=tmp_path, attributes=(), pitches=(40, 50), seed=5)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")} == files
    assert set(again.train_dataset.labels["pitch"].tolist()) == {48}


def test_options_reach_the_notes(release, tmp_path):
    with pytest.raises(DataError, match=r"no soundfont at .*absent\.sf2"):
        module(None, soundfont=tmp_path / "absent.sf2", cache_dir=tmp_path).prepare_data()
    with pytest.raises(DataError, match=r"has 4000 samples of 1 channel\(s\) at 16000 Hz; expected 5000 of 1 at 16000"):
        module(release, n_samples=5000).prepare_data()
    with pytest.raises(DataError, match=r"has 4000 samples of 1 channel\(s\) at 16000 Hz; expected 4000 of 1 at 8000"):
        module(release, representation=LogMelSequence(8000)).prepare_data()


def test_broken_files_stop_before_anything_is_measured(tmp_path):
    root = write_release(tmp_path, train=TRAIN[:4], valid=VALID)
    path = path_of(root, "valid", VALID[0])
    path.write_bytes(path.read_bytes()[:1044])
    with pytest.raises(DataError, match=rf"{VALID[0]}\.wav has 500 samples"):
        module(root, attributes=("brightness",)).prepare_data()
    assert list(root.rglob("*.parquet")) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"attributes": ("loudness",)},
            r"attributes has 'loudness'; choose from brightness, depth, pitch, veloci",
        ),
        (
            {"attributes": ("pitch", "depth", "pitch")},
            r"attributes is \['pitch', 'depth', 'pitch'\]; name each once",
        ),
        ({"families": ("kazoo",)}, r"families has 'kazoo'; choose from bass"),
        ({"sources": ("vinyl",)}, r"sources has 'vinyl'; choose from acoustic"),
        ({"batch_size": 0}, r"batch_size is 0; it must be 1 or more"),
        ({"num_workers": -1}, r"num_workers is -1; it must be 0 or more"),
        ({"seed": -1}, r"seed is -1; it must be 0 or more"),
        ({"prepare_workers": -1}, r"prepare_workers is -1; it must be 1 or more"),
        ({"n_samples": 0}, r"n_samples is 0; it must be 1 or more"),
        ({"represent": "never"}, r"represent is 'never'; choose from ahead, on_device"),
    ],
)
def test_options_that_cannot_be_had_are_refused_at_once(release, options, message):
    with pytest.raises(DataError, match=message):
        module(release, **options)
