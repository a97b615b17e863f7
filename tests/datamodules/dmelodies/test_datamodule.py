import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer

from datamodules import DataError, DMelodiesDataModule
from datamodules.dmelodies import factors
from datamodules.dmelodies.rendered import RenderedMelodies
from modules.audio import LogMel, LogMelSpec


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """One for the file's tests: each entry is then rendered once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def prepared(cache_dir):
    def prepare(**options) -> DMelodiesDataModule:
        small = {"size": 12, "validation_fraction": 0.25, "batch_size": 4, "render_workers": 1, "cache_dir": cache_dir}
        data = DMelodiesDataModule(**(small | options))
        data.prepare_data()
        data.setup("fit")
        return data

    return prepare


class Listener(LightningModule):
    """Notes the clips that it is trained with; learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[int, list[int]] = {}
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch, _):
        self.heard.setdefault(self.current_epoch, []).extend(batch["index"].tolist())
        return self.weight * 0

    def validation_step(self, batch, _):
        pass

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def indices(loader) -> list[int]:
    return [index for batch in loader for index in batch["index"].tolist()]


def order_in_epoch(data: DMelodiesDataModule, epoch: int) -> list[int]:
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return indices(loader)


def test_batches(prepared):
    data = prepared()
    batches = list(data.train_dataloader())
    assert [len(batch["index"]) for batch in batches] == [4, 4, 1]
    batch = batches[0]
    assert {name: tuple(values.shape) for name, values in batch.items()} == {
        **{"log_mel": (4, 251, 80), "index": (4,), "instrument": (4,)},
        **{"octave": (4,), "factors": (4, 9), "melody": (4,)},
    }
    assert batch["log_mel"].dtype == torch.float32
    assert {values.dtype for name, values in batch.items() if name != "log_mel"} == {torch.int64}
    assert data.class_names == {"instrument": ("violin", "trumpet"), "octave": ("4",)}


def test_clips_are_the_rendered_melodies_with_their_attributes(prepared):
    data = prepared()
    source = RenderedMelodies("C", (4,), "major", ("violin", "trumpet"), 12, 0, 16_000)
    expected = source.attributes()
    for batch in (*data.train_dataloader(), *data.val_dataloader()):
        for name, values in expected.items():
            assert np.array_equal(batch[name], values[batch["index"].numpy()])
        for position, index in enumerate(batch["index"].tolist()):
            assert torch.equal(batch["log_mel"][position], LogMel(data.log_mel)(torch.from_numpy(source.audio(index))))
    rows = np.ravel_multi_index(expected["factors"].T, factors.SHAPE)
    assert (factors.melody_pitches(rows)[:, [0, -1]] >= 60).all()


def test_each_clip_is_on_one_side(prepared):
    data = prepared()
    train, validation = indices(data.train_dataloader()), indices(data.val_dataloader())
    assert (len(train), len(validation)) == (9, 3)
    assert sorted(train + validation) == list(range(12))
    assert validation == sorted(validation) == indices(data.test_dataloader())
    assert [indices(loader) for loader in data.predict_dataloader()] == [sorted(train), validation]


def test_the_training_order_depends_on_the_seed_and_the_epoch_alone(prepared):
    orders = [order_in_epoch(prepared(), epoch) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 3
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])
    data = prepared()
    torch.manual_seed(1)  # nothing else that is random has a part in it
    assert [order_in_epoch(data, epoch) for epoch in (2, 0, 1)] == [orders[2], orders[0], orders[1]]


def test_a_trainer_tells_the_epoch(prepared, tmp_path):
    data, module = prepared(), Listener()
    quiet = dict.fromkeys(["enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger"], False)
    trainer = Trainer(accelerator="cpu", max_epochs=3, limit_val_batches=0, default_root_dir=tmp_path, **quiet)
    trainer.fit(module, datamodule=data)
    assert module.heard == {epoch: order_in_epoch(data, epoch) for epoch in range(3)}


def test_loading_in_a_process_of_its_own_changes_nothing(prepared):
    here, elsewhere = prepared(), prepared(num_workers=1)
    for ours, theirs in zip(here.train_dataloader(), elsewhere.train_dataloader(), strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_spectrograms_settings_reach_the_batches(prepared):
    data = prepared(size=4, log_mel=LogMelSpec(sample_rate=8000, n_fft=1024, hop_length=500, n_mels=40))
    assert next(iter(data.val_dataloader()))["log_mel"].shape == (1, 65, 40)


def test_options_reach_the_melodies(prepared):
    data = prepared(
        size=6,
        tonic="A",
        octaves=(5, 6),
        scale="blues",
        instruments=("flute", "piccolo", "kalimba"),
        validation_fraction=0.5,
    )
    values = np.concatenate([data.train_dataset.attributes["factors"], data.validation_dataset.attributes["factors"]])
    assert set(values[:, 0].tolist()) == {9}
    assert set(values[:, 1].tolist()) <= {1, 2}
    assert set(values[:, 2].tolist()) == {2}
    assert data.class_names == {"instrument": ("flute", "piccolo", "kalimba"), "octave": ("5", "6")}


def test_the_second_run_reads_the_cache(prepared, tmp_path):
    def files() -> dict[str, tuple[int, int]]:
        stats = {path.name: path.stat() for path in tmp_path.rglob("*.npy")}
        return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}

    prepared(size=4, cache_dir=tmp_path)
    first = files()
    assert set(first) == {"log_mel.npy", "instrument.npy", "octave.npy", "factors.npy", "melody.npy"}
    # What is trained and how it is loaded and split has no part in the audio.
    prepared(size=4, cache_dir=tmp_path, batch_size=2, validation_fraction=0.5, render_workers=2)
    assert files() == first


def test_wav_folder_with_its_own_division(prepared, tmp_path, write_wav):
    for melody in range(5):
        for instrument in ("Violin", "Trumpet"):
            part = "val" if melody == 2 else "train"
            write_wav(tmp_path / "set" / part / f"{melody}_x-{instrument}.wav", 200.0 + 50 * melody, seconds=0.5)
    data = prepared(wav_dir=tmp_path / "set", cache_dir=tmp_path / "cache", tonic="not read")
    (batch,) = data.val_dataloader()
    assert set(batch) == {"log_mel", "index", "instrument", "melody"}
    assert data.class_names == {"instrument": ("violin", "trumpet")}
    assert batch["melody"].tolist() == [2, 2]
    assert sorted(batch["instrument"].tolist()) == [0, 1]
    assert batch["log_mel"].shape == (2, 251, 80)
    assert len(data.train_dataset) == 8


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
        ({"size": 2, "validation_fraction": 0.2}, "2 clips of 2 melodies cannot be split"),
        ({"soundfont": "absent.sf2"}, r"no soundfont at absent\.sf2"),
        ({"wav_dir": "absent"}, "no folder absent"),
    ],
)
def test_options_that_cannot_be_had_are_refused_before_any_work(prepared, tmp_path, option, message):
    with pytest.raises(DataError, match=message):
        prepared(cache_dir=tmp_path, **option)
    assert list(tmp_path.iterdir()) == []
