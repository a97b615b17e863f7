"""Messages of the libraries name arguments; their options are the command line's to know."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_OPTION = re.compile(r"--(data|model)\b|(?<![\w./])(data|model)\.[a-z_]")


def _texts(path):
    """The texts in a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and _is_text(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _is_text(node):
    return isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)


@pytest.mark.parametrize("package", ["datamodules", "modules"])
def test_libraries_name_no_options(package):
    texts = [text for path in (ROOT / package).rglob("*.py") for text in _texts(path)]

    assert len(texts) > 100
    assert [text for text in texts if _OPTION.search(text)] == []
