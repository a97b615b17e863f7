"""A cache of folders on disk, each keyed by all that determines its content.

An entry appears whole or not at all, under a lock that makes a second process wait for the first instead of doing the
same work.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from datamodules.errors import DataError
from datamodules.storage.whole import whole_folder

DEFAULT_CACHE_DIR = Path(platformdirs.user_cache_dir("disentangle"))

_OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


def cached(cache_dir: Path, name: str, key: Mapping[str, Any], build: Callable[[Path], None], n_bytes: int) -> Path:
    """Returns the folder of an entry, building it first where it is not there yet.

    Args:
        cache_dir: Folder of all entries; made where missing.
        name: Readable start of the entry's folder name.
        key: All that determines the content, as JSON values; kept in the entry as ``key.json``.
        build: Fills the empty folder it is given.
        n_bytes: What the entry will take on disk, so that a full disk is known before the work and not after it.

    Returns:
        The complete entry. Never write to it.

    Raises:
        DataError: The disk is full or the folder cannot be written. Nothing of the entry is left behind.
    """
    text, entry = _text(key), cache_dir / entry_name(name, key)
    try:
        if entry.is_dir():
            return entry
        cache_dir.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(entry.with_name(entry.name + ".lock")):
            if not entry.is_dir():
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
        (draft / "key.json").write_text(key + "\n")


def _require_space(cache_dir: Path, n_bytes: int) -> None:
    if shutil.disk_usage(cache_dir).free < n_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _why_not(error: OSError, entry: Path, n_bytes: int) -> str:
    if error.errno in _OUT_OF_SPACE:
        return (
            f"no room for the cache entry {entry}: it takes {n_bytes / 2**20:.0f} MiB and {error.strerror}. "
            "Free some space, or set cache_dir to another folder. Nothing was left half-written."
        )
    if error.errno in _NOT_WRITABLE:
        return f"cannot write the cache entry {entry}: {error}. Set cache_dir to a writable folder."
    return f"the cache entry {entry} could not be made: {error}."
