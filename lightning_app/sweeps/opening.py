"""Opens the study of a sweep: to work on it, or to look at it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning_app.errors import RunError, UsageError
from lightning_app.files import whole_file
from lightning_app.sweeps.storage import JOURNAL, open_storage
from lightning_app.sweeps.study import SweepStudy
from lightning_app.sweeps.sweep_file import Sweep, find_sweep_file, read_sweep

SWEEP_COPY = "sweep.yaml"
"""The copy of the sweep file in the sweep's folder."""
_SETTINGS = "sweep"


def open_study(sweep: Sweep, folder: Path, url: str | None, seed: int = 0) -> SweepStudy:
    """Opens the study of a sweep to work on it; the first worker makes it.

    Args:
        sweep: The sweep.
        folder: The sweep's folder.
        url: URL of its storage; None takes a journal in the folder.
        seed: Seed of the draw of values.

    Raises:
        UsageError: The URL is not possible, or the study there is of another sweep file.
        RunError: The storage does not answer.
    """
    storage, locks = open_storage(url, folder, sweep.name)
    with locks.setting_up():
        opened = SweepStudy(sweep, folder, storage, locks, seed)
        settings = {**sweep.settings, **({} if sweep.method == "grid" else {"--seed": seed})}
        known = opened.study.user_attrs.get(_SETTINGS)
        if known is None:
            opened.study.set_user_attr(_SETTINGS, settings)
        elif known != settings:
            raise UsageError(_difference(sweep, folder if url is None else None, known, settings))
    return opened


def look_up(file: str, runs: Path, url: str | None) -> SweepStudy:
    """Opens the study of a sweep to look at it.

    Args:
        file: The sweep file, or the folder of the sweep.
        runs: The folder of runs that the sweep was started with.
        url: URL of its storage; None takes the journal in the sweep's folder.

    Raises:
        RunError: There is no such file, or there are no trials of it, or the storage does not answer.
    """
    given = Path(file).expanduser()
    sweep = read_sweep(given / SWEEP_COPY if given.is_dir() else find_sweep_file(file))
    folder = given if given.is_dir() else runs / sweep.name
    missing = RunError(
        f"there are no trials of {sweep.name} in {url or folder}. `disentangle sweep run {file}` makes them; if they "
        "are in a database, name it with --storage."
    )
    if url is None and not (folder / JOURNAL).is_file():
        raise missing
    storage, locks = open_storage(url, folder, sweep.name)
    try:
        storage.get_study_id_from_name(sweep.name)
    except KeyError:
        raise missing from None
    return SweepStudy(sweep, folder, storage, locks, seed=0)


def keep_file(sweep: Sweep, folder: Path) -> None:
    """Copies the sweep file to the sweep's folder, which then tells all that is needed of it."""
    copy = folder / SWEEP_COPY
    if not (copy.is_file() and copy.samefile(sweep.path)):
        text = sweep.path.read_text(encoding="utf-8-sig")
        named = "" if re.search("^name:", text, re.MULTILINE) else f"name: {json.dumps(sweep.name)}\n"
        with whole_file(copy) as draft:
            draft.write_text(named + text)


def _difference(sweep: Sweep, folder: Path | None, known: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    where = "in this storage" if folder is None else f"in {folder}"
    keys = _differing(known, now)
    return (
        f"the sweep {sweep.name} {where} was begun with another file than {sweep.path}: {', '.join(keys)} "
        f"{'differs' if len(keys) == 1 else 'differ'}. Go on with the file as it was, or give this one another `name`."
    )


def _differing(known: Any, now: Any, key: str = "") -> list[str]:
    """The keys at which two settings differ."""
    if isinstance(known, Mapping) and isinstance(now, Mapping):
        names: Sequence[str] = [*dict.fromkeys([*known, *now])]
        absent = object()
        differing = [name for name in names if known.get(name, absent) != now.get(name, absent)]
        return [
            inner
            for name in differing
            for inner in _differing(known.get(name), now.get(name), f"{key}.{name}" if key else name)
        ]
    return [key]
