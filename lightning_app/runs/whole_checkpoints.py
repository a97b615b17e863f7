"""How checkpoints come to the disk and back: whole or not at all, and without running what may be in them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.fabric.utilities.cloud_io import get_filesystem
from lightning.fabric.utilities.types import _PATH

from lightning_app.errors import RunError
from lightning_app.files import whole_file


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it, so that the one before stays until there is another.

    Lightning's own writes to the folder for temporary files, and copies where that is on another disk: a full disk, or
    a kill at that moment, then spoils the checkpoint that is there.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any | None = None) -> None:
        """Writes a checkpoint; those of remote file systems are left to Lightning.

        Raises:
            RunError: It cannot be written; the message names the file, the reason and the remedy.
        """
        if storage_options is not None or "file" not in get_filesystem(path).protocol:
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        # First to memory, as Lightning does: torch would not report a full disk with its errno.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            with whole_file(Path(path)) as draft:
                draft.write_bytes(content.getbuffer())
        except RunError as error:
            raise RunError(f"{error} Checkpoints from before are whole: `--ckpt_path last` goes on.") from error

    def load_checkpoint(
        self,
        path: _PATH,
        map_location: Callable | None = lambda storage, loc: storage,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Reads a checkpoint: weights, numbers and texts, and never objects, which could run code as they are read."""
        return super().load_checkpoint(path, map_location, weights_only=True)
