"""Scores side by side."""

import pytest
from scipy.stats import ttest_1samp

from lightning_app.listening.opened_run import OpenedRun
from lightning_app.report.score_tables import score_tables
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder


@pytest.fixture
def scored(tmp_path):
    """Makes a run with a record of its evaluation, as far as tables look at it."""

    def make(name, scores, z_dim=8, seed=0, size=20, settings=None, n_clips=4):
        folder = RunFolder(tmp_path / name)
        if scores is not None:
            EvaluationRecord("SwapEvaluation", scores, {"factor": "instrument", **(settings or {})}, n_clips).write(
                folder
            )
        config = {
            "seed_everything": seed,
            "model": {"class_path": "modules.DSAE", "init_args": {"z_dim": z_dim}},
            "data": {"class_path": "datamodules.DMelodiesDataModule", "init_args": {"size": size}},
        }
        return OpenedRun(name, folder, config, None, None)

    return make


def row(table, label):
    return next(one for one in table.rows if one.label.startswith(label))


def test_runs_that_differ_in_their_seed_are_one_column_with_mean_and_interval(scored):
    values = [0.25, 0.5, 0.875]
    runs = [scored(f"s{n}", {"swap_f1/global_swap": value}, seed=n) for n, value in enumerate(values)]

    (table,), unscored = score_tables(runs)

    assert unscored == []
    assert [column.runs for column in table.columns] == [["s0", "s1", "s2"]]
    (value,) = row(table, "macro F1 after the global swap").values
    assert value.mean == pytest.approx(sum(values) / 3)
    ends = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert [value.mean - value.margin, value.mean + value.margin] == pytest.approx(list(ends))
    assert not value.best  # there is nothing to be better than


def test_scores_of_other_factors_than_the_one_that_was_swapped_stand_apart(scored):
    keys = ["swap_f1/pre_swap", "follows_v/instrument", "follows_v/octave", "read/z/octave/linear", "inception/drawn"]

    (table,), _ = score_tables([scored("a", dict.fromkeys(keys, 0.5))])

    assert [row.label for row in table.rows] == [
        "macro F1 of the instrument, before the swap",
        "instrument, follows v in swaps",
    ]
    assert len(table.more) == 3


def test_best_is_the_highest_or_the_lowest_by_what_is_measured(scored):
    a = scored("a", {"swap_f1/pre_swap": 0.9, "fad/vggish": 2.0, "kl_v": 0.1, "rpa/pre_swap": 0.5}, z_dim=8)
    b = scored("b", {"swap_f1/pre_swap": 0.8, "fad/vggish": 1.0, "kl_v": 0.2, "rpa/pre_swap": float("nan")}, z_dim=16)

    (table,), _ = score_tables([a, b])

    best = {one.label: [bool(value and value.best) for value in one.values] for one in table.rows}
    assert best == {
        "macro F1 of the instrument, before the swap": [True, False],
        "raw pitch accuracy, before the swap": [False, False],
        "Fréchet audio distance of the reconstruction, vggish": [False, True],
        "KL of v": [False, False],
    }
    assert row(table, "raw pitch").values[1] is None


def test_runs_of_different_data_have_tables_of_their_own(scored):
    tables, _ = score_tables([scored("a", {"kl_v": 1.0}), scored("b", {"kl_v": 2.0}, size=40)])

    assert [[column.runs for column in table.columns] for table in tables] == [[["a"]], [["b"]]]


def test_nothing_is_best_where_the_evaluations_differ(scored):
    a = scored("a", {"rpa/pre_swap": 0.9}, z_dim=8, settings={"rpa_model": "tiny", "n_train_clips": 3})
    b = scored("b", {"rpa/pre_swap": 0.8}, z_dim=16, settings={"rpa_model": "full", "n_train_clips": 4})

    (table,), _ = score_tables([a, b])

    assert table.differing == ["rpa_model"]
    assert [value.best for value in row(table, "raw pitch").values] == [False, False]


def test_run_without_a_record_is_named_and_numbers_of_clips_are_no_scores(scored):
    blank = scored("blank", None)

    (table,), unscored = score_tables([blank, scored("a", {"fad/vggish": 1.0, "fad/vggish/n_real": 100.0})])

    assert unscored == [blank]
    assert [one.label for one in table.rows] == ["Fréchet audio distance of the reconstruction, vggish"]
