"""The kernels and threads of another processor, for processes that tests start."""

import os

import numpy as np

# All that this NumPy has for this processor beyond those of its whole kind; nothing on some.
_DISPATCHED = " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))

OTHER_KERNELS = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": f"{os.environ.get('NPY_DISABLE_CPU_FEATURES', '')} {_DISPATCHED}".strip(),
    "OMP_NUM_THREADS": "1",
}
