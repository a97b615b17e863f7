import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from lightning import LightningModule, Trainer

from datamodules import DataError, NSynthDataModule
from datamodules.analysis.timbral import timbral_attributes
from datamodules.nsynth.rendered import RenderedNotes
from modules.audio import LogMagnitude, LogMagnitudeSpec

RATE = 16_000
SPEC = LogMagnitudeSpec(n_samples=4000, size=128, hop_length=64)
SYMBOLIC = ("pitch", "velocity")
SILENT = "guitar_acoustic_002-052-075"
TRAIN = (
    "bass_electronic_018-031-100",
    "bass_electronic_018-036-050",
    "brass_acoustic_006-060-127",
    "flute_acoustic_001-072-100",
    SILENT,
    "keyboard_synthetic_000-048-025",
    "keyboard_synthetic_000-055-100",
    "organ_electronic_104-064-075",
    "string_acoustic_014-067-050",
    "synth_lead_synthetic_003-084-100",
    "vocal_acoustic_000-057-127",
)
VALID = ("bass_synthetic_033-033-050", "flute_synthetic_000-079-100", "organ_electronic_001-060-127")


def write_note(path: Path, number: int) -> None:
    """A tone of harmonics, each note with its own pitch and its own balance."""
    pitch = int(path.stem.split("-")[1])
    time = np.arange(SPEC.n_samples) / RATE
    orders = np.arange(1, 8)
    tone = np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.outer(time, orders)) @ (
        1 / orders ** (1 + number % 4)
    )
    audio = 0.0 * tone if path.stem == SILENT else 0.5 * tone / np.abs(tone).max() * np.exp(-4 * time)
    soundfile.write(path, audio, RATE, subtype="PCM_16")


def write_release(root: Path, **splits: tuple[str, ...]) -> Path:
    for split, names in splits.items():
        audio = root / f"nsynth-{split}" / "audio"
        audio.mkdir(parents=True)
        for number, name in enumerate(names):
            write_note(audio / f"{name}.wav", number)
        (audio.parent / "examples.json").write_text(json.dumps({name: {} for name in reversed(names)}))
    return root


def module(root: Path | None, **options) -> NSynthDataModule:
    common = {"attributes": SYMBOLIC, "spectrogram": SPEC, "batch_size": 4, "prepare_workers": 1}
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


@pytest.fixture
def own_release(tmp_path):
    """A release of the test's own, to spoil."""
    return write_release(tmp_path / "release", train=TRAIN[:4], valid=VALID)


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


def order_in_epoch(data: NSynthDataModule, epoch: int) -> list[int]:
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return indices(loader)


def audio_of(root: Path, split: str, name: str) -> np.ndarray:
    return soundfile.read(root / f"nsynth-{split}" / "audio" / f"{name}.wav")[0]


def test_batches(release):
    data = prepared(release)
    batches = list(data.val_dataloader())
    assert [len(batch["index"]) for batch in batches] == [3]
    batch = data.on_after_batch_transfer(batches[0], 0)
    assert {name: tuple(values.shape) for name, values in batch.items()} == {
        **{"audio": (3, 4000), "log_magnitude": (3, 1, 128, 128), "attributes": (3, 2), "index": (3,)},
        **{"family": (3,), "source": (3,), "pitch": (3,), "velocity": (3,)},
    }
    assert {batch[name].dtype for name in ("audio", "log_magnitude", "attributes")} == {torch.float32}
    assert batch["family"].tolist() == [0, 2, 6]
    assert batch["source"].tolist() == [2, 2, 1]
    assert batch["pitch"].tolist() == [33, 79, 60]
    assert batch["velocity"].tolist() == [50, 100, 127]
    assert [len(batch["index"]) for batch in data.train_dataloader()] == [4, 4, 3]


def test_audio_is_the_files(release):
    data = prepared(release)
    seen = set()
    for batch in data.train_dataloader():
        for audio, index in zip(batch["audio"], batch["index"].tolist(), strict=True):
            assert np.array_equal(audio, audio_of(release, "train", TRAIN[index]).astype(np.float32))
            seen.add(index)
    assert seen == set(range(11))


def test_a_trainer_tells_the_epoch_and_adds_the_spectrogram(release, tmp_path):
    data, listener = prepared(release), Listener()
    quiet = dict.fromkeys(["enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger"], False)
    trainer = Trainer(accelerator="cpu", max_epochs=3, limit_val_batches=0, default_root_dir=tmp_path, **quiet)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice
        trainer.fit(listener, datamodule=data)
    assert listener.heard == {epoch: order_in_epoch(data, epoch) for epoch in range(3)}
    for batch in listener.batches:
        assert torch.equal(batch["log_magnitude"], LogMagnitude(SPEC)(batch["audio"]))
        assert batch["log_magnitude"].amax() > 0


def test_attributes_are_the_timbral_models_of_the_files(release, timbral):
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
    (batch,), (reference,) = data.val_dataloader(), timbral.val_dataloader()
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
    (known,) = timbral.val_dataloader()
    values = torch.cat([batch["attributes"] for batch in again.val_dataloader()])
    assert torch.equal(values, known["attributes"][[0, 2]][:, [1, 0]])


def test_a_silent_note_is_left_out_and_named(release, timbral):
    data = module(release, attributes=("depth", "pitch"))
    with pytest.warns(UserWarning, match=rf"1 notes of .*nsynth-train are left out, .*depth or pitch.*: {SILENT}\.$"):
        data.setup("fit")
    assert sorted(indices(data.train_dataloader())) == [row for row in range(11) if TRAIN[row] != SILENT]
    # Rows are those of the whole index, whatever is left out.
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


def test_a_split_of_nothing_but_silence_is_refused(release, timbral):
    with pytest.raises(DataError, match=r"none of the notes in .*nsynth-train has a value of brightness"):
        module(release, attributes=("brightness",), families=("guitar",)).setup("fit")


@pytest.mark.parametrize("n_ranks", [2, 3])
def test_every_rank_has_its_share_and_all_notes_are_taken(release, n_ranks):
    shares, one = [], prepared(release)
    for rank in range(n_ranks):
        data = prepared(release)
        data.trainer = SimpleNamespace(world_size=n_ranks, global_rank=rank)
        shares.append(order_in_epoch(data, 1))
        assert indices(data.val_dataloader()) == [0, 1, 2]  # in whole: Lightning divides it
    assert {len(share) for share in shares} == {-(-11 // n_ranks)}
    together = [index for share in shares for index in share]
    assert set(together) == set(range(11))
    dealt = [index for turn in zip(*shares, strict=True) for index in turn]
    assert dealt[:11] == order_in_epoch(one, 1)


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
    assert indices(data.test_dataloader()) == indices(data.val_dataloader()) == [0, 1, 2]
    assert [indices(loader) for loader in data.predict_dataloader()] == [list(range(11)), [0, 1, 2]]


def test_tests_take_the_test_notes_where_there_are_some(tmp_path):
    root = write_release(tmp_path, train=TRAIN[:2], valid=VALID, test=("reed_acoustic_037-068-127",))
    data = prepared(root)
    (batch,) = data.test_dataloader()
    assert batch["pitch"].tolist() == [68]
    assert np.array_equal(batch["audio"][0], audio_of(root, "test", "reed_acoustic_037-068-127").astype(np.float32))


def test_reading_in_processes_of_their_own_changes_nothing(release):
    here, elsewhere = prepared(release), prepared(release, num_workers=2)
    for name in ("train_dataloader", "val_dataloader"):
        batches = zip(getattr(here, name)(), getattr(elsewhere, name)(), strict=True)
        for ours, theirs in batches:
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("options", "train", "valid"),
    [
        ({"families": ("bass", "organ")}, [0, 1, 7], [0, 2]),
        ({"sources": ("electronic", "synthetic"), "pitches": (33, 64)}, [1, 5, 6, 7], [0, 2]),
        ({"velocities": (100, 127)}, [0, 2, 3, 6, 9, 10], [1, 2]),
    ],
)
def test_filters_keep_the_rows_of_the_whole_index(release, options, train, valid):
    data = prepared(release, **options)
    assert sorted(indices(data.train_dataloader())) == train
    assert indices(data.val_dataloader()) == valid
    for batch in data.train_dataloader():
        names = [TRAIN[index] for index in batch["index"].tolist()]
        assert batch["pitch"].tolist() == [int(name.split("-")[1]) for name in names]
        assert batch["attributes"][:, 0].tolist() == batch["pitch"].tolist()


def test_notes_are_rendered_where_there_is_no_root_and_only_once(tmp_path):
    options = {
        "rendered": RenderedNotes(families=("bass",), pitches=(48, 96), velocities=(100,), validation_fraction=0.4),
        "cache_dir": tmp_path,
    }

    def files() -> dict[str, tuple[int, int]]:
        stats = {str(path.relative_to(tmp_path)): path.stat() for path in tmp_path.rglob("*.wav")}
        return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}

    data = module(None, **options)
    with pytest.warns(UserWarning, match=r"4 notes are out of their .*: (bass_electronic_00\d-096-100, ){3}and 1 more"):
        data.prepare_data()
    data.setup("fit")
    first = files()
    assert len(first) == 7 * 2 - 4
    assert len(data.train_dataset) + len(data.validation_dataset) == 10
    for batch in data.train_dataloader():
        assert set(batch["pitch"].tolist()) <= {48, 96}
        assert set(batch["family"].tolist()) == {0}
        assert (batch["audio"].abs().amax(dim=1) > 0.99).all()
    # What is read of them, and how, has no part in the files; nor does it matter who renders.
    again = prepared(None, **(options | {"batch_size": 2, "pitches": (40, 50), "prepare_workers": 2, "seed": 5}))
    assert files() == first
    assert {pitch for batch in again.train_dataloader() for pitch in batch["pitch"].tolist()} == {48}


def test_a_soundfont_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no soundfont at .*absent\.sf2"):
        module(None, soundfont=tmp_path / "absent.sf2", cache_dir=tmp_path).prepare_data()
    assert list(tmp_path.iterdir()) == []


def test_broken_files_are_named_before_any_training(own_release):
    audio = own_release / "nsynth-train" / "audio"
    paths = [audio / f"{name}.wav" for name in TRAIN[:3]]
    soundfile.write(paths[0], np.zeros(4000), 22_050, subtype="PCM_16")
    soundfile.write(paths[1], np.zeros(3999), RATE, subtype="PCM_16")
    paths[2].write_bytes(paths[2].read_bytes()[:1044])
    with pytest.raises(DataError) as caught:
        module(own_release, attributes=("brightness",)).prepare_data()
    found = (
        "4000 samples of 1 channel(s) at 22050",
        "3999 samples of 1 channel(s) at 16000",
        "500 samples of 1 channel",
    )
    for path, what in zip(paths, found, strict=True):
        assert f"{path} has {what}" in str(caught.value)
    assert "more" not in str(caught.value)
    assert str(caught.value).endswith("Unpack NSynth again, or take these notes out.")
    assert list(own_release.rglob("*.parquet")) == []


def test_of_many_broken_files_the_first_are_named_and_all_counted(own_release):
    for path in (own_release / "nsynth-train" / "audio").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(DataError) as caught:
        module(own_release).prepare_data()
    message = str(caught.value)
    assert message.count("cannot be read") == 3
    assert all(f"{name}.wav cannot be read" in message for name in TRAIN[:3])
    assert "(and 1 more). Unpack NSynth again" in message


def test_a_broken_validation_note_is_named_too(own_release):
    path = own_release / "nsynth-valid" / "audio" / f"{VALID[2]}.wav"
    soundfile.write(path, np.zeros((4000, 2)), RATE, subtype="PCM_16")
    with pytest.raises(DataError, match=rf"{VALID[2]}\.wav has 4000 samples of 2 channel"):
        module(own_release).prepare_data()
    prepared(own_release, families=("bass", "flute"))  # what is not taken may be broken


def test_a_note_without_its_file_is_named(own_release):
    (own_release / "nsynth-valid" / "audio" / f"{VALID[1]}.wav").unlink()
    with pytest.raises(DataError, match=rf"nsynth-valid.* names 1 of 3 notes that are not in .*{VALID[1]}\.wav"):
        module(own_release).prepare_data()


def test_a_root_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no .*absent/nsynth-train/examples\.json: .*--data\.root"):
        module(tmp_path / "absent").prepare_data()
    assert list(tmp_path.iterdir()) == []


def test_a_release_without_validation_notes_is_refused(tmp_path):
    root = write_release(tmp_path, train=TRAIN[:2])
    with pytest.raises(DataError, match=r"no .*nsynth-valid/examples\.json"):
        module(root).prepare_data()


@pytest.mark.parametrize(
    ("options", "n_notes", "folder"),
    [
        ({"families": ("reed",)}, 11, "nsynth-train"),
        ({"families": ("vocal",)}, 3, "nsynth-valid"),
        ({"pitches": (100, 108)}, 11, "nsynth-train"),
        ({"velocities": (1,)}, 11, "nsynth-train"),
        ({"sources": ()}, 11, "nsynth-train"),
    ],
)
def test_a_filter_that_takes_nothing_is_refused(release, options, n_notes, folder):
    with pytest.raises(DataError, match=rf"none of the {n_notes} notes in .*{folder} is of .*; widen data\.families"):
        module(release, **options).prepare_data()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"attributes": ("loudness",)},
            r"data\.attributes has 'loudness'; choose from brightness, depth, pitch, veloci",
        ),
        ({"attributes": ()}, r"data\.attributes is \[\]; name one or more, each once"),
        (
            {"attributes": ("pitch", "depth", "pitch")},
            r"data\.attributes is \['pitch', 'depth', 'pitch'\]; .*each once",
        ),
        ({"families": ("kazoo",)}, r"data\.families has 'kazoo'; choose from bass"),
        ({"sources": ("vinyl",)}, r"data\.sources has 'vinyl'; choose from acoustic"),
        ({"batch_size": 0}, r"data\.batch_size is 0; it must be 1 or more"),
        ({"num_workers": -1}, r"data\.num_workers is -1; it must be 0 or more"),
        ({"seed": -1}, r"data\.seed is -1; it must be 0 or more"),
        ({"prepare_workers": -1}, r"data\.prepare_workers is -1"),
    ],
)
def test_options_that_cannot_be_had_are_refused_at_once(tmp_path, options, message):
    with pytest.raises(DataError, match=message):
        module(tmp_path, **options)
