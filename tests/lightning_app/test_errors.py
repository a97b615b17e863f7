"""Errors of the libraries name arguments; on the command line they end with the option."""

from pathlib import Path

import pytest

from datamodules import DataError
from lightning_app.errors import RunError, one_message, options_named
from modules import ModelError

KEYS = [
    *("data.init_args.size", "data.init_args.seed", "data.init_args.representation.init_args.size"),
    *("data.init_args.rendered.seed", "model.init_args.width", "trainer.devices"),
]


def said(error):
    with pytest.raises((RunError, DataError, ModelError)) as caught, options_named(lambda: KEYS):
        raise error
    return str(caught.value)


@pytest.mark.parametrize(
    ("error", "option"),
    [
        (DataError("size is 0.", argument="size"), "--data.size"),
        (ModelError("size is 0.", argument="representation.size"), "--data.representation.size"),
        (DataError("seed is -1.", argument="seed"), "--data.seed"),
        (DataError("seed is -1.", argument="rendered.seed"), "--data.rendered.seed"),
        (ModelError("width is 0.", argument="width"), "--model.width"),
    ],
    ids=lambda value: getattr(value, "argument", ""),
)
def test_the_option_of_an_argument_ends_the_message(error, option):
    assert said(error) == f"{str(error)[:-1]} ({option})."


@pytest.mark.parametrize("argument", [None, "ize", "devices", "init_args"])
def test_what_is_no_argument_of_model_or_data_leaves_the_message_as_it_is(argument):
    assert said(DataError("no sound.", argument=argument)) == "no sound."


def test_the_error_behind_that_of_a_library_is_found():
    outer = TypeError("Problem with given class_path")
    outer.__cause__ = ModelError("width is 0.", argument="width")

    assert said(outer) == "width is 0 (--model.width)."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_full_disk_of_a_librarys_file_is_one_message(capsys):
    with pytest.raises(SystemExit) as exit_, one_message(), Path("/dev/full").open("w") as file:
        file.write("a")

    assert exit_.value.code == 1
    assert capsys.readouterr().err == (
        "error: cannot write a file: No space left on device; free some space, and try again.\n"
    )
