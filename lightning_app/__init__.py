"""What runs an experiment: the command line, and the callbacks that hold schedule, evaluation, media and files."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from lightning_app.own_packages import pin_own_packages

if TYPE_CHECKING:
    from lightning_app.runs.load_run import load_run

__all__ = ["__version__", "load_run"]
__version__ = version("disentangle")

pin_own_packages()


def __getattr__(name: str) -> Any:
    """Imports what is slow to import only when it is asked for."""
    if name == "load_run":
        from lightning_app.runs.load_run import load_run

        return load_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
