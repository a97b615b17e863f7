"""The one place that imports torchaudio.

Torchaudio's native library is linked to CUDA and does not load beside a CPU-only torch. Nothing in this project needs
it: the transforms are pure Python. So where the plain import fails, its loader is replaced by one that reports the
native parts as absent.
"""

import sys
import types
from typing import Any


def _native_parts_absent() -> types.ModuleType:
    stub: Any = types.ModuleType("torchaudio._extension")
    stub._IS_TORCHAUDIO_EXT_AVAILABLE = False
    stub._IS_ALIGN_AVAILABLE = False

    def fail_if_no_align(function: Any) -> Any:
        def fail(*_args: Any, **_kwargs: Any) -> None:
            raise RuntimeError(f"{function.__name__} needs torchaudio's native library, which does not load here.")

        return fail

    stub.fail_if_no_align = fail_if_no_align
    return stub


try:
    import torchaudio
except OSError:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        del sys.modules[name]
    sys.modules["torchaudio._extension"] = _native_parts_absent()
    import torchaudio

from torchaudio import functional, transforms  # noqa: E402 (after the attempt above)

version: str = torchaudio.__version__

__all__ = ["functional", "transforms", "version"]
