"""Sets of networks with measured lambda_max: what effects of the theory are judged by.

A set is ``nets/NAME.yaml``: where its values come from (``source``), and for each net its spec and the values. Sets with
``initialisations`` are measured by ``measure.py``; those without hold means that were measured elsewhere, each as one value
with its standard ``error`` where that is known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

import lrbound
from examples.accuracy import RESULTS, SEED, SEEDS, ZOO, key, key_of, stored

if TYPE_CHECKING:
    from lrbound.network import Network

HERE = Path(__file__).parent
SETS, REFERENCE = HERE / "nets", HERE.parent / "reference"


@dataclass(frozen=True)
class Net:
    """A network and lambda_max of its initialisations, or their mean alone.

    Attributes
    ----------
    name : str
        ``SET/NET``.
    network : Network
    values : tuple of float
    """

    name: str
    network: Network
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Return the mean over the initialisations."""
        return float(np.mean(self.values))


def load_set(name: str) -> list[Net]:
    """Return the nets of a set: ``zoo``, ``reference``, or one of this folder's."""
    if name == "zoo":
        return [_of_zoo(path) for path in sorted(ZOO.glob("*.yaml"))]
    if name == "reference":
        values = json.loads((REFERENCE / "measured.json").read_text("utf-8"))
        specs = sorted((REFERENCE / "specs").glob("*.yaml"))
        return [Net(f"{name}/{spec.stem}", lrbound.load(spec), tuple(values[spec.stem]["values"])) for spec in specs]
    return [
        Net(f"{name}/{net}", parsed(entry["spec"], net), tuple(entry["measured"]))
        for net, entry in read_set(SETS / f"{name}.yaml")["nets"].items()
    ]


def _of_zoo(path: Path) -> Net:
    result = stored(path, RESULTS, key(path, SEEDS, SEED))
    if result is None:
        raise SystemExit(f"{path}: has no measured values; run `python examples/accuracy.py`")
    return Net(f"zoo/{path.stem}", lrbound.load(path), tuple(result["values"]))


def parsed(spec: dict[str, Any], name: str) -> Network:
    """Return the network of a spec that is nested lists and dictionaries."""
    return lrbound.parse(yaml.safe_dump({"version": 1, **spec}, sort_keys=False), name=name)


def read_set(path: Path) -> dict[str, Any]:
    """Return a set as it is in its file."""
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


def write_set(path: Path, content: dict[str, Any]) -> None:
    """Write a set, in whole or not at all."""
    draft = path.with_suffix(".part")
    draft.write_text(yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120), "utf-8")
    draft.replace(path)


def key_in(content: dict[str, Any], net: str) -> str:
    """Return what the measured values of a net of a set belong to."""
    return key_of(content["nets"][net]["spec"], content["initialisations"], content["seed"])
