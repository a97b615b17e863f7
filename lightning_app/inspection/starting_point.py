"""The configuration to start from that fits a folder of recordings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lightning_app.errors import RunError
from lightning_app.files import whole_file
from lightning_app.inspection.findings import Findings
from lightning_app.inspection.printing import duration


def refuse_to_replace(path: Path, overwrite: bool) -> None:
    """Checks that a configuration may be written, before any work.

    Raises:
        RunError: There is such a file, and it is not to be replaced.
    """
    if path.exists() and not overwrite:
        raise RunError(f"{path} exists; name another with --out, or replace it with --overwrite true.")


def write_configuration(path: Path, found: Findings, options: Mapping[str, Any]) -> None:
    """Writes a configuration for ``disentangle fit -c ts_dsae -c FILE``.

    Args:
        path: Path of the file.
        found: What there is in the folder.
        options: Arguments of `datamodules.AudioFolderDataModule`.

    Raises:
        RunError: It cannot be written.
    """
    try:
        with whole_file(path) as draft:
            draft.write_text(configuration(path, found, options), encoding="utf-8")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}; name another file with --out.") from error


def configuration(path: Path, found: Findings, options: Mapping[str, Any]) -> str:
    """Returns the text of the configuration; where no class has two values, it leaves out what needs that."""
    content: dict[str, Any] = {
        "name": re.sub(r"[^\w.-]+", "_", found.root.resolve().name).strip("._") or "recordings",
        "data": {"class_path": "datamodules.AudioFolderDataModule", "init_args": dict(options)},
    }
    factors = [name for name, counts in found.classes.items() if sum(one.n_segments > 0 for one in counts) > 1]
    comment = (
        f"# {found.n_files} files, {duration(found.seconds)}, {found.n_segments} segments. For TS-DSAE:\n"
        f"#   disentangle fit -c ts_dsae -c {path}\n"
    )
    if not factors:
        comment += "# Swaps need classes of two kinds or more, and there are none.\n"
        content |= {"evaluation": None, "media": None}
    elif factors[0] != next(iter(found.classes)):
        content |= {slot: {"init_args": {"factor": factors[0]}} for slot in ("evaluation", "media")}
    return comment + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
