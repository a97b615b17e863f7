"""References in the record of a run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning_app.errors import RunError

_TO_A_VALUE = re.compile(r"\$\{[\w.\[\]-]+\}")


def refuse_resolvers(record: Path, content: Any) -> None:
    """Refuses what OmegaConf would look up outside a record, like ``${oc.env:HOME}``.

    A record refers to its own values alone, like ``${..trainer.default_root_dir}``: one from elsewhere shall not read
    the environment of who opens it.

    Args:
        record: The file.
        content: What it says, references as they are written.

    Raises:
        RunError: There is such a reference; names it.
    """
    for text in _texts(content):
        if "${" in _TO_A_VALUE.sub("", text):
            raise RunError(
                f"cannot read {record}: it has {text!r}, and the record of a run refers to its own values alone. Write "
                "what is meant in its place."
            )


def _texts(content: Any) -> Iterator[str]:
    match content:
        case str():
            yield content
        case dict():
            for key, value in content.items():
                yield from _texts(key)
                yield from _texts(value)
        case list():
            for value in content:
                yield from _texts(value)
