"""Functions as commands."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lightning_app.commands.function_command import call_function

GIVEN = []


def bake(flour: int, topping: list[str] | None = None, oven: Path = Path("oven")) -> None:
    """Bakes a cake.

    Args:
        flour: Grams of flour.
        topping: What is on top.
        oven: Where it is baked.
    """
    GIVEN.append((flour, topping, oven))


def stack(cakes: list[Path], high: bool = False) -> None:
    """Puts cakes on one another.

    Args:
        cakes: The cakes.
        high: Whether it may be high.
    """
    GIVEN.append((cakes, high))


def test_options_are_arguments():
    call_function(bake, ["--flour", "200", "--topping", "[nuts, figs]"], "bake")

    assert GIVEN.pop() == (200, ["nuts", "figs"], Path("oven"))


def test_paths_need_no_option():
    call_function(stack, ["a", "b", "--high", "true"], "stack", positional=["cakes"])

    assert GIVEN.pop() == ([Path("a"), Path("b")], True)


def test_one_path_needs_no_option():
    call_function(bake, ["cold", "--flour", "3"], "bake", positional=["oven"])

    assert GIVEN.pop() == (3, None, Path("cold"))


def mix(eggs: Sequence[Path], milk: Sequence[Path] | None = None, beat: bool = False) -> None:
    """Mixes.

    Args:
        eggs: The eggs.
        milk: The milk.
        beat: Whether it is beaten.
    """
    GIVEN.append((eggs, milk, beat))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--eggs a b", (["a", "b"], None, False)),
        ("--beat --eggs a --milk c", (["a"], ["c"], True)),
        ("--beat false --eggs a", (["a"], None, False)),
    ],
)
def test_an_option_takes_several_paths_and_a_choice_needs_no_value(words, expected):
    call_function(mix, words.split(), "mix")

    eggs, milk, beat = GIVEN.pop()
    assert ([str(path) for path in eggs], milk and [str(path) for path in milk], beat) == expected


def test_paths_that_are_missing(capsys):
    with pytest.raises(SystemExit):
        call_function(mix, [], "mix")

    assert capsys.readouterr().err == "error: this needs --eggs.\nSee mix --help.\n"


def test_help_is_the_docstring(capsys):
    with pytest.raises(SystemExit):
        call_function(bake, ["--help"], "bake")

    said = capsys.readouterr().out
    assert "Bakes a cake." in said
    assert "Grams of flour." in said
    assert "Args:" not in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--flour", "much"], "error: --flour takes an integer, not much.\nSee bake --help.\n"),
        (["--flour", "1", "--topings", "[a]"], "error: there is no option --topings. Did you mean --topping?"),
        ([], "error: this needs --flour.\nSee bake --help.\n"),
    ],
)
def test_mistakes_end_with_one_message(capsys, words, message):
    with pytest.raises(SystemExit) as exit_:
        call_function(bake, words, "bake")

    assert exit_.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(message)
    assert "usage:" not in said


def test_path_that_is_missing(capsys):
    with pytest.raises(SystemExit):
        call_function(stack, [], "stack", positional=["cakes"])

    assert capsys.readouterr().err == "error: this needs CAKES.\nSee stack --help.\n"
