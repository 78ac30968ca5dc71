"""One thread for linear algebra and torch: tests side by side do not fight over the cores, and small nets want no more."""

from __future__ import annotations

import os

import pytest

# read by OpenBLAS, MKL and torch when they are first imported, here and in the processes that tests start
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


@pytest.fixture(scope="session", autouse=True)
def _short_notices():
    """Every notice that a test makes has a page and a message of at most 100 characters."""
    from lrbound.notices import LONGEST, Notice, codes

    made, known = Notice.__init__, frozenset(codes())

    def checked(self, code, message, path=None, where=""):
        assert code in known, code
        assert len(message) <= LONGEST, message
        made(self, code, message, path, where)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Notice, "__init__", checked)
        yield
