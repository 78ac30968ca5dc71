"""Times `lrbound predict` on the published networks at 224x224, and how the solver grows with depth and image side.

    python tests/benchmarks/large_images.py [--runs 3] [--only specs|depth|side]

The aims: each spec in less than 2 s as a whole process (resnet18: 1 s) and 500 MB; time linear in depth up to 10,000
layers; no growth with the side of the image. Seconds of the clock and of the processor are both printed, because on a
busy machine only the latter means anything.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from lrbound import parse, predict

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SPECS = ("resnet18", "resnet50", "resnet152", "vgg16-bn", "mobilenetv2", "densenet121", "efficientnet-b0")
DEPTHS = (10, 100, 1_000, 10_000)
SIDES = (32, 64, 128, 224, 448, 1024)
KILOBYTES = 1 if sys.platform != "darwin" else 1024  # getrusage counts bytes there


def process(spec: Path) -> tuple[float, float, float]:
    """Predict in a process of its own; return seconds by the clock and of the processor, and peak memory in MB."""
    command = [sys.executable, "-m", "lrbound", "predict", str(spec)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{spec.name}: exit status {child.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KILOBYTES / 1024


def solver(text: str) -> float:
    """Return the processor's seconds for one prediction in this process, without reading the spec."""
    network = parse(text, name="benchmark")
    start = time.process_time()
    predict(network)
    return time.process_time() - start


def deep(depth: int, *, convolutional: bool) -> str:
    """Return a stack of ``depth`` weight layers whose kernels and gradients neither vanish nor explode."""
    weights = (
        "conv2d: {channels: 64, kernel: 3, padding: 1, padding_mode: circular}" if convolutional else "linear: 512"
    )
    shape, pool = ("[64, 32, 32]", "  - flatten\n") if convolutional else ("[512]", "")
    layers = f"[{{residual: [batch_norm, relu, {{{weights}}}]}}]" if convolutional else f"[{{{weights}}}, relu]"
    return (
        f"version: 1\ninput: {{shape: {shape}}}\ninit: he\ntraining: {{batch_size: 128}}\nlayers:\n"
        f"  - repeat: {{times: {depth}, layers: {layers}}}\n{pool}  - linear: 10\n"
    )


def specs(runs: int) -> None:
    """Print a line for each of the published networks: the best of some runs."""
    print(f"{'spec':18}{'clock s':>9}{'cpu s':>8}{'MB':>7}")
    for name in SPECS:
        seconds, processor, memory = zip(*(process(EXAMPLES / f"{name}.yaml") for _ in range(runs)), strict=True)
        print(f"{name:18}{min(seconds):9.2f}{min(processor):8.2f}{max(memory):7.0f}", flush=True)


def depths() -> None:
    """Print the solver's time for stacks of layers."""
    print(f"\n{'layers':>8}{'dense s':>10}{'blocks s':>10}")
    for depth in DEPTHS:
        times = [solver(deep(depth, convolutional=convolutional)) for convolutional in (False, True)]
        print(f"{depth:8}{times[0]:10.3f}{times[1]:10.3f}", flush=True)


def sides() -> None:
    """Print the solver's time for images of growing sides."""
    names = ("resnet18", "mobilenetv2", "densenet121")
    print(f"\n{'side':>8}" + "".join(f"{name + ' s':>16}" for name in names))
    for side in SIDES:
        texts = [
            (EXAMPLES / f"{name}.yaml").read_text().replace("[3, 224, 224]", f"[3, {side}, {side}]") for name in names
        ]
        print(f"{side:8}" + "".join(f"{solver(text):16.2f}" for text in texts), flush=True)


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=("specs", "depth", "side"))
    options = parser.parse_args()
    if options.only in (None, "specs"):
        specs(options.runs)
    if options.only in (None, "depth"):
        depths()
    if options.only in (None, "side"):
        sides()


if __name__ == "__main__":
    main()
