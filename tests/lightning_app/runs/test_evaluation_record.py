"""The record of an evaluation, and when a run is finished."""

import json
import shutil

import pytest

from lightning_app.errors import RunError
from lightning_app.runs.evaluation_record import EvaluationRecord, is_finished
from lightning_app.runs.run_folder import RunFolder, Training

RECORD = EvaluationRecord("SwapEvaluation", {"kl_v": 0.5}, {"seed": 3}, 7, "best.ckpt", 11, 120)


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def of_step(step):
    return EvaluationRecord("SwapEvaluation", {}, {}, 7, "best.ckpt", 11, step)


def test_what_was_written_is_read(folder):
    RECORD.write(folder)

    assert EvaluationRecord.read(folder) == RECORD


def test_scores_that_are_no_numbers_are_read_as_such(folder):
    EvaluationRecord("SwapEvaluation", {"kl_v": float("nan")}, {}, 7).write(folder)

    assert EvaluationRecord.read(folder).scores["kl_v"] != EvaluationRecord.read(folder).scores["kl_v"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"scores": {}}',
        '{"scores": {"kl_v": 0.5}, "factor": "instrument", "seed": 0, "checkpoint": "a.ckpt"}',
    ],
    ids=["no JSON", "a list", "not all", "the layout before"],
)
def test_record_of_another_layout(folder, text):
    folder.evaluation.write_text(text)

    with pytest.raises(RunError, match="is not a record of this version of the project; `disentangle test --run"):
        EvaluationRecord.read(folder)


@pytest.mark.parametrize("changed", [{"scores": {"kl_v": "low"}}, {"scores": 3}, {"settings": 3}], ids=str)
def test_record_of_other_types(folder, changed):
    RECORD.write(folder)
    folder.evaluation.write_text(json.dumps(json.loads(folder.evaluation.read_text()) | changed))

    with pytest.raises(RunError, match="is not a record"):
        EvaluationRecord.read(folder)


def test_run_without_a_record(folder):
    with pytest.raises(RunError, match=r"has no record of an evaluation; `disentangle test --run .*` makes one"):
        EvaluationRecord.read(folder)


# Finished


@pytest.mark.parametrize(
    ("training", "step", "finished"),
    [
        (Training(3, 30, 20), 20, True),
        (Training(3, 30, 20), 30, True),
        (Training(3, 30, 20), 10, False),
        (Training(3, 30), 20, True),
        (Training(3, 30), 40, False),
        (Training(3, 30), None, False),
        (Training(3, 30, 20, "max_time", finished=False), 20, False),
        (None, 20, False),
    ],
    ids=[
        "best",
        "last",
        "before it went on",
        "no best",
        "of another run",
        "of no checkpoint",
        "cut short",
        "not trained",
    ],
)
def test_finished_run_was_evaluated_as_it_is_now(folder, training, step, finished):
    of_step(step).write(folder)
    if training is not None:
        folder.mark_trained(training)

    assert is_finished(folder) == finished


def test_copies_are_finished_whatever_the_order_of_their_files(folder, tmp_path_factory):
    of_step(20).write(folder)
    folder.mark_trained(Training(3, 30, 20))
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(folder.evaluation, copy)
    shutil.copy(folder.path / "training.json", copy)

    assert is_finished(RunFolder(copy))


def test_run_that_was_not_evaluated_is_not_finished(folder):
    folder.mark_trained(Training(3, 30, 20))

    assert not is_finished(folder)
