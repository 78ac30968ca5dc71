"""One thread for linear algebra and torch: tests side by side do not fight over the cores, and small nets want no more."""

from __future__ import annotations

import os

# read by OpenBLAS, MKL and torch when they are first imported, here and in the processes that tests start
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
