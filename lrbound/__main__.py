"""Entry point of ``lrbound`` and ``python -m lrbound``."""

from __future__ import annotations

import gc
import os

# A start-up makes many objects and drops few. With the default threshold the collector runs some hundred times to find
# nothing, which costs a tenth of the run; long commands still reach this one and are collected.
gc.set_threshold(200_000)

# The solver's matrices are small: several threads only get in each other's way. Read when numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


# Where malloc is glibc's, memory that was mapped as one block and freed once is kept from then on instead of going back to
# the system after every array: each page that comes back costs a fault. Nothing is written here, so nothing is used.
bytes(31 << 20)


def main() -> None:
    """Run the command line and exit with its status."""
    try:
        from lrbound.cli.streams import open_closed

        open_closed()
        from lrbound.cli.app import run

        status = run()
    except KeyboardInterrupt:  # while the command line was being imported
        status = 130
    finally:
        gc.freeze()  # the process ends here: no last search for cycles
    raise SystemExit(status)


if __name__ == "__main__":
    main()
