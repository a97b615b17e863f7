"""``disentangle compare`` on folders of runs."""

import csv
import io
import json
import shutil

import numpy as np
import pytest

from lightning_app.commands.disentangle import main
from lightning_app.evaluation.clip_statistics import clip_statistic
from lightning_app.runs.clip_scores import ClipScore, ClipScores
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder
from tests.lightning_app.runs.test_run_summary import CONFIG

N = 120
SETTINGS = {"factor": "instrument", "seed": 0, "n_train_clips": 300, "rpa_model": None}


def same(seed, better=0.0):
    """The mean of values that differ little between runs, beside what differs between clips; and voiced frames."""
    clip, rng = np.random.default_rng(7).normal(size=(2, N)), np.random.default_rng(seed)
    voiced = np.round(100 + 20 * clip[1])
    rows = {"judge_accuracy/octave": [5.0 * clip[0] + better + 0.5 * rng.normal(size=N)]}
    rows["rpa/pre_swap"] = [np.round(voiced * (0.5 + better / 10 + 0.1 * rng.random(N))), voiced]
    names = {"judge_accuracy/octave": "mean", "rpa/pre_swap": "ratio_of_sums"}
    return {key: ClipScore(names[key], np.arange(N), np.array(values)) for key, values in rows.items()}


@pytest.fixture
def tested(tmp_path, monkeypatch):
    """Writes the folder of a run that was tested, as far as comparisons look at it."""
    monkeypatch.chdir(tmp_path)

    def write(name, scores, *, settings=None, clips=None, data_key="abc", n_mels=20, kind="SwapEvaluation"):
        folder = RunFolder(tmp_path / "runs" / name)
        folder.path.mkdir(parents=True)
        config = json.loads(json.dumps(CONFIG))
        config["data"]["init_args"]["representation"]["init_args"]["n_mels"] = n_mels
        folder.config.write_text(json.dumps(config))
        folder.machine_of("test").write_text(json.dumps({"data_key": data_key}))
        values = {
            key: float(clip_statistic(one.statistic, one.classes)(*one.rows, axis=-1)) for key, one in scores.items()
        }
        EvaluationRecord(kind, values | {"kl_v": 1.0}, SETTINGS | (settings or {}), N).write(folder)
        ClipScores(np.arange(N) if clips is None else clips, scores).write(folder)
        return folder

    return write


def compared(capsys, *options):
    main(["compare", "runs/a", "runs/b", "--format", "json", *options])
    return {row["score"]: row for row in json.loads(capsys.readouterr().out)}


def test_differences_are_those_of_a_plain_paired_bootstrap(tested, capsys):
    a, b = same(1), same(2, better=0.3)
    tested("a", a)
    tested("b", b)

    rows = compared(capsys)

    assert list(rows) == ["rpa/pre_swap", "judge_accuracy/octave"]
    rng, drawn = np.random.default_rng(0), {key: [] for key in rows}
    for _ in range(4000):
        clips = rng.integers(N, size=N)
        for key, one in drawn.items():
            totals = [[row[clips].sum() for row in scores[key].rows] + [float(N)] for scores in (a, b)]
            one.append(totals[1][0] / totals[1][1] - totals[0][0] / totals[0][1])
    for key, row in rows.items():
        totals = [[values.sum() for values in scores[key].rows] + [float(N)] for scores in (a, b)]
        assert [row["a"], row["b"]] == pytest.approx([total[0] / total[1] for total in totals])
        assert row["difference"] == pytest.approx(row["b"] - row["a"])
        low, high = np.quantile(drawn[key], [0.025, 0.975])
        assert [row["low"], row["high"]] == pytest.approx([low, high], abs=0.1 * (high - low))
        assert (row["tells_apart"], row["clips"]) == (True, N)
    # Of unpaired clips the interval of the first would be ten times as wide.
    assert rows["judge_accuracy/octave"]["high"] - rows["judge_accuracy/octave"]["low"] < 0.4


def test_run_is_not_told_apart_from_itself(tested, capsys):
    tested("a", same(1))
    tested("b", same(1))

    row = compared(capsys)["judge_accuracy/octave"]

    assert (row["difference"], row["low"], row["high"], row["tells_apart"]) == (0.0, 0.0, 0.0, False)


def test_clips_that_one_of_both_lacks_are_left_out(tested, capsys):
    tested("a", {"side_effect/depth": ClipScore("mean", np.array([2, 5, 8]), np.array([[1.0, 2.0, 4.0]]))})
    tested("b", {"side_effect/depth": ClipScore("mean", np.array([5, 8, 9]), np.array([[5.0, 5.0, 80.0]]))})

    row = compared(capsys)["side_effect/depth"]

    assert (row["a"], row["b"], row["clips"]) == (3.0, 5.0, 2)


def test_only_some_scores_and_what_one_of_both_has_not_measured(tested, capsys):
    tested("a", same(1))
    tested("b", {"rpa/pre_swap": same(2)["rpa/pre_swap"]}, settings={"rpa_model": "tiny", "v_drawn_from": "mixture"})

    assert list(compared(capsys)) == ["rpa/pre_swap"]
    assert list(compared(capsys, "--scores", "[rpa/pre_swap]")) == ["rpa/pre_swap"]


def test_table_marks_what_tells_apart_and_csv_has_the_numbers(tested, capsys):
    tested("a", same(1))
    tested("b", same(2) | {"rpa/pre_swap": same(2, better=2.0)["rpa/pre_swap"]})

    main(["compare", "runs/a", "runs/b"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert lines["A:"] == "A: runs/a"
    assert lines["rpa/pre_swap"].split()[-2:] == ["*", str(N)]
    assert "*" not in lines["judge_accuracy/octave"]

    main(["compare", "runs/a", "runs/b", "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["tells_apart"] for row in rows] == ["True", "False"]
    assert list(rows[0]) == ["score", "a", "b", "difference", "low", "high", "tells_apart", "clips"]


def refusal(capsys, *options):
    with pytest.raises(SystemExit) as exit_:
        main(["compare", "runs/a", "runs/b", *options])
    assert exit_.value.code == 1
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("b", "message"),
    [
        ({"data_key": "xyz"}, "are of other data and cannot be compared: the key of the data is abc and xyz."),
        ({"n_mels": 40}, "are of other data and cannot be compared: data.representation.n_mels is 20 and 40."),
        ({"clips": np.arange(7, N + 9)}, "on other clips and cannot be compared: 120 and 122, of which 113 are"),
        ({"settings": {"factor": "octave"}}, "cannot be compared: factor is instrument and octave. Test one"),
        ({"settings": {"seed": 3}}, "were not evaluated in the same way and cannot be compared: seed is 0 and 3."),
        ({"kind": "Mine"}, "cannot be compared: evaluation is SwapEvaluation and Mine."),
    ],
)  # fmt: skip
def test_runs_that_cannot_be_compared(tested, capsys, b, message):
    tested("a", same(1))
    tested("b", same(2), **b)

    assert message in refusal(capsys)


def test_data_without_a_key_are_told_by_their_settings(tested, capsys):
    tested("a", same(1), data_key=None)
    folder = tested("b", same(2), data_key=None)
    assert len(compared(capsys)) == 2

    config = json.loads(folder.config.read_text())
    config["data"]["init_args"]["size"] = 9
    folder.config.write_text(json.dumps(config))
    assert "are of other data and cannot be compared: data.size is none and 9." in refusal(capsys)


def test_run_without_the_file_names_the_command_that_makes_it(tested, capsys):
    tested("a", same(1))
    tested("b", same(2)).clip_scores.unlink()

    assert "runs/b has no clip_scores.npz" in (said := refusal(capsys))
    assert "`disentangle test --run runs/b` makes one" in said


def test_file_of_another_test(tested, capsys):
    tested("a", same(1))
    folder = tested("b", same(2))
    ClipScores(np.arange(N), same(3)).write(folder)

    assert "runs/b/clip_scores.npz is not of the same test as evaluation.json; `disentangle test" in refusal(capsys)


def test_no_score_in_common(tested, capsys):
    scores = same(1)
    tested("a", {"rpa/pre_swap": scores["rpa/pre_swap"]})
    tested("b", {"judge_accuracy/octave": scores["judge_accuracy/octave"]})

    assert "have no score of single clips in common: the first has rpa/pre_swap, the second" in refusal(capsys)


def test_score_that_there_is_not(tested, capsys):
    tested("a", same(1))
    tested("b", same(2))

    said = refusal(capsys, "--scores", "[rpa/preswap]")

    assert "do not both have rpa/preswap, clip by clip. Did you mean rpa/pre_swap?" in said
    assert "kl_v" not in said


@pytest.mark.slow
def test_two_trained_runs(two_octave_run, tmp_path, monkeypatch, capsys):
    """What a test writes can be compared, and the values are those of its record."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    for name in ("a", "b"):
        shutil.copytree(two_octave_run, tmp_path / "runs" / name)
    main(["fit", "--run", "runs/b", "--overwrite", "--seed_everything", "5"])
    few = [
        "--evaluation.leakage",
        "true",
        "--evaluation.counterfactuals",
        "5",
        "--trainer.enable_progress_bar",
        "false",
    ]
    for name in ("a", "b"):
        main(["test", "--run", f"runs/{name}", *few])
    capsys.readouterr()

    rows = compared(capsys)

    records = {name: EvaluationRecord.read(RunFolder(tmp_path / "runs" / name)) for name in ("a", "b")}
    kinds = {"swap_f1", "read", "counterfactual", "counterfactual_error"}
    assert kinds <= {key.split("/")[0] for key in rows}
    assert "eer/gap" not in rows
    for key, row in rows.items():
        assert [row["a"], row["b"]] == pytest.approx([records[name].scores[key] for name in ("a", "b")])
        assert row["low"] <= row["high"]
        assert row["clips"] == (5 if key.startswith("counterfactual") else 16)
    RunFolder(tmp_path / "runs/b").clear()
    assert not (tmp_path / "runs/b/clip_scores.npz").exists()
