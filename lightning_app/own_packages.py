"""Makes sure that the project's packages are imported, and not others of the same plain names."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

from lightning_app.errors import RunError

OWN_PACKAGES = ("lightning_app", "datamodules", "modules", "metrics")
ROOT = Path(__file__).parents[1]
"""The folder that holds all of them: of the checkout, or of the installation."""


class _BesideThisPackage(MetaPathFinder):
    """Finds the project's packages beside this one, whatever folders come first on the path."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(fullname, [str(ROOT)]) if fullname in OWN_PACKAGES else None


def pin_own_packages() -> None:
    """Sees to it that a folder ``metrics`` or ``modules`` in the working directory or on the path is not imported."""
    if not any(isinstance(finder, _BesideThisPackage) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BesideThisPackage())


def refuse_foreign_packages() -> None:
    """Checks the project's packages, as far as they have been imported before they were pinned.

    Raises:
        RunError: One is foreign; names its file, the one that it hides, and the remedy.
    """
    for name in OWN_PACKAGES:
        own, found = ROOT / name / "__init__.py", _file(sys.modules.get(name))
        if found is not None and found != own:
            raise RunError(
                f"the package {name} that was imported is {found}, and hides this project's {own}. Rename that folder, "
                "or take the folder that holds it off PYTHONPATH."
            )


def explain_import_error(error: ImportError) -> RunError | None:
    """Tells whether an import failed because another distribution installed its files over the project's.

    Returns:
        What to tell the user; nothing where the import failed for another reason.
    """
    package = (error.name or "").partition(".")[0]
    if package not in OWN_PACKAGES:
        return None
    others = sorted(set(packages_distributions().get(package, [])) - {"disentangle"})
    if not others:
        return None
    return RunError(
        f"{error}: {' and '.join(others)} installs a package {package} as well, over {ROOT / package} of this project. "
        f"Uninstall it (pip uninstall {' '.join(others)}), and install disentangle again, or give each an environment "
        "of its own."
    )


def _file(module: ModuleType | None) -> Path | None:
    """Where a module came from: its file, or the folder of a package that has no ``__init__.py``."""
    if module is None:
        return None
    return Path(module.__file__ if module.__file__ else next(iter(module.__path__)))
