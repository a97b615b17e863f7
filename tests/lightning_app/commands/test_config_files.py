"""Names of configurations, and files that include others."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lightning_app.commands.config_files import named_configs, read_config, with_includes, with_paths
from lightning_app.commands.disentangle import main
from lightning_app.errors import UsageError

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def write(tmp_path):
    """Writes a file, and returns its path."""

    def write_to(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_to


def printed(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["fit", *arguments, "--print_config"])
    output = capsys.readouterr()
    assert exit_.value.code == 0, output.err
    return yaml.safe_load(output.out)


def test_names_are_those_of_the_files_at_the_top_and_the_presets():
    assert named_configs("-c")["ts_dsae"] == CONFIGS / "ts_dsae.yaml"
    assert named_configs("-c")["presets/short"] == CONFIGS / "presets" / "short.yaml"
    assert not {"experiments", "data/nsynth", "callbacks/checkpoint"} & named_configs("-c").keys()
    assert named_configs("--data")["nsynth"] == CONFIGS / "data" / "nsynth.yaml"


def test_names_work_from_any_directory(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    config = printed(capsys, "-c", "ts_dsae", "-c", "presets/demo", "--data=urmp")

    assert config["name"] == "demo"
    assert config["data"]["class_path"] == "datamodules.URMPDataModule"


def test_representations_have_names_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    config = printed(capsys, "-c", "ar_vae", "--data", "dmelodies", "--data.representation", "log_mel")

    assert config["data"]["init_args"]["representation"] == {
        "class_path": "modules.audio.LogMelSequence",
        "init_args": {"sample_rate": 16_000, "n_fft": 2048, "hop_length": 256, "n_mels": 80},
    }
    with pytest.raises(UsageError, match=r"no configuration 'log_mell'\. Did you mean log_mel\?"):
        with_paths(["--data.representation", "log_mell"])


def test_a_file_that_exists_comes_before_a_name(write, tmp_path, monkeypatch):
    mine = write("ts_dsae", "name: mine\n")
    monkeypatch.chdir(tmp_path)

    assert with_paths(["-c", "ts_dsae"]) == ["-c", mine.name]


def test_classes_and_whole_configurations_stay_as_they_are():
    words = [
        "--data",
        "mine.Clips",
        "--data=NSynthDataModule",
        "--data",
        "null",
        "-c",
        "{name: x}",
        "--name",
        "ts_dsae",
    ]

    assert with_paths(words) == words


def test_include_starts_from_the_other_file_and_overrides(write):
    write("base/family.yaml", "name: base\nmodel: {sizes: {z: 1, v: 2}, list: [1, 2]}\nkept: ${..name}\n")
    path = write("mine.yaml", "include: base/family.yaml\nname: mine\nmodel: {sizes: {z: 3}, list: [4]}\n")

    assert read_config(path) == {
        "name": "mine",
        "model": {"sizes": {"z": 3, "v": 2}, "list": [4]},
        "kept": "${..name}",
    }


def test_several_are_merged_in_order_and_at_any_depth(write):
    write("one.yaml", "a: 1\nb: 1\n")
    write("deep/two.yaml", "include: ../three.yaml\nb: 2\n")
    write("three.yaml", "b: 3\nc: 3\n")
    path = write("mine.yaml", "trainer: {logger: [{include: [one.yaml, deep/two.yaml], d: 4}]}\n")

    assert read_config(path) == {"trainer": {"logger": [{"a": 1, "b": 2, "c": 3, "d": 4}]}}


def test_files_are_found_beside_the_file_that_names_them(write):
    write("family/base.yaml", "data: ../data/clips.yaml\n")
    write("data/clips.yaml", "class_path: Clips\ninit_args: {size: 10, root: ~/clips}\n")
    path = write("mine.yaml", "include: family/base.yaml\ndata: {init_args: {size: 20}}\n")

    clips = {"class_path": "Clips", "init_args": {"size": 20, "root": str(Path("~/clips").expanduser())}}
    assert read_config(path) == {"data": clips}


def test_arguments_of_one_class_are_not_those_of_another(write):
    write("base.yaml", "optimizer: {class_path: Adam, init_args: {betas: [0, 1]}}\n")
    path = write("mine.yaml", "include: base.yaml\noptimizer: {class_path: SGD, init_args: {lr: 1.0}}\n")

    assert read_config(path) == {"optimizer": {"class_path": "SGD", "init_args": {"lr": 1.0}}}


def test_own_file_includes_one_of_the_project_by_name(write, capsys):
    path = write("mine.yaml", "include: [ts_dsae, presets/demo]\nname: mine\nmodel: {init_args: {z_dim: 5}}\n")

    config = printed(capsys, "-c", str(path))

    assert (config["name"], config["trainer"]["max_epochs"]) == ("mine", 150)
    assert config["model"]["init_args"]["z_dim"] == 5


def test_data_file_is_included_and_overridden(write, capsys):
    model = write(
        "mine.yaml", f"include: ts_dsae\ndata: {{include: {CONFIGS}/data/urmp.yaml, init_args: {{seed: 3}}}}\n"
    )
    data = write("data.yaml", "include: data/urmp\ninit_args: {min_confidence: 0.5}\n")

    of_file = printed(capsys, "-c", str(model))["data"]
    of_option = printed(capsys, "-c", "ts_dsae", "--data", str(data))["data"]

    assert of_file["class_path"] == of_option["class_path"] == "datamodules.URMPDataModule"
    assert (of_file["init_args"]["seed"], of_file["init_args"]["min_confidence"]) == (3, 0.85)
    assert (of_option["init_args"]["seed"], of_option["init_args"]["min_confidence"]) == (0, 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("include: nowhere.yaml\n", "mine.yaml: include: there is no file"),
        (
            "data: {include: data/urm}\n",
            "mine.yaml: data.include: there is no configuration 'data/urm'. Did you mean data/",
        ),
        ("include: mine.yaml\n", "include each other in a circle: "),
        ("include: 3\n", "mine.yaml: include is 3; it takes a file, or a list of files"),
        ("model: [unclosed\n", "problems parsing config"),
        ("trainer: broken.yaml\n", "broken.yaml: "),
    ],
    ids=lambda text: text.strip(),
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(write, text, message):
    path = write("mine.yaml", text)
    write("broken.yaml", "a: [\n")

    with pytest.raises(UsageError) as error:
        with_paths(["-c", str(path)])

    assert message in str(error.value)
    assert str(path.parent) in str(error.value)


def test_value_on_the_command_line_may_include_too(write):
    path = write("one.yaml", "a: 1\n")

    assert with_includes({"include": str(path), "b": 2}, Path()) == {"a": 1, "b": 2}


CLASSES = """
from lightning import LightningDataModule

class Representation: ...

class Mel(Representation):
    def __init__(self, mels: int = 8, hop: int = 1): ...

class One(LightningDataModule):
    def __init__(self, representation: Representation, size: int, seed: int = 0, one: int = 1): ...

class Other(LightningDataModule):
    def __init__(self, representation: Representation, size: int = 1, seed: int = 0, other: int = 1): ...
"""


def test_other_data_keeps_the_arguments_that_both_classes_have(write, monkeypatch, capsys):
    """A model's file says what it hears, whatever data set is then named on the command line."""
    monkeypatch.syspath_prepend(write("two_data_sets.py", CLASSES).parent)
    model = write(
        "model.yaml",
        """
        include: ts_dsae
        seed_everything: 9
        data:
          class_path: two_data_sets.One
          init_args:
            representation: {class_path: two_data_sets.Mel, init_args: {mels: "${.....seed_everything}", hop: 5}}
            size: 7
            seed: ${...seed_everything}
            one: 4
        """,
    )
    other = write("other.yaml", "class_path: two_data_sets.Other\ninit_args: {other: 3}\n")

    data = printed(capsys, "-c", str(model), "--data", str(other))["data"]

    assert data["class_path"] == "two_data_sets.Other"
    assert data["init_args"] == {
        "representation": {"class_path": "two_data_sets.Mel", "init_args": {"mels": 9, "hop": 5}},
        "size": 7,
        "seed": 9,
        "other": 3,
    }


@pytest.mark.slow
def test_wheel_holds_the_configurations(tmp_path):
    # A copy, since setuptools leaves a folder build in the tree, whose files would be in the next wheel too.
    root = tmp_path / "tree"
    kept = ("lightning_app", "datamodules", "modules", "metrics", "configs", "pyproject.toml", "README.md", "LICENSE")
    others = {path.name for path in CONFIGS.parent.iterdir()} - set(kept)
    shutil.copytree(CONFIGS.parent, root, symlinks=True, ignore=lambda folder, names: others & set(names))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(root)]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True)
    program = "from lightning_app.commands.config_files import named_configs as n; print(n('-c')['presets/demo'])"

    done = subprocess.run([sys.executable, "-c", program], cwd=site, capture_output=True, text=True, check=True)

    installed = site / "lightning_app" / "configs"
    assert done.stdout.strip() == str(installed / "presets" / "demo.yaml")
    shipped = {path.relative_to(installed) for path in installed.rglob("*.yaml")}
    assert shipped == {path.relative_to(CONFIGS) for path in CONFIGS.rglob("*.yaml")}
