import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer

from datamodules import ClipDataModule, ClipSource, DataError
from datamodules.analysis.timbral import timbral_attributes
from modules.audio.representation import LogMagnitudePicture, LogMelSequence
from modules.errors import ModelError
from tests.datamodules.clips.tones import N_SAMPLES, RATE, Plain, Tones, tone

CPU = torch.device("cpu")
REPRESENTATIONS = (LogMelSequence(n_mels=20), LogMagnitudePicture(size=64, hop_length=64))
AT_THE_START = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu").fit_loop
ALL_PARTS = (0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2)


@pytest.fixture
def tones(tmp_path):
    return lambda **options: Tones(tmp_path / "log", **options)


@pytest.fixture
def module(tmp_path, tones):
    def build(source: ClipSource | None = None, **options) -> ClipDataModule:
        small = {"batch_size": 4, "prepare_workers": 1, "validation_fraction": 0.34, "cache_dir": tmp_path / "cache"}
        return ClipDataModule(tones() if source is None else source, **(small | options))

    return build


@pytest.fixture
def prepared(module):
    def prepare(source: ClipSource | None = None, stage: str = "fit", **options) -> ClipDataModule:
        data = module(source, **options)
        data.prepare_data()
        data.setup(stage)
        return data

    return prepare


def indices(loader) -> list[int]:
    return [index for batch in loader for index in batch["index"].tolist()]


def order_in_epoch(data: ClipDataModule, epoch: int) -> list[int]:
    data.trainer = None  # which tells the epoch otherwise
    loader = data.train_dataloader()
    loader.batch_sampler.set_epoch(epoch)
    return indices(loader)


def heard(data: ClipDataModule, loader) -> dict[str, torch.Tensor]:
    """All of a loader's clips, as a model gets them."""
    batches = [data.on_after_batch_transfer(batch, 0) for batch in loader]
    return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}


class Fit(LightningModule):
    """Learns the mean of what it hears, and notes the batches that it is given."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.mean = torch.nn.Parameter(torch.zeros(shape))
        self.batches: dict[int, list[dict[str, torch.Tensor]]] = {}
        self.others: list[dict[str, torch.Tensor]] = []

    def training_step(self, batch, _):
        self.batches.setdefault(self.current_epoch, []).append(batch)
        return ((batch["x"] - self.mean) ** 2 + batch["x"] * self.mean).mean()

    def validation_step(self, batch, _):
        self.others.append(batch)

    test_step = validation_step

    def predict_step(self, batch, *_):
        return batch["index"]

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def quiet_trainer(folder, **options) -> Trainer:
    quiet = dict.fromkeys(["enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger"], False)
    return Trainer(accelerator="cpu", default_root_dir=folder, **quiet, **options)


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_batches(prepared, represent):
    data = prepared(represent=represent, attributes=("pitch", "depth"))
    assert data.class_names == {"parity": ("even", "odd"), "third": ("low", "middle", "high")}
    assert data.attributes == ("pitch", "depth")
    assert data.n_samples == N_SAMPLES
    assert data.x_shape == (16, 80)
    assert [len(batch["index"]) for batch in data.train_dataloader()] == [4, 4]
    (raw,) = data.val_dataloader()
    batch = data.on_after_batch_transfer(raw, 0)
    assert {name: tuple(values.shape) for name, values in batch.items()} == {
        **{"x": (4, 16, 80), "attributes": (4, 2), "index": (4,), "group": (4,), "parity": (4,), "third": (4,)}
    }
    assert batch["x"].dtype == batch["attributes"].dtype == torch.float32
    index = batch["index"]
    assert torch.equal(batch["parity"], index % 2)
    assert torch.equal(batch["third"], index // 4)
    assert torch.equal(batch["group"], index // 2)
    assert torch.equal(batch["attributes"][:, 0], 57.0 + index)
    for position, clip in enumerate(index.tolist()):
        audio = torch.from_numpy(tone(clip))[None]
        torch.testing.assert_close(batch["x"][position], LogMelSequence()(audio)[0], rtol=1e-4, atol=1e-4)
        assert batch["attributes"][position, 1].item() == pytest.approx(timbral_attributes(tone(clip), RATE)["depth"])
        assert np.array_equal(data.audio(clip), tone(clip))


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_attributes_are_given_where_they_are_asked_for(prepared, represent):
    (batch,) = prepared(represent=represent).val_dataloader()
    assert "attributes" not in batch


@pytest.mark.parametrize("representation", REPRESENTATIONS, ids=["log_mel", "picture"])
def test_when_it_is_represented_changes_nothing(prepared, representation):
    ahead, on_device = (prepared(represent=when, representation=representation) for when in ("ahead", "on_device"))
    for name in ("train_dataloader", "val_dataloader"):
        one, other = (heard(data, getattr(data, name)()) for data in (ahead, on_device))
        assert one.keys() == other.keys()
        assert one["x"].shape[1:] == representation.shape(N_SAMPLES) == ahead.x_shape
        # The order of sums differs with the number of clips in a batch.
        torch.testing.assert_close(one.pop("x"), other.pop("x"), rtol=1e-4, atol=1e-4)
        assert all(torch.equal(one[entry], other[entry]) for entry in one)


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_some_clips_as_a_batch_are_what_the_loaders_give(prepared, represent):
    data = prepared(represent=represent, attributes=("pitch",))
    loaded = heard(data, data.val_dataloader())
    positions = np.searchsorted(data.validation_dataset.indices, loaded["index"].numpy())
    batch = data.batch(data.validation_dataset, positions, CPU)
    assert list(batch) == list(loaded)
    assert all(torch.equal(batch[name], loaded[name]) for name in batch)
    some = data.batch(data.validation_dataset, positions[[2, 0]], CPU)
    for name, values in some.items():
        torch.testing.assert_close(values, loaded[name][[2, 0]], rtol=1e-4, atol=1e-4)


def test_a_group_is_on_one_side_and_all_clips_are_on_one(prepared):
    for seed in range(4):
        data = prepared(seed=seed)
        train, validation = data.train_dataset, data.validation_dataset
        assert not set(train.groups.tolist()) & set(validation.groups.tolist())
        assert sorted([*train.indices, *validation.indices]) == list(range(12))
        assert len(validation) == 4


def test_the_seed_draws_the_split(prepared):
    held_out = [tuple(prepared(seed=seed).validation_dataset.indices.tolist()) for seed in (3, 3, 0, 1, 2, 4)]
    assert held_out[0] == held_out[1]
    assert len(set(held_out)) > 1


def test_without_a_test_part_tests_take_the_validation_clips(prepared):
    data = prepared()
    assert data.test_dataset is data.validation_dataset
    train, validation = sorted(indices(data.train_dataloader())), indices(data.val_dataloader())
    assert validation == indices(data.test_dataloader()) == indices(prepared().val_dataloader())
    assert validation != sorted(validation)  # so that neighbours, whose latents are swapped, are random pairs
    assert [indices(loader) for loader in data.predict_dataloader()] == [train, sorted(validation)]


def test_the_sources_own_parts_are_kept(prepared, tones):
    data = prepared(tones(own_parts=ALL_PARTS))
    assert sorted(indices(data.train_dataloader())) == [0, 1, 2, 3, 4, 5]
    assert sorted(indices(data.val_dataloader())) == [6, 7, 8]
    assert sorted(indices(data.test_dataloader())) == [9, 10, 11]
    assert [indices(loader) for loader in data.predict_dataloader()] == [[0, 1, 2, 3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_the_training_order_depends_on_the_seed_and_the_epoch_alone(prepared, tones):
    source = tones(own_parts=ALL_PARTS)
    orders = [order_in_epoch(prepared(source), epoch) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == [0, 1, 2, 3, 4, 5] for order in orders)
    data = prepared(source)
    torch.manual_seed(1)  # nothing else that is random has a part in it
    assert [order_in_epoch(data, epoch) for epoch in (2, 0, 1)] == [orders[2], orders[0], orders[1]]
    assert order_in_epoch(prepared(source, seed=1), 0) != orders[0]


@pytest.mark.parametrize("loader", ["train_dataloader", "val_dataloader", "test_dataloader"])
def test_shares_of_processes_make_the_batches_of_one(prepared, loader):
    one, shares = getattr(prepared(batch_size=8), loader)(), []
    for rank in range(2):
        data = prepared(batch_size=8)
        data.trainer = SimpleNamespace(world_size=2, global_rank=rank, fit_loop=AT_THE_START)
        shares.append(getattr(data, loader)())

    for whole, *parts in zip(one, *shares, strict=True):
        assert torch.equal(torch.cat([part["index"] for part in parts]), whole["index"])
        assert [len(part["index"]) for part in parts] == [len(whole["index"]) // 2] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 6}, "batch_size is 6, over all processes, and 2 processes cannot share it out in pairs"),
        ({"batch_size": 8, "validation_fraction": 0.17}, "2 clips cannot be shared out to 2 processes"),
    ],
)
def test_what_processes_cannot_share_is_refused_before_training(module, options, message):
    data = module(**options)
    data.trainer = SimpleNamespace(world_size=2, global_rank=0)
    with pytest.raises(DataError, match=message):
        data.prepare_data()
        data.setup("fit")


@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 6), (2, [2, 2, 2]), (4, [4, 2]), (5, [3, 3]), (9, [6])])
def test_an_epoch_has_all_clips_and_no_batch_has_one_of_them_alone(prepared, tones, batch_size, sizes):
    data = prepared(tones(own_parts=ALL_PARTS), batch_size=batch_size)
    assert [len(batch["index"]) for batch in data.train_dataloader()] == sizes


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_loading_in_processes_of_their_own_changes_nothing(prepared, represent):
    here, elsewhere = (prepared(represent=represent, num_workers=n, attributes=("pitch",)) for n in (0, 2))
    for name in ("train_dataloader", "val_dataloader"):
        for ours, theirs in zip(getattr(here, name)(), getattr(elsewhere, name)(), strict=True):
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[entry], theirs[entry]) for entry in ours)


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
@pytest.mark.parametrize("representation", REPRESENTATIONS, ids=["log_mel", "picture"])
def test_a_model_is_trained_and_tested_on_a_source_that_says_no_more_than_it_has_to(
    module, tmp_path, represent, representation
):
    data = module(Plain(), represent=represent, representation=representation)
    model, trainer = Fit(data.x_shape), quiet_trainer(tmp_path, max_epochs=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice
        trainer.fit(model, datamodule=data)
        first = {epoch: [i for b in batches for i in b["index"].tolist()] for epoch, batches in model.batches.items()}
        assert first == {epoch: order_in_epoch(data, epoch) for epoch in range(3)}
        batches = [*model.batches[0], *model.others]
        model.others.clear()
        trainer.test(model, datamodule=data, verbose=False)
        assert [i for batch in model.others for i in batch["index"].tolist()] == indices(data.val_dataloader())
        train, validation = trainer.predict(model, datamodule=data)
    assert sorted(torch.cat([*train, *validation]).tolist()) == list(range(10))
    for batch in batches:
        assert set(batch) == {"x", "index", "group"}
        audio = torch.from_numpy(np.stack([Plain().audio(index) for index in batch["index"].tolist()]))
        torch.testing.assert_close(batch["x"], representation(audio), rtol=1e-4, atol=1e-4)
    assert model.mean.abs().amax() > 0


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_the_second_run_makes_and_measures_nothing(prepared, tones, represent):
    prepared(represent=represent, attributes=("brightness",))
    assert tones().made() == sorted([*range(12), *range(12)])  # once to measure, once to keep
    options = {"batch_size": 2, "seed": 3, "validation_fraction": 0.5, "prepare_workers": 2}
    prepared(represent=represent, attributes=("depth", "pitch"), **options)
    assert tones().made() == []


class Filed(Tones):
    """Audio that is read from files."""

    reads_files = True


def test_audio_in_files_is_read_when_it_is_needed(prepared, tmp_path):
    source = Filed(tmp_path / "log")
    data = prepared(source, represent="on_device")
    assert source.made() == []
    assert not (tmp_path / "cache").exists()
    (batch,) = data.val_dataloader()
    assert source.made() == sorted(batch["index"].tolist()) != []
    # Represented ahead, it is read once.
    ahead = prepared(source, represent="ahead")
    assert source.made() == list(range(12))
    assert indices(ahead.val_dataloader()) == batch["index"].tolist()
    assert source.made() == []


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_clips_that_have_no_value_are_left_out_and_named(module, prepared, tones, represent):
    source = tones(own_parts=ALL_PARTS, silent=(2, 7), unpitched=(3, 5, 9))
    data = module(source, represent=represent, attributes=("depth", "pitch"))
    data.prepare_data()
    named = (
        r"5 clips of tones are left out, since they have no depth or pitch .*: tones 2, tones 3, tones 5, and 2 more"
    )
    with pytest.warns(UserWarning, match=named):
        data.setup("fit")
    assert [indices(loader) for loader in data.predict_dataloader()] == [[0, 1, 4], [6, 8], [10, 11]]
    # The others keep their numbers, and what is known of them.
    batch = data.batch(data.test_dataset, [0, 1], CPU)
    assert batch["attributes"][:, 1].tolist() == [67.0, 68.0]
    assert batch["parity"].tolist() == [0, 1]
    torch.testing.assert_close(
        batch["x"][0], LogMelSequence()(torch.from_numpy(tone(10))[None])[0], rtol=1e-4, atol=1e-4
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*left out.*")
        assert len(prepared(source, represent=represent, attributes=("loudness",)).train_dataset) == 6


@pytest.mark.parametrize(
    ("unpitched", "part"), [(range(6), "training"), ((6, 7, 8), "validation"), ((9, 10, 11), "test")]
)
def test_a_part_without_any_value_is_refused(prepared, tones, unpitched, part):
    source = tones(own_parts=ALL_PARTS, unpitched=tuple(unpitched))
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(DataError, match=rf"^none of the {part} clips of tones has pitch\.$"),
    ):
        prepared(source, attributes=("pitch",))


@pytest.mark.parametrize(("own_parts", "part"), [((1,) * 12, "training"), ((0,) * 12, "validation")])
def test_a_part_that_the_source_leaves_empty_is_refused(prepared, tones, own_parts, part):
    with pytest.raises(DataError, match=rf"^tones has no {part} clips\.$"):
        prepared(tones(own_parts=own_parts))


def test_an_attribute_that_is_the_same_for_all_training_clips_is_refused_by_its_name(module, tones):
    constant = (3.0,) * 6 + tuple(range(6))
    data = module(tones(own_parts=ALL_PARTS, loudness=constant), attributes=("pitch", "loudness"))
    data.prepare_data()
    with pytest.raises(DataError, match=r"^loudness is the same for all training clips of tones, .*attributes"):
        data.setup("fit")
    data.setup("test")  # what was trained can still be tested


def test_a_single_training_clip_is_refused(module, tones):
    data = module(tones(own_parts=(0,) + (1,) * 11))
    data.prepare_data()
    with pytest.raises(DataError, match=r"^tones has one training clip, which cannot be .*validation_fraction\.$"):
        data.setup("fit")
    data.setup("test")
    assert len(data.train_dataset) == 1


def test_a_split_that_cannot_be_had_is_refused_before_the_work(module, tones):
    with pytest.raises(DataError, match="12 clips of 6 groups cannot be split"):
        module(validation_fraction=0.01, attributes=("depth",)).prepare_data()
    assert tones().made() == []


def test_clips_that_cannot_be_had_stop_before_training(module, tones):
    with pytest.raises(DataError, match=r"^tone 3 is broken; tone 8 is broken$"):
        module(tones(unreadable=(3, 8))).prepare_data()


@pytest.mark.parametrize("name", ["x", "audio", "index", "group", "attributes"])
def test_a_class_that_is_called_as_something_else_in_a_batch_is_refused(module, name):
    class Clash(Plain):
        class_names = {name: ("a", "b")}  # noqa: RUF012

    with pytest.raises(DataError, match=rf"^plain has a class '{name}'; a batch has something else of this name\.$"):
        module(Clash()).prepare_data()


def test_a_representation_of_audio_at_another_rate_is_refused(module):
    message = r"^the representation is of audio at 22050 Hz, and tones has 16000 Hz; give it this sample_rate\.$"
    for representation in (LogMelSequence(22_050), LogMagnitudePicture(22_050)):
        with pytest.raises(DataError, match=message):
            module(representation=representation)


def test_the_published_log_mel_is_what_is_heard_unless_another_is_asked_for(module):
    class Fast(Plain):
        sample_rate = 22_050

    assert module().representation.settings == LogMelSequence().settings
    assert module(Fast()).representation.settings == LogMelSequence(sample_rate=22_050).settings


def test_a_representation_that_cannot_hold_the_clips_is_refused_at_once(module):
    with pytest.raises(ModelError, match="frames, more than"):
        module(representation=LogMagnitudePicture(size=16, hop_length=8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, r"batch_size is 0; it must be 1 or more"),
        ({"num_workers": -1}, r"num_workers is -1; it must be 0 or more"),
        ({"seed": -1}, r"seed is -1; it must be 0 or more"),
        ({"prepare_workers": 0}, r"prepare_workers is 0; it must be 1 or more"),
        ({"validation_fraction": 1.0}, r"validation_fraction is 1\.0; it must lie between 0 and 1"),
        ({"represent": "later"}, r"represent is 'later'; choose from ahead, on_device"),
        ({"attributes": ("warmth",)}, r"attributes has 'warmth'; choose from brightness, depth, pitch, loudness"),
        ({"attributes": ("pitch", "pitch")}, r"attributes is \['pitch', 'pitch'\]; name each once"),
    ],
)
def test_options_that_cannot_be_had_are_refused_at_once(module, tmp_path, options, message):
    with pytest.raises(DataError, match=message):
        module(**options)
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_hold_what_is_needed_to_hear(prepared):
    data = prepared(representation=LogMelSequence(n_mels=20, hop_length=64, n_fft=256))

    state = data.state_dict()

    assert state["representation"] == data.representation.settings
    assert state["n_samples"] == N_SAMPLES
    assert state["class_names"] == {name: list(names) for name, names in data.class_names.items()}
    prepared(representation=LogMelSequence(n_mels=20, hop_length=64, n_fft=256)).load_state_dict(state)


def test_a_checkpoint_whose_model_heard_something_else_is_refused(prepared):
    state = prepared(representation=LogMelSequence(n_mels=20, hop_length=64, n_fft=256)).state_dict()

    with pytest.raises(DataError, match=r"trained on representation LogMelSequence .*hop_length 64.* hop_length 128"):
        prepared(representation=LogMelSequence(n_mels=20, hop_length=128, n_fft=256)).load_state_dict(state)


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_key_is_the_name_of_what_is_cached(module, tmp_path, represent):
    data = module(represent=represent)
    before = data.cache_key
    data.prepare_data()

    assert data.cache_key == before
    assert (tmp_path / "cache" / data.cache_key / "key.json").is_file()
    other = module(represent=represent, representation=LogMelSequence(n_mels=20))
    assert (other.cache_key == data.cache_key) == (represent == "on_device")  # where audio alone is kept


def test_the_state_tells_how_loud_the_training_clips_are_once_they_are_known(module, prepared, tones):
    assert "usual_peak" not in module().state_dict()
    data = prepared()

    peaks = sorted(np.abs(data.audio(index)).max() for index in data.train_dataset.indices)
    middle = len(peaks) // 2
    expected = peaks[middle] if len(peaks) % 2 else (peaks[middle - 1] + peaks[middle]) / 2
    assert data.state_dict()["usual_peak"] == pytest.approx(expected)
