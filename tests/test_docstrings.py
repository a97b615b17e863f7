"""Descriptions of arguments, which ``--help`` shows, stand on their own."""

import ast
from pathlib import Path

import pytest
from docstring_parser import parse
from docstring_parser.common import DocstringStyle

ROOT = Path(__file__).parents[1]


def _arguments(path):
    """The name and the description of each argument and attribute that a docstring describes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            for argument in parse(ast.get_docstring(node) or "", DocstringStyle.GOOGLE).params:
                yield f"{path.relative_to(ROOT)}: {argument.arg_name}: {argument.description}"


@pytest.mark.parametrize("package", ["lightning_app", "datamodules", "modules", "metrics", "benchmarks"])
def test_no_description_of_an_argument_is_a_fragment(package):
    described = [line for path in (ROOT / package).rglob("*.py") for line in _arguments(path)]

    assert described or package == "benchmarks"
    assert [line for line in described if line.split(": ", 2)[2].startswith(("Of ", "That "))] == []
