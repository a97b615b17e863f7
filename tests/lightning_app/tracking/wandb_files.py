"""Reads what W&B writes offline, from its files alone."""

import json
import struct
import time
from pathlib import Path

from wandb.proto import wandb_internal_pb2

_BLOCK, _HEADER = 32_768, struct.Struct("<IHB")  # LevelDB's log: blocks of pieces with checksum, length and kind
_FULL, _LAST = 1, 4


def _records(path: Path):
    content = path.read_bytes()
    assert content[:4] == b":W&B"
    position, record = 7, b""
    while position + _HEADER.size <= len(content):
        if _BLOCK - position % _BLOCK < _HEADER.size:
            position += _BLOCK - position % _BLOCK
            continue
        _, length, kind = _HEADER.unpack_from(content, position)
        position += _HEADER.size
        record += content[position : position + length]
        position += length
        if kind in (_FULL, _LAST):
            parsed = wandb_internal_pb2.Record()
            parsed.ParseFromString(record)
            yield parsed
            record = b""


class Segment:
    """What one call has written of a W&B run.

    Attributes:
        run: The last record of the run itself: its id, project, group, tags and so on.
        config: Its configuration.
        history: What was logged, a dictionary for each time.
        summary: Its summary.
        artifacts: Its artifacts, by type.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (path,) = folder.glob("run-*.wandb")
        end = time.monotonic() + 60  # a process of its own writes it, and ends a moment later
        while not any(record.HasField("exit") for record in _records(path)):
            assert time.monotonic() < end, f"{path} has no end"
            time.sleep(0.1)
        self.config, self.history, self.summary, self.artifacts = {}, [], {}, {}
        for record in _records(path):
            if record.HasField("run"):
                self.run = record.run
                self._update(self.config, record.run.config.update)
            elif record.HasField("config"):
                self._update(self.config, record.config.update)
            elif record.HasField("summary"):
                self._update(self.summary, record.summary.update)
            elif record.HasField("history"):
                row = {}
                self._update(row, record.history.item)
                self.history.append(row)
            elif record.HasField("artifact"):
                self.artifacts.setdefault(record.artifact.type, []).append(record.artifact)

    @staticmethod
    def _update(values, items):
        for item in items:
            *outer, last = list(item.nested_key) or [item.key]
            place = values
            for key in outer:
                place = place.setdefault(key, {})
            place[last] = json.loads(item.value_json)

    def logged(self, key):
        """The values of a key in their order."""
        return [row[key] for row in self.history if key in row]

    def file(self, logged) -> Path:
        """The file of a picture or table that was logged."""
        return self.folder / "files" / logged["path"]

    def contents(self, kind) -> dict[str, bytes]:
        """The files of the artifacts of a type."""
        entries = [entry for artifact in self.artifacts[kind] for entry in artifact.manifest.contents]
        return {entry.path: Path(entry.local_path).read_bytes() for entry in entries}


def segments(root: Path) -> list[Segment]:
    """The segments in a folder in the order of their beginning, and so of their parts of a second."""
    found = [Segment(path) for path in root.glob("wandb/*run-*") if path.name != "latest-run"]
    return sorted(found, key=lambda one: (one.run.start_time.seconds, one.run.start_time.nanos))
