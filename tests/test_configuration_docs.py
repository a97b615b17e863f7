"""docs/configuration.md and configs/README.md name what there is, and nothing else."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from lightning_app.cli import CALLBACK_SLOTS
from lightning_app.commands.config_files import named_configs
from lightning_app.commands.disentangle import main

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
PAGE = (ROOT / "docs" / "configuration.md").read_text()
TABLES = re.findall(r"^### (.*?)\n\nWith `(.*?)`.*?:\n\n(.*?)(?:\n\n|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
EXAMPLE = re.search(r"```yaml\n# mine\.yaml\n(.*?)```", PAGE, flags=re.DOTALL)[1]


@pytest.fixture
def printed(capsys, tmp_path, monkeypatch):
    """What arguments of `fit` come to, by --print_config, in a folder with the page's mine.yaml and a run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(EXAMPLE)

    def printed(*words):
        with pytest.raises(SystemExit) as exit_:
            main(["fit", *words, "--print_config"])
        out, err = capsys.readouterr()
        assert exit_.value.code == 0, err
        return yaml.safe_load(out)

    return printed


def has(config, option):
    """Whether a configuration has an option like --model.z_dim."""
    node = config
    for key in option.removeprefix("--").split("."):
        node = node.get("init_args", {}) if isinstance(node, dict) and "class_path" in node else node
        if not isinstance(node, dict) or key not in node:
            return False
        node = node[key]
    return True


@pytest.mark.parametrize(("title", "words", "table"), TABLES, ids=[title for title, _, _ in TABLES])
def test_every_option_exists_for_the_configuration_that_it_is_named_for(printed, title, words, table):
    config = printed(*shlex.split(words))

    options = [option for row in table.splitlines() for option in re.findall(r"`(--[\w.]+)`", row.split(" | ")[0])]
    assert options
    assert [option for option in options if not has(config, option)] == []


def test_there_is_a_table_for_each_data_set_and_family():
    assert [title for title, _, _ in TABLES] == re.findall(r"^### (.*)", PAGE, flags=re.MULTILINE)
    words = {words for _, words, _ in TABLES}
    assert {"-c ts_dsae", "-c ar_vae", *(f"-c ts_dsae --data {name}" for name in ("dmelodies", "urmp"))} <= words


@pytest.mark.parametrize("command", re.findall(r"^disentangle fit (.*)", PAGE, flags=re.MULTILINE))
def test_commands_are_accepted(printed, command):
    printed(*shlex.split(command))


def test_example_overrides_what_it_includes(printed):
    config = printed("-c", "mine.yaml")

    assert config["name"] == "mine"
    assert config["data"]["init_args"]["instruments"] == ["violin", "flute"]
    assert config["data"]["init_args"]["representation"]["init_args"]["n_mels"] == 64
    assert config["data"]["init_args"]["representation"]["init_args"]["n_fft"] == 2048
    assert config["model"]["init_args"]["z_dim"] == 16
    assert config["model"]["init_args"]["global_swap_v_weight"] == 1.0
    assert config["trainer"]["default_root_dir"] == "runs/mine"


def test_another_class_keeps_the_arguments_that_it_has_and_null_leaves_out(printed):
    config = printed("-c", "ts_dsae", "--data", "urmp", "--early_stopping", "null")

    assert config["data"]["init_args"]["representation"]["init_args"]["n_mels"] == 80
    assert config["early_stopping"] is None


def test_shipped_configurations_are_listed():
    named = re.findall(r"^\| `([\w/]+)` \|", PAGE, flags=re.MULTILINE)

    shipped = {name for option in ("-c", "--data", "--trainer") for name in named_configs(option)}
    assert set(named) - set(CALLBACK_SLOTS) - {"x_shape", "attribute_names"} == shipped
    assert set(CALLBACK_SLOTS) <= set(named)


def test_every_file_of_the_configurations_is_described_and_no_other():
    described = re.findall(r"`([\w/]+\.yaml)` (?:\||is)", (CONFIGS / "README.md").read_text())

    assert sorted(described) == sorted(path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob("*.yaml"))
