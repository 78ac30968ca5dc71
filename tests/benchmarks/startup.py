"""Times a whole `lrbound predict` against `import numpy`, interleaved, and prints the ratio and the peak memory.

    python tests/benchmarks/startup.py [SPEC] [--pairs 15]

Run it in an environment that lrbound is installed in (``pip install .``, not ``-e``: pip compiles what it installs).
The aim is a ratio of at most 2.0 and less than 100 MB.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SPEC = Path(__file__).resolve().parents[2] / "examples" / "wei2019-fc.yaml"
KILOBYTES = 1 if sys.platform != "darwin" else 1024  # getrusage counts bytes there


def timed(command: list[str]) -> tuple[float, float]:
    """Run a command; return its seconds and its peak resident memory in MB."""
    start = time.perf_counter()
    # away from the clone, so that the installed package is what runs
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path.home().root
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return seconds, usage.ru_maxrss / KILOBYTES / 1024


def main() -> None:
    """Print the two medians, their ratio and the memory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("spec", nargs="?", type=Path, default=SPEC)
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    baseline = [sys.executable, "-c", "import numpy"]
    command = [sys.executable, "-m", "lrbound", "predict", str(options.spec.resolve())]
    for warm_up in (baseline, command):
        timed(warm_up)
    pairs = [(timed(baseline), timed(command)) for _ in range(options.pairs)]
    numpy_time = statistics.median(first for (first, _), _ in pairs)
    lrbound_time = statistics.median(second for _, (second, _) in pairs)
    print(f"import numpy     {1e3 * numpy_time:6.1f} ms")
    print(f"lrbound predict  {1e3 * lrbound_time:6.1f} ms")
    print(f"ratio            {lrbound_time / numpy_time:6.2f}")
    print(f"peak memory      {max(memory for _, (_, memory) in pairs):6.1f} MB")


if __name__ == "__main__":
    main()
