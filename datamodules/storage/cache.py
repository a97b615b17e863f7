"""A cache of folders on disk, each keyed by all that determines its content.

An entry appears whole or not at all, under a lock that makes a second process wait for the first instead of doing the
same work.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from datamodules.errors import DataError
from datamodules.storage.whole import OUT_OF_SPACE, whole_folder

_log = logging.getLogger(__name__)

DEFAULT_CACHE_DIR = Path(platformdirs.user_cache_dir("disentangle"))

_KEY, _FILES = "key.json", "files.json"
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


def cached(cache_dir: Path, name: str, key: Mapping[str, Any], build: Callable[[Path], None], n_bytes: int) -> Path:
    """Returns the folder of an entry, building it first where it is not there yet.

    Args:
        cache_dir: Folder of all entries; made where missing.
        name: Readable start of the entry's folder name.
        key: All that determines the content, as JSON values; kept in the entry as ``key.json``, beside the sizes of its
            files as ``files.json``. An entry that does not fit them is made anew, with a warning.
        build: Fills the empty folder it is given.
        n_bytes: What the entry will take on disk, so that a full disk is known before the work and not after it.

    Returns:
        The complete entry. Never write to it.

    Raises:
        DataError: The disk is full or the folder cannot be written. Nothing of the entry is left behind.
    """
    text, entry = _text(key), cache_dir / entry_name(name, key)
    try:
        if entry.is_dir() and not _what_is_spoilt(entry, text):
            return entry
        cache_dir.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(entry.with_name(entry.name + ".lock")):
            spoilt = _what_is_spoilt(entry, text) if entry.is_dir() else ""
            if spoilt:
                _log.warning("The cache entry %s is spoilt (%s); it is made anew.", entry, spoilt)
            if spoilt or not entry.is_dir():
                _build(entry, text, build, n_bytes)
    except OSError as error:
        raise DataError(_why_not(error, entry, n_bytes), argument="cache_dir") from error
    return entry


def entry_name(name: str, key: Mapping[str, Any]) -> str:
    """Returns the name of an entry's folder; see `cached`."""
    return f"{name}-{hashlib.sha256(_text(key).encode()).hexdigest()[:16]}"


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True, indent=2)


def _build(entry: Path, key: str, build: Callable[[Path], None], n_bytes: int) -> None:
    with whole_folder(entry) as draft:
        _require_space(entry.parent, n_bytes)
        build(draft)
        (draft / _FILES).write_text(json.dumps(_sizes(draft)) + "\n")
        (draft / _KEY).write_text(key + "\n")


def _sizes(entry: Path) -> dict[str, int]:
    """Bytes of the files of an entry, by their paths in it."""
    return {file.relative_to(entry).as_posix(): file.stat().st_size for file in entry.rglob("*") if file.is_file()}


def _what_is_spoilt(entry: Path, key: str) -> str:
    """What a disk, or a hand, has taken from an entry; empty where it is whole."""
    try:
        if (entry / _KEY).read_text() != key + "\n":
            return f"{_KEY} is another"
        files = entry / _FILES
        # Entries of earlier versions have no list of their files.
        expected = json.loads(files.read_text()) if files.is_file() else {}
        for name, size in expected.items():
            if (entry / name).stat().st_size != size:
                return f"{name} is not {size} bytes long"
    except (OSError, ValueError, AttributeError) as error:
        return str(error)
    return ""


def _require_space(cache_dir: Path, n_bytes: int) -> None:
    if shutil.disk_usage(cache_dir).free < n_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _why_not(error: OSError, entry: Path, n_bytes: int) -> str:
    if error.errno in OUT_OF_SPACE:
        return (
            f"no room for the cache entry {entry}: it takes {n_bytes / 2**20:.0f} MiB and {error.strerror}. "
            "Free some space, or set cache_dir to another folder. Nothing was left half-written."
        )
    if error.errno in _NOT_WRITABLE:
        return f"cannot write the cache entry {entry}: {error}. Set cache_dir to a writable folder."
    return f"the cache entry {entry} could not be made: {error}."
