"""Sweep files: what they say, and what is said of those that are wrong."""

import pytest

from lightning_app.errors import UsageError
from lightning_app.sweeps.sweep_file import Halving, find_sweep_file, read_sweep

PARAMETERS = {"model.z_dim": {"values": [2, 4]}}


def message(path):
    with pytest.raises(UsageError) as error:
        read_sweep(path)
    assert str(error.value).startswith(f"{path}: ") or str(path) in str(error.value)
    return str(error.value)


def test_groups_become_dots_and_seeds_are_no_parameter(write_sweep):
    nested = {"model": {"parameters": {"z_dim": {"values": [2, 4]}, "inner": {"parameters": {"a": {"value": None}}}}}}
    file = write_sweep(method="grid", run_cap=None, parameters={**nested, "seed_everything": {"values": [3, 5]}})

    sweep = read_sweep(file)

    assert list(sweep.parameters) == ["model.z_dim", "model.inner.a"]
    assert sweep.seeds == (3, 5)
    assert sweep.n_trials == 2


def test_arguments_stand_where_the_command_has_them(write_sweep):
    command = ["${env}", "${interpreter}", "-m", "lightning_app", "fit", "--config=a", "${args}", "--config=b"]
    sweep = read_sweep(write_sweep(command=command))

    values = {"x": 0.5, "model.posterior": "full", "octaves": [4, 5], "media": None, "flag": True}

    assert sweep.fit_arguments(values, 7) == [
        *["--config=a", "--x=0.5", "--model.posterior=full", "--octaves=[4, 5]", "--media=null", "--flag=true"],
        *["--seed_everything=7", "--config=b"],
    ]
    assert sweep.fit_arguments({"x": 1}, None) == ["--config=a", "--x=1", "--config=b"]


@pytest.mark.parametrize(
    ("changes", "n_trials"),
    [
        ({"run_cap": 9}, 4),  # of two seeds each
        ({"run_cap": 1}, 1),
        ({"method": "grid", "run_cap": None, "parameters": {"a": {"values": [1, 2]}, "b": {"min": 1, "max": 3}}}, 6),
        ({"method": "grid", "run_cap": 4, "parameters": {"a": {"values": [1, 2]}, "b": {"min": 1, "max": 3}}}, 4),
    ],
)
def test_number_of_trials(write_sweep, changes, n_trials):
    assert read_sweep(write_sweep(**changes)).n_trials == n_trials


@pytest.mark.parametrize(
    ("entry", "halving"),
    [
        ({"min_iter": 3}, Halving(3, 3)),
        ({"min_iter": 3, "eta": 2, "strict": True}, Halving(3, 2)),
        ({"max_iter": 27, "s": 2}, Halving(3, 3)),
        ({"max_iter": 27, "s": 9}, Halving(1, 3)),
    ],
)
def test_hyperband(write_sweep, entry, halving):
    assert read_sweep(write_sweep(early_terminate={"type": "hyperband", **entry})).halving == halving


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metod": "grid"}, "there is no key metod. Did you mean method?"),
        ({"method": "baies"}, "method is 'baies'. Did you mean bayes? It is one of grid, random, bayes"),
        ({"method": None}, "method is None. It is one of grid"),
        ({"scheduler": {"engine": "wandb"}}, "scheduler is for W&B's servers alone; leave it out"),
        ({"name": "a/b"}, "name is 'a/b'; it becomes the name of a folder"),
        ({"metric": None}, "metric takes a name and a goal, like {name: val/negative_elbo"),
        ({"metric": {"name": "loss"}}, "metric.name is 'loss'; it is val/ and what a run logs"),
        ({"metric": {"name": "val/x", "goal": "max"}}, "metric.goal is 'max'; it is minimize or maximize"),
        ({"metric": {"name": "val/x", "gaol": "minimize"}}, "metric has no gaol. Did you mean goal?"),
        ({"metric": {"name": "val/x", "target": 1}}, "metric.target is not possible here"),
        ({"run_cap": None}, "method random never ends by itself; say after how many runs, like run_cap: 40"),
        ({"run_cap": 0}, "run_cap is 0; it is an integer of 1 or more"),
        ({"early_terminate": {"type": "median"}}, "early_terminate takes `type: hyperband`"),
        ({"early_terminate": {"type": "hyperband"}}, "early_terminate needs min_iter, or max_iter and s"),
        ({"early_terminate": {"type": "hyperband", "min_itr": 1}}, "has no min_itr. Did you mean min_iter?"),
        ({"early_terminate": {"type": "hyperband", "min_iter": 1, "strict": False}}, "always judged strictly here"),
        (
            {"early_terminate": {"type": "hyperband", "min_iter": 1}, "metric": {"name": "test/f1"}},
            "test/f1 is there at the end alone; take a val/... metric",
        ),
        ({"command": None}, "command is a list like [${env}, disentangle, fit, ${args}]"),
        ({"command": ["${env}", "python", "train.py", "${args}"]}, "command runs '${env} python train.py ${args}'"),
        ({"command": ["disentangle", "fit"]}, "command has ${args} 0 times; it stands once"),
        ({"command": ["disentangle", "fit", "${args}", "${args_json}"]}, "${args_json} is not possible here"),
        (
            {"command": ["disentangle", "fit", "--trainer.default_root_dir=x", "${args}"]},
            "command has trainer.default_root_dir, which a sweep sets for each run",
        ),
        ({"parameters": {"run": {"value": "x"}}}, "parameters has run, which a sweep sets"),
        ({"parameters": {}}, "parameters takes options with their values, like"),
        ({"parameters": {"seed_everything": {"values": [0, 1]}}}, "parameters has nothing besides seed_everything"),
        (
            {"parameters": {**PARAMETERS, "seed_everything": {"min": 0, "max": 9}}},
            "each trial is trained once with each",
        ),
        ({"parameters": {"x": 3}}, "parameters.x is 3; it takes `value`, `values`, or `min` and `max`"),
        (
            {"parameters": {"x": {"valus": [1]}}},
            "parameters.x needs `value`, `values`, `min` and `max`, or a `distribu",
        ),
        ({"parameters": {"x": {"valus": [1]}}}, "There is no valus. Did you mean values?"),
        ({"parameters": {"x": {"values": []}}}, "parameters.x.values takes a list of one or more, not []"),
        ({"parameters": {"x": {"values": [1, 2, 1]}}}, "parameters.x.values has 1 twice"),
        (
            {"parameters": {"x": {"values": [1, 2], "probabilities": [1]}}},
            "probabilities takes a list as long as values",
        ),
        ({"parameters": {"x": {"values": [1, 2], "probabilities": [1, 1]}}}, "they must be 0 or more, with a sum of 1"),
        ({"parameters": {"x": {"min": 1}}}, "parameters.x is int_uniform, and needs max"),
        ({"parameters": {"x": {"min": 2, "max": 1}}}, "parameters.x: min 2 is not less than max 1"),
        ({"parameters": {"x": {"min": "1e-4", "max": 1}}}, "To YAML, 1e-4 is a text: write 0.000100, or 1.0e-4"),
        ({"parameters": {"x": {"distribution": "log_uniform_value", "min": 1, "max": 2}}}, "mean log_uniform_values?"),
        (
            {"parameters": {"x": {"distribution": "log_uniform_values", "min": 0, "max": 2}}},
            "x.min is 0; with log_unifo",
        ),
        (
            {"parameters": {"x": {"distribution": "normal", "sigma": -1}}},
            "parameters.x.sigma is -1; it must be above 0",
        ),
        ({"parameters": {"x": {"distribution": "normal", "min": 0}}}, "parameters.x is normal, and has no min"),
        ({"parameters": {"x": {"distribution": "q_normal", "q": 0}}}, "parameters.x.q is 0; it must be above 0"),
        (
            {"method": "grid", "parameters": {"x": {"min": 0.0, "max": 1.0}}},
            "parameters.x has no values to make a grid of; give it `values`, or take method random",
        ),
        ({"parameters": {"g": {"parameters": PARAMETERS, "value": 1}}}, "parameters.g has value beside its parameters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistake_is_named(write_sweep, changes, said):
    assert said in message(write_sweep(**changes))


def test_file_that_cannot_be_read(tmp_path):
    assert "cannot read" in message(tmp_path / "nowhere.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("method: [")
    assert "problems parsing" in message(broken)
    broken.write_text("- 1")
    assert "is no sweep file" in message(broken)


def test_file_that_is_not_there_and_the_projects_own_by_name():
    assert find_sweep_file("paper_grid").name == "paper_grid.yaml"
    with pytest.raises(UsageError, match=r"no configuration 'paper_gird'\. Did you mean paper_grid\?"):
        find_sweep_file("paper_gird")
    with pytest.raises(UsageError, match=r"the sweep file: there is no file mine\.yaml"):
        find_sweep_file("mine.yaml")
