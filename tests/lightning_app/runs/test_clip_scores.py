"""What scores were made of, on disk."""

import numpy as np
import pytest

from lightning_app.errors import RunError
from lightning_app.runs.clip_scores import ClipScore, ClipScores
from lightning_app.runs.run_folder import RunFolder


@pytest.fixture
def written(tmp_path):
    folder = RunFolder(tmp_path / "run")
    f1 = ClipScore("macro_f1", np.array([3, 5]), np.array([[0.0, 1.0], [0.0, 0.0]]), (0, 1))
    mean = ClipScore("mean", np.array([5]), np.array([[0.1]]))
    ClipScores(np.array([3, 5, 9]), {"swap_f1/pre_swap": f1, "file": mean}).write(folder)
    return folder


def test_what_is_written_is_read(written):
    found = ClipScores.read(written)

    assert found.clips.tolist() == [3, 5, 9]
    assert list(found.scores) == ["swap_f1/pre_swap", "file"]
    f1, mean = found.scores.values()
    assert (f1.statistic, f1.clips.tolist(), f1.classes) == ("macro_f1", [3, 5], (0, 1))
    assert f1.rows.tolist() == [[0.0, 1.0], [0.0, 0.0]]
    assert (mean.statistic, mean.rows.tolist(), mean.classes) == ("mean", [[0.1]], ())


def test_run_without_scores_of_clips_has_a_file_all_the_same(tmp_path):
    ClipScores(np.array([3, 5]), {}).write(RunFolder(tmp_path))

    assert ClipScores.read(RunFolder(tmp_path)).scores == {}


def test_file_that_is_missing_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(RunError, match=r"run has no clip_scores\.npz.*`disentangle test --run .*run` makes one"):
        ClipScores.read(RunFolder(tmp_path / "run"))


def _cut(folder):
    folder.clip_scores.write_bytes(folder.clip_scores.read_bytes()[:-40])


def _without_rows(folder):
    np.savez(folder.clip_scores, **{"clips": np.arange(2), "mine/statistic": np.array("mean")})


def _of_other_clips(folder):
    parts = {"statistic": np.array("mean"), "clips": np.arange(3), "rows": np.ones((1, 2)), "classes": np.array([])}
    np.savez(folder.clip_scores, clips=np.arange(3), **{f"mine/{name}": values for name, values in parts.items()})


def _of_objects(folder):
    np.savez(folder.clip_scores, clips=np.array([{}], dtype=object))


@pytest.mark.parametrize("spoil", [_cut, _without_rows, _of_other_clips, _of_objects])
def test_file_that_is_none(written, spoil):
    spoil(written)

    with pytest.raises(RunError, match=r"clip_scores\.npz is not a file of this version.*disentangle test --run"):
        ClipScores.read(written)
