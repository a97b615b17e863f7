"""Paths in the record of a run that move with its folder."""

from pathlib import PurePath
from typing import Any

_ROOT = "trainer.default_root_dir"


def with_portable_paths(config: dict[str, Any]) -> dict[str, Any]:
    """Replaces paths that lie in the run's folder by references to it, in a configuration's nested entries.

    >>> config = {"trainer": {"default_root_dir": "runs/mine"}, "checkpoint": {"dirpath": "runs/mine/checkpoints"}}
    >>> with_portable_paths(config)["checkpoint"]
    {'dirpath': '${..trainer.default_root_dir}/checkpoints'}
    """
    root = config["trainer"]["default_root_dir"]
    if root is None:
        return config
    return {key: _portable(value, PurePath(root), (key,)) for key, value in config.items()}


def _portable(value: Any, root: PurePath, key: tuple[str | int, ...]) -> Any:
    match value:
        case dict():
            return {name: _portable(inner, root, (*key, name)) for name, inner in value.items()}
        case list():
            return [_portable(inner, root, (*key, number)) for number, inner in enumerate(value)]
        # A name without a slash is a path only where its key says so.
        case str() if "/" in value or "dir" in str(key[-1]):
            return value if ".".join(map(str, key)) == _ROOT else _referring(value, root, len(key))
    return value


def _referring(text: str, root: PurePath, depth: int) -> str:
    path = PurePath(text)
    if not path.is_relative_to(root) or root == PurePath():
        return text
    # As many dots as there are levels lead to the top.
    return "/".join([f"${{{'.' * depth}{_ROOT}}}", *path.relative_to(root).parts])
