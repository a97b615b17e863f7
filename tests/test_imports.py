"""Imports point one way: lightning_app -> datamodules -> modules -> metrics."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "metrics": {"metrics"},
    "modules": {"modules", "metrics"},
    "datamodules": {"datamodules", "modules", "metrics"},
    "lightning_app": {"lightning_app", "datamodules", "modules", "metrics"},
}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_only_what_lies_below(package):
    imported = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.split(".")[0] for name in names} & MAY_IMPORT.keys()
    assert imported <= MAY_IMPORT[package]
    assert package in imported
