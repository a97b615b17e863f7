"""Runs of strangers: nothing in their folders is executed."""

import re
import shutil
import sys

import pytest
import torch
import yaml

from lightning_app import load_run
from lightning_app.cli import main
from lightning_app.errors import RunError
from lightning_app.runs.signature import is_signed_here
from lightning_app.runs.trust import VARIABLE, foreign_records
from modules.dsae import DSAE


@pytest.fixture
def run(two_octave_run, tmp_path):
    return shutil.copytree(two_octave_run, tmp_path / "theirs")


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "executed"


@pytest.fixture
def package(tmp_path, marker, monkeypatch):
    """A package that tells whether it was imported, with a model, a callback and what they have imported."""
    folder = tmp_path / "packages" / "theirs_alone"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(
        f"import os\nimport subprocess\nfrom pathlib import Path\n\nfrom lightning import Callback\n\n"
        f"from modules.dsae import DSAE\n\nPath({str(marker)!r}).touch()\n\n\n"
        "class Model(DSAE): ...\n\n\nclass Quiet(Callback): ...\n"
    )
    monkeypatch.syspath_prepend(str(folder.parent))
    yield folder.name
    sys.modules.pop(folder.name, None)


def write(run, **changes):
    """Changes what a record says, as a stranger would."""
    path = run / "config.yaml"
    config = yaml.safe_load(path.read_text())
    trainer = config["trainer"] | changes.pop("trainer", {})
    path.write_text(yaml.safe_dump(config | changes | {"trainer": trainer}, sort_keys=False))


def fails(capsys, *words):
    with pytest.raises(SystemExit) as exit_:
        main(list(words))
    assert exit_.value.code not in (0, None)
    message = capsys.readouterr().err
    assert "Traceback" not in message
    return message[message.index("error: ") :]


def touching(marker):
    """Ways to have a file made, by what of a record names them, and what the refusal names."""
    shell = {"class_path": "subprocess.Popen", "init_args": {"args": ["touch", str(marker)]}}
    calls = {"class_path": "lightning.pytorch.callbacks.LambdaCallback", "init_args": {"setup": "os.system"}}
    rate = {"class_path": "torch.optim.lr_scheduler.LambdaLR", "init_args": {"lr_lambda": "os.system"}}
    adam = {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.1}}
    decoder = {"class_path": "modules.BetaVAE", "init_args": {"decoder": shell}}
    through = {"class_path": "lightning_app.callbacks.epoch_media.shutil.rmtree"}
    return {
        "a model that is a process": ({"model": shell}, "subprocess.Popen"),
        "a class of its own": ({"media": {"class_path": "theirs_alone.Quiet"}}, "theirs_alone.Quiet"),
        "the same by its name": ({"media": "theirs_alone.Quiet"}, "theirs_alone.Quiet"),
        "the same in a text": ({"media": "{class_path: theirs_alone.Quiet}"}, "theirs_alone.Quiet"),
        "the same in parts": ({"name": "theirs_alone", "media": "${.name}.Quiet"}, "theirs_alone.Quiet"),
        "the same in a file": ({"media": "media.txt"}, "theirs_alone.Quiet"),
        "the same in an included file": ({"media": {"include": "media.yaml"}}, "theirs_alone.Quiet"),
        "callables": ({"media": calls}, "lightning.pytorch.callbacks.LambdaCallback"),
        "a callable of a scheduler": ({"optimizer": adam, "lr_scheduler": rate}, "os.system"),
        "inside a model": ({"model": decoder}, "subprocess.Popen"),
        "what a module of ours has imported": ({"media": through}, "shutil.rmtree"),
        "a callback of the trainer": ({"trainer": {"callbacks": [shell]}}, "subprocess.Popen"),
        "a logger": ({"trainer": {"logger": [shell]}}, "subprocess.Popen"),
    }


@pytest.mark.parametrize("way", touching(""))
def test_nothing_of_a_strangers_run_is_executed(run, marker, package, capsys, way):
    changes, named = touching(marker)[way]
    for name in ("media.txt", "media.yaml"):
        (run / name).write_text("class_path: theirs_alone.Quiet\n")
    write(run, **changes)

    message = fails(capsys, "validate", "--run", str(run))

    assert f"{run / 'config.yaml'} names {named}. " in message
    assert "--trust" in message
    assert (f"{VARIABLE}=theirs_alone" in message) is (named == "theirs_alone.Quiet")
    assert not marker.exists()


@pytest.mark.parametrize("part", ["model", "data"])
def test_nor_in_python(run, marker, package, part):
    write(run, **{part: {"class_path": "theirs_alone.Model", "init_args": {}}})

    with pytest.raises(RunError, match=r"config\.yaml names theirs_alone\.Model\. .*load_run\(\.\.\., trust=True\)"):
        load_run(run)

    assert not marker.exists()


def test_record_that_is_named_as_a_configuration(run, marker, package, capsys):
    write(run, media={"class_path": "theirs_alone.Quiet"})

    assert "names theirs_alone.Quiet" in fails(capsys, "fit", "-c", str(run / "config.yaml"))
    assert not marker.exists()


class Touches:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("words", [("validate",), ("fit", "--ckpt_path", "last")], ids=" ".join)
def test_nor_what_its_checkpoints_hold(run, marker, capsys, words):
    for path in (run / "checkpoints").glob("*.ckpt"):
        content = torch.load(path, weights_only=True)
        torch.save(content | {"hyper_parameters": Touches(marker)}, path)
    write(run, weights_only=False)  # of Lightning, which would unpickle all then

    fails(capsys, words[0], "--run", str(run), *words[1:])
    with pytest.raises(RunError, match="is not a checkpoint"):
        load_run(run)

    assert not marker.exists()


@pytest.mark.parametrize("name", ["${oc.env:HOME}", "${oc.decode:${name}}", "a ${${media}:HOME}", "name.yaml"])
def test_environment_is_not_read(run, capsys, name):
    (run / "name.yaml").write_text("${oc.env:HOME}\n")
    write(run, name=name)

    assert re.search(
        r"config\.yaml: it has '.*\$\{.*', and the record of a run", fails(capsys, "test", "--run", str(run))
    )


# Files with code


@pytest.fixture
def evaluation(run):
    """Writes a record whose evaluation has an embedding from a file."""

    def of(option, file):
        named = {"class_path": "lightning_app.callbacks.SwapEvaluation", "init_args": {option: [file]}}
        write(run, evaluation=named)

    return of


@pytest.mark.parametrize(("option", "file"), [("fad", "theirs.pt"), ("kad", "theirs.onnx")])
@pytest.mark.parametrize(
    "words", [("validate",), ("test",), ("test", "--evaluation.factor", "theirs.txt")], ids=" ".join
)
def test_embedding_of_a_stranger_is_not_loaded(run, evaluation, capsys, option, file, words):
    evaluation(option, file)

    message = fails(capsys, words[0], "--run", str(run), *words[1:])

    assert f"config.yaml names {file} as evaluation.{option}, a file with code" in message
    assert f"--evaluation.{option} '[{file}]'" in message
    assert f"--evaluation.{option} '[]' leaves it out" in message


def test_embedding_that_is_typed_or_trusted_may_be_loaded(run, evaluation):
    evaluation("fad", "theirs.pt")

    main(["validate", "--run", str(run), "--evaluation.fad", "[crepe-tiny, theirs.pt]"])
    main(["validate", "--run", str(run), "--evaluation.fad=[theirs.pt]"])
    main(["validate", "--run", str(run), "--trust"])
    main(["validate", "--run", str(run), "--evaluation.fad", "[]"])


# What is allowed


def test_stranger_may_name_classes_of_this_project_and_the_usual_ones(run, capsys):
    stopping = {"class_path": "lightning.pytorch.callbacks.EarlyStopping", "init_args": {"monitor": "val/loss"}}
    adam = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.1}}
    write(run, early_stopping=stopping, optimizer=adam)
    assert not is_signed_here(run / "config.yaml")

    main(["validate", "--run", str(run)])

    assert isinstance(load_run(run).model, DSAE)
    assert is_signed_here(run / "config.validate.yaml")


def test_what_the_user_trusts(run, marker, package, monkeypatch):
    write(run, media={"class_path": "theirs_alone.Quiet"})

    main(["validate", "--run", str(run), "--trust"])
    assert marker.exists()
    assert yaml.safe_load((run / "config.validate.yaml").read_text())["trust"] is False
    monkeypatch.setenv(VARIABLE, f"other, {package}")
    main(["validate", "--run", str(run)])


def test_trusted_package_is_no_way_to_others(run, package, capsys, monkeypatch):
    monkeypatch.setenv(VARIABLE, package)
    write(run, media={"class_path": "theirs_alone.subprocess.Popen"})

    assert "names subprocess.Popen" in fails(capsys, "validate", "--run", str(run))


def test_trust_in_python(run, marker, package):
    config = yaml.safe_load((run / "config.yaml").read_text())
    write(run, model=config["model"] | {"class_path": "theirs_alone.Model"})

    assert type(load_run(run, trust=True).model).__name__ == "Model"
    assert marker.exists()


def test_what_is_typed_is_trusted(run, marker, package):
    write(run, name="changed")

    main(["validate", "--run", str(run), "--media", "theirs_alone.Quiet"])

    assert marker.exists()


def test_own_runs_may_name_anything(run, marker, package, two_octave_run):
    """Of which a copy is one, too, and what a call records of another."""
    assert not foreign_records(["test", "--run", str(run)])
    main(["validate", "--run", str(run), "--media", "theirs_alone.Quiet"])
    shutil.copy(run / "config.validate.yaml", run / "config.yaml")

    main(["validate", "--run", str(run)])
    load_run(run)


def test_restriction_ends_with_the_run(run, tmp_path, package, capsys):
    """In one process, a stranger's run does not restrict what comes after it."""
    write(run, name="changed")
    load_run(run)
    mine = tmp_path / "mine.yaml"
    mine.write_text("media: {class_path: theirs_alone.Quiet}\n")

    with pytest.raises(SystemExit) as exit_:
        main(["fit", "-c", "configs/ts_dsae.yaml", "-c", str(mine), "--print_config"])

    assert exit_.value.code == 0
    assert "theirs_alone.Quiet" in capsys.readouterr().out


def test_name_of_a_trusted_package_that_is_none(run, capsys, monkeypatch):
    monkeypatch.setenv(VARIABLE, "my-package")
    write(run, name="changed")

    assert f"{VARIABLE} has 'my-package'; it takes names of packages" in fails(capsys, "test", "--run", str(run))


def test_configuration_of_the_user_may_be_called_as_it_likes(tmp_path):
    (tmp_path / "config.yaml").write_text("media: {class_path: mine.Media}\n")

    assert foreign_records(["fit", "-c", str(tmp_path / "config.yaml"), "--config=x.yaml"]) == []
    (tmp_path / "checkpoints").mkdir()
    path = str(tmp_path / "config.yaml")
    for words in (["-c", path], [f"-c{path}"], ["--config", path], [f"--config={path}"], ["--conf", path]):
        assert foreign_records(["fit", *words]) == [tmp_path / "config.yaml"]
