"""The list of the runs behind the figures, and the command lines that make them."""

from pathlib import Path

import pytest
import yaml

from lightning_app.cli import main
from lightning_app.commands.config_files import read_config
from lightning_app.errors import RunError
from lightning_app.runs.experiments import Run, read_experiments

CONFIGS = Path(__file__).parents[3] / "configs"
SHIPPED = CONFIGS / "experiments.yaml"
SMALL = """
models:
  a: {label: A, colour: red, stages: 1}
  b: {label: B, colour: blue, stages: 2}
data: {melodies: Melodies, stems: Stems}
lengths: {long: {1: [], 2: []}, brief: {1: [presets/x.yaml], 2: [presets/x.yaml, presets/y.yaml]}}
figures:
  some: {models: [a, b], data: [melodies], z_dims: [2, 4], posteriors: [factorised, full], seeds: [0, 7]}
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "experiments.yaml"
    path.write_text(SMALL)
    return read_experiments(path)


# The shipped file


def test_every_file_that_is_named_exists():
    experiments = read_experiments(SHIPPED)
    presets = {preset for stages in experiments.lengths.values() for names in stages.values() for preset in names}

    for name in [f"{model}.yaml" for model in experiments.models] + [f"data/{data}.yaml" for data in experiments.data]:
        assert (CONFIGS / name).is_file(), name
    for preset in presets:
        assert (CONFIGS / preset).is_file(), preset


def test_every_model_with_global_and_local_latents_is_named_with_its_number_of_stages():
    models = {path.stem: read_config(path) for path in CONFIGS.glob("*.yaml") if path != SHIPPED}
    stages = {
        name: 1 if config["schedule"] is None else 2
        for name, config in models.items()
        if config["model"]["class_path"] == "modules.DSAE"
    }

    assert {name: model.stages for name, model in read_experiments(SHIPPED).models.items()} == stages


def test_labels_and_colours_differ():
    models = read_experiments(SHIPPED).models.values()

    assert len({model.label for model in models}) == len({model.colour for model in models}) == len(models)


def test_figures_have_the_runs_of_the_paper():
    """Section 6: four models, three sizes, two inference networks, six seeds; section 6.4: three models, one size."""
    experiments = read_experiments(SHIPPED)

    for data in ("dmelodies", "urmp"):
        compared = [set(experiments.runs_of(figure, data)) for figure in ("swap_f1", "fad", "rpa")]
        assert compared[0] == compared[1] == compared[2]
        assert len(compared[0]) == 4 * 3 * 2 * 6
        richer = experiments.runs_of("richer_decoder", data)
        assert len(richer) == 3 * 6
        assert len(compared[0] & set(richer)) == 2 * 6
        assert {(run.z_dim, run.posterior) for run in richer} == {(16, "factorised")}
    (run,) = experiments.runs_of("global_factors", "dmelodies_two_octaves")
    assert run.name == "ts_dsae_richer_decoder-dmelodies_two_octaves-z16-factorised-seed0"


@pytest.mark.parametrize("length", ["published", "short"])
@pytest.mark.parametrize("model", read_experiments(SHIPPED).models)
def test_arguments_make_the_run_that_the_name_says(capsys, tmp_path, model, length):
    experiments = read_experiments(SHIPPED)
    run = Run(model, "dmelodies_two_octaves", 24, "full", 5)
    arguments = run.fit_arguments(CONFIGS, experiments.presets(model, length), tmp_path)

    with pytest.raises(SystemExit) as exit_:
        main([*arguments, "--print_config"])

    assert exit_.value.code == 0
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["name"] == run.name == f"{model}-dmelodies_two_octaves-z24-full-seed5"
    assert config["trainer"]["default_root_dir"] == str(tmp_path / run.name)
    assert config["checkpoint"]["init_args"]["dirpath"] == str(tmp_path / run.name / "checkpoints")
    assert config["trainer"]["max_epochs"] == (80 if length == "short" else 4000)
    assert (config["early_stopping"] is None) == (length == "short")
    settings = config["model"]["init_args"]
    assert (settings["z_dim"], settings["posterior"], config["seed_everything"]) == (24, "full", 5)
    assert config["data"]["init_args"]["octaves"] == [4, 5]
    assert config["data"]["init_args"]["batch_size"] == (16 if length == "short" else 128)
    if experiments.models[model].stages == 2:
        assert config["schedule"]["init_args"]["constrained_epochs"] == (10 if length == "short" else 300)


# Any file


def test_presets_follow_the_data_and_the_name_follows_the_presets(small):
    run = Run("b", "melodies", 2, "full", 7)

    arguments = run.fit_arguments(Path("settings"), small.presets("b", "brief"), Path("out"))

    assert " ".join(arguments) == (
        "fit -c settings/b.yaml --data settings/data/melodies.yaml"
        " -c settings/presets/x.yaml -c settings/presets/y.yaml"
        " --name b-melodies-z2-full-seed7 --trainer.default_root_dir out/b-melodies-z2-full-seed7"
        " --model.z_dim 2 --model.posterior full --seed_everything 7"
    )
    assert " ".join(run.test_arguments(Path("out"))) == ("test --run out/b-melodies-z2-full-seed7")


def test_runs_are_all_combinations(small):
    runs = small.runs_of("some", "melodies")

    assert len(runs) == len(set(runs)) == 2 * 2 * 2 * 2
    assert {run.seed for run in runs} == {0, 7}
    assert {run.data for run in runs} == {"melodies"}


def test_selection_narrows_in_the_order_of_the_file(small):
    runs = small.runs_of("some", "melodies", z_dims=[4, 2, 4], posteriors=["full"], seeds=[7])

    assert [(run.model, run.z_dim, run.posterior, run.seed) for run in runs] == [
        ("a", 2, "full", 7),
        ("b", 2, "full", 7),
        ("a", 4, "full", 7),
        ("b", 4, "full", 7),
    ]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"figure": "other"}, "no figure 'other'; there are some"),
        ({"data": "stems"}, "figure some has no data stems; it has melodies"),
        ({"z_dims": [2, 3, 5]}, "no z_dims 3, 5; it has 2, 4"),
        ({"posteriors": ["half"]}, "no posteriors half; it has factorised, full"),
        ({"seeds": [1]}, "no seeds 1; it has 0, 7"),
        ({"seeds": []}, "needs one of its seeds or more; it has 0, 7"),
    ],
    ids=str,
)
def test_selection_of_what_a_figure_does_not_have(small, selection, message):
    with pytest.raises(RunError, match=message):
        small.runs_of(**{"figure": "some", "data": "melodies", **selection})


def test_length_that_there_is_not(small):
    with pytest.raises(RunError, match="no length 'middling'; there are long, brief"):
        small.presets("a", "middling")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("models: [unclosed", "flow sequence"),
        ("only words", "only words"),
        ("- a list", "Cannot merge"),
        ("", "mandatory value: models"),
        (SMALL.replace("label: A", "lable: A"), "lable"),
        (SMALL.replace("z_dims: [2, 4]", "z_dims: [two]"), "two"),
        (SMALL.replace(", seeds: [0, 7]", ""), "seeds"),
        (SMALL.replace("models: [a, b]", "models: [a, c, d]"), "the model c, d of figure some"),
        (SMALL.replace("data: [melodies]", "data: [words]"), "the data words of figure some"),
        (SMALL.replace("long: {1: [], 2: []}", "long: {1: []}"), "presets of length long for the stages of b"),
    ],
)
def test_file_that_does_not_describe_experiments(tmp_path, text, named):
    path = tmp_path / "experiments.yaml"
    path.write_text(text)

    with pytest.raises(RunError, match=named) as raised:
        read_experiments(path)

    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_file_at_all(tmp_path):
    with pytest.raises(RunError, match=r"cannot read .*nothing\.yaml; name another file with --experiments"):
        read_experiments(tmp_path / "nothing.yaml")
