import csv
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from datamodules.clips import Part
from datamodules.errors import DataError
from datamodules.urmp.segments import UrmpSegments, segment_starts
from datamodules.urmp.stems import find_stems

PAIR = ("violin", "trumpet")


@pytest.fixture
def segments(urmp, urmp_cache):
    def make(root=urmp, instruments=PAIR, sample_rate=16_000, model="tiny", **options):
        stems = find_stems(root, instruments)
        numbers = {"min_confidence": 0.6, "hop_seconds": 4.0} | options
        return UrmpSegments(
            stems, instruments, sample_rate, crepe_model=model, cache_dir=urmp_cache, n_workers=1, **numbers
        )

    return make


def rows(source: UrmpSegments) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(source.table())))


def test_noise_is_dropped_and_tones_are_kept(segments):
    source = segments()
    assert [(Path(s.stem.name).stem, s.start) for s in source.kept] == [
        ("AuSep_1_vn_01_One", 0.0),
        ("AuSep_2_tpt_01_One", 0.0),
        ("AuSep_2_tpt_01_One", 4.0),
        ("AuSep_1_vn_02_Two", 0.0),
        ("AuSep_1_vn_02_Two", 4.0),
        ("AuSep_2_tpt_02_Two", 0.0),
        ("AuSep_1_vn_03_Three", 0.0),
        ("AuSep_1_vn_03_Three", 4.0),
    ]
    assert len(source) == 8
    assert source.class_names == {"instrument": PAIR, "piece": ("One", "Three", "Two")}
    assert source.labels()["instrument"].tolist() == [0, 1, 1, 0, 0, 1, 0, 0]
    assert source.labels()["piece"].tolist() == [0, 0, 0, 2, 2, 2, 1, 1]
    assert source.summary() == "5 of 6 segments of 3 stems of violin, 3 of 3 segments of 2 stems of trumpet"


def test_clips_are_named_by_their_places(segments):
    assert segments().clip_names(np.array([2, 0])) == [
        "01_One_vn_tbn/AuSep_2_tpt_01_One.wav at 4 s",
        "01_One_vn_tbn/AuSep_1_vn_01_One.wav at 0 s",
    ]


def test_each_segment_is_drawn_by_itself_or_with_its_piece(segments):
    source = segments()
    assert source.groups().tolist() == list(range(8))
    parts = source.parts(0.4, 0)
    # Two fifths of five violins, and of three trumpets.
    assert sorted(source.labels()["instrument"][parts == Part.VALIDATION].tolist()) == [0, 0, 1]
    by_piece = segments(split_by_piece=True)
    assert by_piece.groups().tolist() == [0, 0, 0, 2, 2, 2, 1, 1]
    for seed in range(4):
        parts = by_piece.parts(0.4, seed)
        sides = [set(by_piece.groups()[parts == part].tolist()) for part in (Part.TRAIN, Part.VALIDATION)]
        assert not sides[0] & sides[1]
        assert sides[0] | sides[1] == {0, 1, 2}
    # The audio is the same, and so the cache is.
    assert by_piece.key() == source.key()


def test_it_can_be_sent_to_another_process(segments):
    source = segments()
    maker = pickle.loads(pickle.dumps(source.audio_maker(2)))
    assert np.array_equal(maker(), source.audio(2))


def test_the_table_says_what_was_dropped_and_why(segments):
    source = segments()
    assert source.texts() == {"segments.csv": source.table()}
    table = rows(source)
    assert [row["clip"] for row in table] == ["0", "", "", "1", "2", "3", "4", "5", "6", "7"]
    kept, noise, rest = table[:3]
    assert float(kept.pop("mean_confidence")) > 0.7
    assert kept == {
        **{"clip": "0", "instrument": "violin", "piece": "One", "stem": "01_One_vn_tbn/AuSep_1_vn_01_One.wav"},
        **{"start_seconds": "0", "kept": "yes", "reason": ""},
    }
    assert float(noise["mean_confidence"]) < 0.4
    assert (noise["start_seconds"], noise["kept"], noise["reason"]) == ("4", "no", "mean confidence below 0.6")
    assert (rest["start_seconds"], rest["kept"], rest["mean_confidence"]) == ("8", "no", "")
    assert rest["reason"] == "rest of 1.000 s, shorter than a segment"
    assert [row["kept"] for row in table[3:]] == ["yes"] * 7


def test_mean_confidence_is_that_of_the_segments_frames(segments):
    source = segments(instruments=("violin",))
    confidence = source._measures["01_One_vn_tbn/AuSep_1_vn_01_One.wav"].confidence
    first, second = source.segments[:2]
    assert first.confidence == pytest.approx(confidence[:400].mean(), abs=1e-6)
    assert second.confidence == pytest.approx(confidence[400:800].mean(), abs=1e-6)
    exactly = segments(instruments=("violin",), min_confidence=first.confidence)
    assert exactly.kept[0] == first  # only what is below is dropped


def test_amplitudes_are_normalised_over_all_stems_of_an_instrument(segments):
    source = segments()
    # The filter of the resampler rings where a tone begins or ends at once.
    assert source.peaks["violin"] == pytest.approx(0.5, rel=0.03)
    assert source.peaks["trumpet"] == pytest.approx(0.2, rel=0.03)
    audio = [source.audio(index) for index in range(len(source))]
    assert all(wave.shape == (64_000,) and wave.dtype == np.float32 for wave in audio)
    peaks = [np.abs(wave).max() for wave in audio]
    assert peaks == pytest.approx([1, 1, 1, 0.5, 0.5, 0.5, 0.6, 0.6], rel=0.04)
    assert max(peaks) <= 1 + 1e-6


def test_audio_is_the_stems(segments, strongest_frequency):
    source = segments()
    frequencies = [strongest_frequency(source.audio(index), 16_000) for index in range(len(source))]
    assert frequencies == pytest.approx([440, 550, 550, 660, 660, 330, 350, 350], rel=0.005)
    stem = source.kept[2].stem
    expected = stem.recording.audio(16_000, 64_000, 128_000) / source.peaks["trumpet"]
    np.testing.assert_allclose(source.audio(2), expected, rtol=0, atol=1e-6)


def test_another_sample_rate(segments):
    source = segments(sample_rate=22_050)
    assert source.n_samples == 88_200
    assert [source.audio(index).shape for index in range(len(source))] == [(88_200,)] * 8


def test_overlapping_segments(segments):
    source = segments(hop_seconds=1.0, instruments=("violin",))
    starts = [segment.start for segment in source.segments if "One" in segment.stem.name]
    assert starts == [0, 1, 2, 3, 4, 5]  # the last ends with the stem
    assert [row["kept"] for row in rows(source)][:6].count("no") >= 2
    np.testing.assert_allclose(source.audio(0)[16_000:32_000], source.audio(1)[:16_000], rtol=0, atol=1e-6)


def test_segments_tile_a_stem(tmp_path, write_stem):
    for number, n in enumerate((191_999, 192_000, 383_999, 384_000, 384_001), start=1):
        write_stem(tmp_path / "p" / f"AuSep_{number}_vn_01_A.wav", np.zeros(n))
    starts = [segment_starts(stem, 16_000, 4) for stem in find_stems(tmp_path, ("violin",))]
    # A third of a sample less than four seconds is four seconds at 16 kHz.
    assert starts == [[0], [0], [0, 4], [0, 4], [0, 4]]
    assert segment_starts(find_stems(tmp_path, ("violin",))[0], 48_000, 4) == []


def test_a_set_that_the_filter_empties_is_named_with_its_highest_confidence(segments, tmp_path, write_stem, noise):
    for number in (1, 2):
        write_stem(tmp_path / "p" / f"AuSep_{number}_tpt_01_A.wav", noise(4.5))
    with pytest.raises(DataError) as error:
        len(segments(tmp_path, ("trumpet",)))
    message = str(error.value)
    assert message.startswith("none of the 2 segments of trumpet has a mean CREPE confidence of 0.6 or more; the high")
    assert message.endswith("Lower min_confidence, or leave trumpet out of instruments.")


def test_stems_that_are_all_too_short_or_silent_are_named(segments, tmp_path, write_stem):
    write_stem(tmp_path / "p" / "AuSep_1_vn_01_A.wav", np.full(4800, 0.1))
    with pytest.raises(DataError, match="the stems of violin are all shorter than 4 s; leave it out"):
        len(segments(tmp_path, ("violin",)))
    write_stem(tmp_path / "p" / "AuSep_1_hn_01_A.wav", np.zeros(192_000))
    with pytest.raises(DataError, match="the stems of horn are silent"):
        segments(tmp_path, ("horn",), min_confidence=0.0).audio(0)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"min_confidence": 1.1}, r"min_confidence is 1\.1; it must lie between 0 and 1"),
        ({"min_confidence": float("nan")}, r"min_confidence is nan"),
        ({"hop_seconds": 0.0}, r"hop_seconds is 0\.0; it must be more than 0"),
        ({"model": "huge"}, r"crepe_model is 'huge'; choose from full, tiny"),
    ],
)
def test_options_out_of_range(segments, option, message):
    with pytest.raises(DataError, match=message):
        segments(**option)


def test_the_key_tells_all_that_determines_the_audio(segments):
    variants = [
        {},
        {"instruments": ("trumpet", "violin")},
        {"sample_rate": 8000},
        {"min_confidence": 0.5},
        {"hop_seconds": 2.0},
        {"model": "full"},
    ]
    keys = [json.dumps(segments(**variant).key()) for variant in variants]
    assert len(set(keys)) == len(keys)
    assert json.dumps(segments().key()) == keys[0]
