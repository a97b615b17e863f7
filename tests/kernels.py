"""The kernels and threads of another processor, for processes that tests start."""

import numpy as np

OTHER_KERNELS = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Nehalem",
    # All that this NumPy has for this processor beyond those of its whole kind; nothing on some.
    "NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])),
    "OMP_NUM_THREADS": "1",
}
