import os
from pathlib import Path

import numpy as np
import pytest

from datamodules.analysis.timbral import timbral_attributes
from datamodules.clips.attributes import attribute_values, check_attributes
from datamodules.errors import DataError
from tests.datamodules.clips.tones import RATE, Plain, Tones, tone

TIMBRAL = ("brightness", "depth")


def measured(indices=range(12)) -> np.ndarray:
    return np.array([[timbral_attributes(tone(index), RATE)[name] for name in TIMBRAL] for index in indices])


def test_measured_attributes_are_the_timbral_models(tmp_path):
    values = attribute_values(Tones(tmp_path / "log"), TIMBRAL, tmp_path / "cache", 1)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, measured(), rtol=1e-6)
    assert len(np.unique(values)) == 24


def test_attributes_are_in_the_order_asked_for(tmp_path):
    values = attribute_values(Tones(tmp_path / "log"), ("pitch", "depth", "loudness", "brightness"), tmp_path, 1)
    np.testing.assert_allclose(values[:, [3, 1]], measured(), rtol=1e-6)
    assert values[:, 0].tolist() == [57.0 + index for index in range(12)]
    assert values[:, 2].tolist() == list(range(12))


def test_what_is_known_is_not_measured(tmp_path):
    source = Tones(tmp_path / "log")
    assert attribute_values(source, ("pitch",), tmp_path / "cache", 1).shape == (12, 1)
    assert attribute_values(source, (), tmp_path / "cache", 1).shape == (12, 0)
    assert source.made() == []
    assert list(tmp_path.iterdir()) == []


def test_each_clip_is_measured_once(tmp_path):
    source = Tones(tmp_path / "log")
    first = attribute_values(source, TIMBRAL, tmp_path / "cache", 1)
    assert source.made() == list(range(12))
    again = attribute_values(Tones(tmp_path / "log"), ("depth", "brightness"), tmp_path / "cache", 2)
    assert source.made() == []
    assert np.array_equal(again[:, ::-1], first)


def test_values_do_not_depend_on_the_number_of_workers(tmp_path):
    # More than 64 clips go to more than one worker.
    one, three = (attribute_values(Tones(tmp_path / "log", size=70), TIMBRAL, tmp_path / str(n), n) for n in (1, 3))
    assert np.array_equal(one, three)
    np.testing.assert_allclose(one[65:], measured(range(65, 70)), rtol=1e-6)


def test_other_audio_is_measured_anew_and_has_a_table_of_its_own(tmp_path):
    cache = tmp_path / "cache"
    attribute_values(Plain(), TIMBRAL, cache, 1)
    attribute_values(Tones(tmp_path / "log"), TIMBRAL, cache, 1)
    shorter = attribute_values(Tones(tmp_path / "log", size=4), TIMBRAL, cache, 1)
    np.testing.assert_allclose(shorter, measured(range(4)), rtol=1e-6)
    assert len(list(cache.rglob("*.parquet"))) == 3


def test_a_table_lies_where_the_source_says(tmp_path):
    source = Tones(tmp_path / "log", folder=tmp_path / "data")
    attribute_values(source, TIMBRAL, tmp_path / "cache", 1)
    (table,) = tmp_path.rglob("*.parquet")
    assert table.parent == tmp_path / "data"
    # A clip that changed is measured again, and no other.
    source.made()
    states = tuple("new" if index == 3 else "" for index in range(12))
    changed = Tones(tmp_path / "log", folder=tmp_path / "data", states=states)
    np.testing.assert_allclose(attribute_values(changed, TIMBRAL, tmp_path / "cache", 1), measured(), rtol=1e-6)
    assert source.made() == [3]


def test_a_table_that_cannot_lie_there_is_in_the_cache(tmp_path):
    (tmp_path / "file").touch()
    source = Tones(tmp_path / "log", folder=tmp_path / "file" / "below")
    for made in (list(range(12)), []):
        np.testing.assert_allclose(attribute_values(source, TIMBRAL, tmp_path / "cache", 1), measured(), rtol=1e-6)
        assert source.made() == made
    (table,) = tmp_path.rglob("*.parquet")
    assert table.parent == tmp_path / "cache"


def test_clips_without_a_value_have_none_and_those_unreadable_are_tried_again(tmp_path):
    source = Tones(tmp_path / "log", silent=(2,), unreadable=(5,), unpitched=(7,))
    for made in (list(range(12)), [5]):
        values = attribute_values(source, (*TIMBRAL, "pitch"), tmp_path / "cache", 1)
        assert source.made() == made
        missing = np.zeros((12, 3), bool)
        missing[[2, 5], :2] = missing[7, 2] = True
        assert np.array_equal(np.isnan(values), missing)
        np.testing.assert_allclose(values[8:, :2], measured(range(8, 12)), rtol=1e-6)


def test_no_table_can_be_written(tmp_path, fork):
    (tmp_path / "cache").mkdir()

    def as_nobody() -> str:
        os.chdir(tmp_path)  # the folders above may be closed to nobody
        if os.geteuid() == 0:
            os.setuid(65534)  # root may write anywhere
        with pytest.raises(DataError) as error:
            attribute_values(Tones(Path("log")), TIMBRAL, Path("cache"), 1)
        return str(error.value)

    (tmp_path / "cache").chmod(0o555)
    tmp_path.chmod(0o755)
    try:
        message = fork(as_nobody).result()
    finally:
        (tmp_path / "cache").chmod(0o755)
    assert message.startswith("cannot write the table of attributes, neither in cache/tones-attributes-")
    assert message.endswith("(Permission denied). Set cache_dir to a writable folder.")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("warmth",), r"^attributes has 'warmth'; choose from brightness, depth, pitch, loudness\.$"),
        (("pitch", "family"), r"^attributes has 'family'; choose from"),
        (("depth", "pitch", "depth"), r"^attributes is \['depth', 'pitch', 'depth'\]; name each once\.$"),
    ],
)
def test_names_that_are_none_are_refused_with_those_that_there_are(tmp_path, wanted, message):
    with pytest.raises(DataError, match=message):
        check_attributes(wanted, Tones(tmp_path / "log"))


def test_any_audio_can_be_measured_and_no_attribute_need_be_asked_for(tmp_path):
    check_attributes((), Plain())
    check_attributes(TIMBRAL, Plain())
    with pytest.raises(DataError, match=r"attributes has 'pitch'; choose from brightness, depth\.$"):
        check_attributes(("pitch",), Plain())
