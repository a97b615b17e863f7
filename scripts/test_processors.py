"""Runs the numerical tests as other processors would: with other kernels, and with other numbers of threads.

Libraries choose their kernels by the processor, and these round differently. Environment variables hold them to the
kernels of older processors, so that one machine can show what others would. Not every variable changes something
everywhere: MKL's and OpenBLAS' name x86 kernels, and NumPy's is left out where it has nothing to switch off.

    python scripts/test_processors.py [--quick] [--jobs N] [TEST ...]
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]

TESTS = [
    "tests/metrics",
    "tests/modules",
    "tests/datamodules/analysis/timbral",
    "tests/datamodules/clips/test_prepared.py",
    "tests/lightning_app/callbacks/test_traversal_examples.py",
    "metrics",
    "modules",
]
QUICK_TESTS = [
    "tests/metrics/functional",
    "tests/metrics/test_separated_attribute_predictability.py",
    "tests/modules/dsae/test_module.py",
    "tests/modules/test_gaussian.py",
    "tests/modules/audio/test_pitch.py",
    "tests/datamodules/analysis/timbral",
    "tests/modules/audio/test_log_mel.py",
    "tests/modules/audio/test_log_magnitude.py",
    "tests/lightning_app/callbacks/test_traversal_examples.py",
    "metrics",
]

# What NumPy has kernels for beyond those for every processor of its kind, and this processor can run.
_NUMPY = " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
NO_NUMPY = {"NPY_DISABLE_CPU_FEATURES": _NUMPY} if _NUMPY else {}

SETTINGS = [
    {"MKL_CBWR": "COMPATIBLE"},
    {"MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    {"MKL_ENABLE_INSTRUCTIONS": "AVX512"},
    {"ATEN_CPU_CAPABILITY": "default"},
    {"OPENBLAS_CORETYPE": "Nehalem"},
    *([NO_NUMPY] if NO_NUMPY else []),
    *({"OMP_NUM_THREADS": threads} for threads in ("1", "2", "4")),
]
# All that is far from a new processor's choice, at once.
QUICK_SETTINGS = [
    {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Nehalem"}
    | NO_NUMPY
    | {"OMP_NUM_THREADS": "2"}
]


def main() -> None:
    """Runs the tests under each setting, and fails with a list of those under which any test failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some of the tests, under one setting far from the usual")
    parser.add_argument("--jobs", default="2", help="tests at a time")
    parser.add_argument("tests", nargs="*", help="what to run instead")
    options = parser.parse_args()

    tests = options.tests or (QUICK_TESTS if options.quick else TESTS)
    pytest = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-q", "-n", options.jobs, *tests]
    # Threads that wait must not spin: there are more of them than cores, and each would hold up the others.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    failed = []
    for setting in QUICK_SETTINGS if options.quick else SETTINGS:
        name = " ".join(f"{variable}='{value}'" for variable, value in setting.items())
        print(f"\n== {name}", flush=True)
        if subprocess.run(pytest, cwd=ROOT, env=environment | setting).returncode:
            failed.append(name)
    if failed:
        sys.exit("\n".join(["\nTests failed under:", *failed]))


if __name__ == "__main__":
    main()
