import csv
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning import Trainer

from datamodules import DataError, URMPDataModule
from datamodules.analysis import timbral
from datamodules.urmp.segments import segment_starts
from datamodules.urmp.stems import find_stems
from lightning_app.callbacks import SwapEvaluation, SwapExamples
from lightning_app.errors import RunError
from modules.audio import LogMel, LogMelSpec
from modules.dsae import DSAE

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "urmp_sample"


@pytest.fixture
def prepared(urmp, urmp_cache):
    def prepare(**options) -> URMPDataModule:
        small = {"crepe_model": "tiny", "min_confidence": 0.6, "prepare_workers": 1, "cache_dir": urmp_cache}
        small |= {"validation_fraction": 0.4, "batch_size": 3, "root": None if "prepared_dir" in options else urmp}
        data = URMPDataModule(**(small | options))
        data.prepare_data()
        data.setup("fit")
        return data

    return prepare


def table_of(cache: Path) -> list[dict[str, str]]:
    (path,) = cache.rglob("segments.csv")
    return list(csv.DictReader(path.read_text().splitlines()))


def quiet_trainer(folder: Path, *callbacks) -> Trainer:
    quiet = dict.fromkeys(["enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger"], False)
    return Trainer(accelerator="cpu", max_epochs=1, default_root_dir=folder, callbacks=list(callbacks), **quiet)


def test_batches(prepared):
    data = prepared()
    batches = list(data.train_dataloader())
    assert [len(batch["index"]) for batch in batches] == [3, 2]
    assert {name: tuple(values.shape) for name, values in batches[0].items()} == {
        **{"x": (3, 251, 80), "index": (3,), "group": (3,), "instrument": (3,), "piece": (3,)}
    }
    assert data.class_names == {"instrument": ("violin", "trumpet"), "piece": ("One", "Three", "Two")}
    (batch,) = data.val_dataloader()
    assert sorted(batch["instrument"].tolist()) == [0, 0, 1]  # two fifths of five, and of three
    indices = [index for loader in data.predict_dataloader() for batch in loader for index in batch["index"].tolist()]
    assert sorted(indices) == list(range(8))


@pytest.mark.slow
def test_the_table_in_the_entry_leads_from_batches_to_stems(prepared, urmp, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        data = prepared(cache_dir=tmp_path)
    table = {row["clip"]: row for row in table_of(tmp_path)}
    assert "URMP: kept 5 of 6 segments of 3 stems of violin, 3 of 3 segments of 2 stems of trumpet" in caplog.text
    assert "Which and why is in segments.csv in the cache entry." in caplog.text
    stems = {stem.name: stem for stem in find_stems(urmp, ("violin", "trumpet"))}
    peaks = {"violin": 0.0, "trumpet": 0.0}
    for stem in stems.values():
        peak = np.abs(stem.recording.audio(16_000, 0, stem.recording.length(16_000))).max()
        peaks[stem.instrument] = max(peaks[stem.instrument], float(peak))
    for dataset in (data.train_dataset, data.validation_dataset):
        for clip in dataset:
            row = table[str(int(clip["index"]))]
            assert row["instrument"] == ("violin", "trumpet")[clip["instrument"]]
            assert row["piece"] == ("One", "Three", "Two")[clip["piece"]]
            start = round(float(row["start_seconds"]) * 16_000)
            audio = stems[row["stem"]].recording.audio(16_000, start, start + 64_000) / peaks[row["instrument"]]
            expected = LogMel(LogMelSpec())(torch.from_numpy(audio.astype(np.float32)))
            torch.testing.assert_close(clip["x"], expected, rtol=0, atol=1e-3)


def test_by_piece_no_recording_is_on_both_sides(prepared):
    for seed in range(4):
        data = prepared(split_by_piece=True, seed=seed)
        sides = [set(dataset.labels["piece"].tolist()) for dataset in (data.train_dataset, data.validation_dataset)]
        assert not sides[0] & sides[1]
        assert sides[0] | sides[1] == {0, 1, 2}
        for dataset in (data.train_dataset, data.validation_dataset):
            assert np.array_equal(dataset.groups, dataset.labels["piece"])


def test_the_seed_draws_the_split(prepared):
    def held_out(seed: int) -> tuple[int, ...]:
        return tuple(prepared(seed=seed).validation_dataset.indices.tolist())

    assert held_out(3) == held_out(3)
    assert len({held_out(seed) for seed in range(5)}) > 1


def test_the_second_run_reads_the_cache(prepared, tmp_path):
    def files() -> dict[str, tuple[int, int]]:
        return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in tmp_path.rglob("*.*") if p.suffix != ".lock"}

    prepared(cache_dir=tmp_path)
    first = files()
    assert {"x.npy", "segments.csv", "key.json"} < set(first)
    prepared(cache_dir=tmp_path, seed=1, split_by_piece=True, validation_fraction=0.3, batch_size=2)
    assert files() == first
    # Another threshold or hop takes a new entry, and no new confidences.
    prepared(cache_dir=tmp_path, min_confidence=0.5, hop_seconds=2.0, split_by_piece=True)
    (confidences,) = tmp_path.glob("*.parquet")
    assert (confidences.stat().st_ino, confidences.stat().st_mtime_ns) == first[confidences.name]
    assert len(list(tmp_path.rglob("segments.csv"))) == 2


@pytest.mark.parametrize("represent", ["ahead", "on_device"])
def test_prepared_segments(prepared, tmp_path, tone, represent):
    options = {"represent": represent, "attributes": ("depth",)}
    for octave, instrument in enumerate(("vn", "tpt")):
        for split, n in (("train", 3), ("val", 1)):
            folder = tmp_path / "set" / instrument / split / "audio"
            folder.mkdir(parents=True)
            for number in range(n):
                wave = tone(4, 220 * 2 ** (octave + number / 4))[::3]
                np.save(folder / f"audio_{number}.npy", wave.astype(np.float32))
    data = prepared(prepared_dir=tmp_path / "set", cache_dir=tmp_path / "cache", **options)
    assert (len(data.train_dataset), len(data.validation_dataset)) == (6, 2)
    (batch,) = data.val_dataloader()
    batch = data.on_after_batch_transfer(batch, 0)
    assert set(batch) == {"x", "index", "group", "attributes", "instrument"}
    assert data.class_names == {"instrument": ("violin", "trumpet")}
    assert sorted(batch["instrument"].tolist()) == [0, 1]
    # Files of one name in several folders have a row each.
    for dataset in (data.train_dataset, data.validation_dataset):
        for index, (value,) in zip(dataset.indices.tolist(), dataset.attributes, strict=True):
            assert value == pytest.approx(timbral.depth(data.audio(index), 16_000), rel=1e-6)
    assert len(np.unique(data.train_dataset.attributes)) == 6


@pytest.mark.slow
def test_attributes_are_the_timbral_models_of_the_segments_and_are_computed_once(prepared, tmp_path):
    data = prepared(cache_dir=tmp_path, attributes=("brightness", "depth"))
    (table,) = tmp_path.rglob("timbral-*.parquet")
    first = table.stat().st_mtime_ns
    for dataset in (data.train_dataset, data.validation_dataset):
        for index, values in zip(dataset.indices.tolist(), dataset.attributes, strict=True):
            expected = timbral.timbral_attributes(data.audio(index), 16_000)
            assert values.tolist() == pytest.approx([expected["brightness"], expected["depth"]], rel=1e-6)
    again = prepared(cache_dir=tmp_path, attributes=("brightness", "depth"), split_by_piece=True)
    assert table.stat().st_mtime_ns == first
    assert len(again.train_dataset) + len(again.validation_dataset) == 8


def test_the_representation_is_heard_whenever_it_is_computed(prepared):
    data = [prepared(represent=when, attributes=()) for when in ("ahead", "on_device")]
    batches = [one.batch(one.validation_dataset, range(3), torch.device("cpu")) for one in data]
    torch.testing.assert_close(batches[0].pop("x"), batches[1].pop("x"), rtol=1e-4, atol=1e-3)
    assert all(torch.equal(batches[0][name], batches[1][name]) for name in batches[0] | batches[1])


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_swaps_are_evaluated_and_shown_as_on_other_clips(prepared, tmp_path):
    model, data = DSAE((251, 80), v_dim=2, z_dim=4), prepared()
    quiet_trainer(tmp_path, SwapEvaluation(), SwapExamples(n_examples=1)).test(model, datamodule=data, verbose=False)
    assert (tmp_path / "evaluation.json").is_file()
    assert (tmp_path / "media" / "test" / "spectrograms.png").is_file()


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_swaps_on_one_instrument_are_refused_by_its_name(prepared, tmp_path):
    model, data = DSAE((251, 80), v_dim=2, z_dim=4), prepared(instruments=("trumpet",))
    message = "one instrument, trumpet; choose two or more"
    with pytest.raises(RunError, match=message):
        quiet_trainer(tmp_path, SwapEvaluation()).test(model, datamodule=data, verbose=False)
    with pytest.raises(RunError, match=message):
        quiet_trainer(tmp_path, SwapExamples()).fit(model, datamodule=data)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"root": None}, r"no URMP is named; set root to .*, or prepared_dir to prepared segments"),
        ({"root": "absent"}, "no folder absent"),
        ({"prepared_dir": "absent"}, r"no folder absent; correct prepared_dir"),
        ({"instruments": ("violin", "tuba")}, "no stem of tuba"),
        ({"validation_fraction": 0.0}, "validation_fraction is 0.0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"attributes": ("pitch",)}, r"attributes has 'pitch'; choose from brightness, depth\."),
        ({"crepe_model": "huge"}, "crepe_model is 'huge'"),
    ],
)
def test_options_that_cannot_be_had_are_refused_before_any_work(prepared, tmp_path, option, message):
    with pytest.raises(DataError, match=message):
        prepared(cache_dir=tmp_path, **option)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:segments start each 3.9 s")
def test_a_split_that_leaves_nothing_of_an_instrument_is_refused_before_the_log_mels(prepared, urmp_cache):
    entries = sorted(urmp_cache.glob("urmp-*/"))
    with pytest.raises(
        DataError, match=r"none of the 3 segments of trumpet is left for validation; change validation_fraction"
    ):
        prepared(validation_fraction=0.15, hop_seconds=3.9)
    with pytest.raises(DataError, match=r"none of the 1 segments of flute is left for validation; try another seed"):
        prepared(instruments=("violin", "flute"), split_by_piece=True)  # one piece has a flute
    assert sorted(urmp_cache.glob("urmp-*/")) == entries


def test_overlapping_segments_on_both_sides_are_warned_of(prepared, urmp):
    with pytest.warns(UserWarning, match=r"those for validation overlap those for training; split_by_piece=True"):
        URMPDataModule(root=urmp, hop_seconds=1.0)


@pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"no recordings in {SAMPLE}")
def test_real_recordings_are_found_and_cut():
    stems = find_stems(SAMPLE, ("violin", "trumpet"))
    assert [stem.instrument for stem in stems] == ["violin"] * 3 + ["trumpet", "violin", "trumpet"]
    assert [len(segment_starts(stem, 16_000, 4)) for stem in stems] == [27, 35, 35, 1, 8, 8]
    for stem in stems:
        start = 16_000 * round(segment_starts(stem, 16_000, 4)[-1])
        audio = stem.recording.audio(16_000, start, start + 64_000)
        assert audio.shape == (64_000,)
        assert 0.001 < np.abs(audio).max() <= 1.01
