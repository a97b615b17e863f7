"""What is read of finished runs, and when they are not drawn."""

import shlex

import pytest

from lightning_app.errors import RunError
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.scored_runs import scored_runs

F1 = ["swap_f1/global_swap", "swap_f1/local_swap"]


def read(results, scores=F1, settings=(), **selection):
    return scored_runs("swap_f1", scores, settings, **results.selection, **selection)


def refused(*arguments, **options):
    with pytest.raises(RunError) as raised:
        read(*arguments, **options)
    return str(raised.value)


def test_a_row_for_each_run_with_its_scores_and_epochs(results):
    table = read(results).table()

    known = ["max_epochs", "factor", "checkpoint", "evaluation_seed", "n_train_clips", "n_validation_clips"]
    assert list(table) == ["model", "data", "z_dim", "posterior", "seed", *known, *F1]
    assert len(table["seed"]) == 24
    rows, same = list(zip(*table.values(), strict=True)), (80, "instrument", "best.ckpt", 0, 24, 6)
    for run in results.runs:
        scores = [results.scores[run][score] for score in F1]
        assert (run.model, "melodies", run.z_dim, run.posterior, run.seed, *same, *scores) in rows


def test_values_are_those_of_the_runs_that_are_asked_for(results):
    scored = read(results)

    chosen = [run for run in results.runs if (run.model, run.posterior, run.z_dim) == ("better", "full", 4)]
    assert len(chosen) == 3
    expected = [results.scores[run][F1[0]] for run in chosen]
    assert scored.values(F1[0], model="better", posterior="full", z_dim=4) == expected


def test_selection_reads_no_other_run(results):
    for run in results.runs:
        if run.seed != 1 or run.z_dim != 4 or run.posterior != "full":
            (results.folder / run.name / "evaluation.json").unlink()

    scored = read(results, z_dims=[4], posteriors=["full"], seeds=[1])

    assert [one.run.model for one in scored.runs] == ["plain", "better"]
    assert scored.distinct("z_dim") == [4]


def test_missing_runs_are_all_named_with_the_command_that_makes_them(results):
    missing = [run for run in results.runs if run.model == "better" and run.z_dim == 4 and run.seed != 1]
    for run in missing:
        # Not evaluated, or evaluated while it trains.
        (results.folder / run.name / ("evaluation.json" if run.seed else "training.json")).unlink()

    message = refused(results, posteriors=["full"])

    assert "2 of 12 runs are not in" in message
    assert "\n  better-melodies-z4-full-seed0, 2\n" in message
    assert "plain" not in message
    command = shlex.split(message.split("`")[1])
    assert command == [
        *["disentangle", "experiment", "--figure=swap_f1", "--data=melodies", "--posteriors=[full]"],
        *[f"--experiments={results.experiments}", f"--runs={results.folder}"],
    ]


def test_score_that_was_not_measured(results):
    (run, other) = [run for run in results.runs if run.seed == 2 and run.model == "plain"][:2]
    del results.scores[run]["fad/crepe-full"]
    results.scores[other]["fad/crepe-full"] = float("nan")
    results.write(run)
    results.write(other)

    message = refused(results, [*F1, "fad/crepe-full"])

    assert "2 of 24 runs lack scores, of swap_f1/global_swap, swap_f1/local_swap, fad/crepe-full" in message
    assert run.name in message
    assert other.name in message
    assert f"disentangle test --run {results.folder / run.name} " in message
    assert "--evaluation.fad '[crepe-full]'`" in message
    with_pitch = refused(results, ["fad/vggish", "rpa/pre_swap"])
    assert "--evaluation.fad '[vggish]' --evaluation.rpa full`" in with_pitch
    assert len(read(results).runs) == 24


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"seed_everything": 7}, "seed 7"),
        ({"name": "another"}, "name another"),
        ({"model": {"init_args": {"z_dim": 3, "posterior": "full"}}}, "z_dim 3"),
        ({"model": {"init_args": {"z_dim": 2, "posterior": "other"}}}, "posterior other"),
    ],
)
def test_folder_of_another_run(results, config, named):
    run = next(run for run in results.runs if run.z_dim == 2 and run.posterior == "full")
    results.write(run, config=config)

    message = refused(results)

    assert f"{run.name} has a run of {named}" in message


@pytest.mark.parametrize(
    ("config", "evaluation", "named"),
    [
        ({"trainer": {"max_epochs": 4000}}, {}, "max_epochs 4000"),
        ({}, {"n_train_clips": 25}, "n_train_clips 25"),
        ({}, {"n_clips": 7}, "n_validation_clips 7"),
        ({}, {"factor": "octave"}, "factor octave"),
        ({}, {"seed": 7}, "evaluation_seed 7"),
        ({}, {"checkpoint": "last.ckpt"}, "checkpoint last.ckpt"),
    ],
)
def test_runs_that_cannot_be_compared(results, config, evaluation, named):
    run = results.runs[5]
    changed = {key: evaluation.pop(key) for key in ("n_clips", "checkpoint") if key in evaluation}
    results.write(run, config=config, evaluation=evaluation, changed=changed)

    message = refused(results)

    assert "cannot be compared" in message
    assert f"\n{named}:\n  {run.name}" in message


def test_settings_that_only_some_scores_depend_on(results):
    run = results.runs[5]
    results.write(run, evaluation={"rpa_model": "tiny"})

    assert f"\nrpa_model tiny:\n  {run.name}" in refused(results, ["rpa/pre_swap"], ["rpa_model", "n_audio_clips"])
    assert len(read(results).runs) == 24
    assert set(read(results, F1, ["n_audio_clips"]).table()["n_audio_clips"]) == {5}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("evaluation.json", "{"),
        ("evaluation.json", "[]"),
        ("evaluation.json", '{"scores": {}}'),
        ("evaluation.json", '{"scores": {}, "factor": "instrument", "seed": 0, "n_validation_clips": 6}'),
    ],
    ids=["no JSON", "a list", "no settings", "of an older layout"],
)
def test_run_without_a_record_of_this_layout_is_not_finished(results, file, text):
    run = results.runs[3]
    (results.folder / run.name / file).write_text(text)

    message = refused(results)

    assert "1 of 24 runs" in message
    assert run.name in message


@pytest.mark.parametrize("config", ["model: [unclosed", "name: mine", "", "model: {}\ndata: {}"])
def test_configuration_that_is_not_of_a_model_that_swaps(results, config):
    path = results.folder / results.runs[3].name / "config.yaml"
    path.write_text(config)

    message = refused(results)

    assert str(path.parent) in message
    assert "\n" not in message


def test_evaluation_of_another_kind(results):
    run = results.runs[3]
    EvaluationRecord("LatentEvaluation", {}, {"estimator": "ksg"}, 6, "best.ckpt", 7, 700).write(
        RunFolder(results.folder / run.name)
    )

    assert "is not a run that was evaluated by its swaps: it has no 'factor'" in refused(results)


def test_run_without_its_record(results):
    (results.folder / results.runs[0].name / "config.yaml").unlink()

    assert "config.yaml; name the folder of a run" in refused(results)
