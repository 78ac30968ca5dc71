"""Measure the nets of the evidence that have no up-to-date values, one after the other on one core.

Values belong to a spec, a number of initialisations and a seed, as those of examples/zoo do; what is done is kept when it is stopped.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that it runs as a script

from examples.accuracy import measured
from tests.evidence.nets import SETS, key_in, parsed, read_set, write_set


def main() -> None:
    """Measure what is missing."""
    for path in sorted(SETS.glob("*.yaml")):
        content = read_set(path)
        if "initialisations" not in content:
            continue
        for name, net in content["nets"].items():
            key = key_in(content, name)
            if net.get("key") == key:
                continue
            start = time.process_time()
            net["measured"] = measured(parsed(net["spec"], name), content["initialisations"], content["seed"])
            net["key"] = key
            write_set(path, content)
            print(f"{path.stem}/{name}: {time.process_time() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
