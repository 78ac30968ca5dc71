"""Times whole `lrbound predict`, `check` and `--help` against `import numpy`, interleaved, and prints ratios and peak memory.

    python tests/benchmarks/startup.py [SPEC] [--pairs 15]

Run it in an environment that lrbound is installed in (``pip install .``, not ``-e``: pip compiles what it installs).
The aims are ratios of at most 1.7 for predict and 1.2 for --help, and less than 100 MB.
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
    """Print the medians, their ratios to the first one and the memory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("spec", nargs="?", type=Path, default=SPEC)
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    spec, lrbound = str(options.spec.resolve()), [sys.executable, "-m", "lrbound"]
    commands = {
        "import numpy": [sys.executable, "-c", "import numpy"],
        "lrbound predict": [*lrbound, "predict", spec],
        "lrbound check": [*lrbound, "check", spec],
        "lrbound --help": [*lrbound, "--help"],
    }
    for command in commands.values():
        timed(command)
    runs = [{name: timed(command) for name, command in commands.items()} for _ in range(options.pairs)]
    seconds = {name: statistics.median(run[name][0] for run in runs) for name in commands}
    for name, median in seconds.items():
        memory = max(run[name][1] for run in runs)
        print(f"{name:16} {1e3 * median:6.1f} ms  ratio {median / seconds['import numpy']:5.2f}  {memory:6.1f} MB")


if __name__ == "__main__":
    main()
