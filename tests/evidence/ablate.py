"""Switch each effect of the theory off, and print what it is worth: on examples/zoo and on its own evidence.

Errors are those of the predicted against the mean measured lambda_max, in per cent. ``moved`` counts nets of the zoo whose prediction
changes by more than 1 %. Own evidence is what the effect was written on (``known``) and what it was not (``held out``): rms with
the effect, and without.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that it runs as a script

import numpy as np
import yaml

import lrbound
from tests.evidence.nets import HERE, Net, load_set
from tests.evidence.switches import EFFECTS, off

if TYPE_CHECKING:
    from collections.abc import Sequence

MOVED = 0.01


class Evidence(NamedTuple):
    """What speaks for an effect.

    Attributes
    ----------
    claim : str
    known, held_out : tuple of str
        Sets, or single nets ``SET/NET``, that it was and was not written on.
    bar : float
        The largest rms error on all of these together.
    """

    claim: str
    known: tuple[str, ...]
    held_out: tuple[str, ...]
    bar: float


def evidence(effect: str) -> Evidence:
    """Return the evidence of an effect from its file."""
    content = yaml.safe_load((HERE / "effects" / f"{effect}.yaml").read_text("utf-8"))
    return Evidence(content["claim"], tuple(content["known"]), tuple(content["held_out"]), content["bar"])


@cache
def nets(place: str) -> tuple[Net, ...]:
    """Return the nets of a set, or the one that is named ``SET/NET``."""
    found = load_set(place.partition("/")[0])
    return tuple(net for net in found if place in (net.name, net.name.partition("/")[0]))


def own_nets(places: Sequence[str]) -> list[Net]:
    """Return the nets of all these places."""
    return [net for place in places for net in nets(place)]


def predictions(those: Sequence[Net]) -> dict[str, float]:
    """Return lambda_max by name."""
    return {net.name: lrbound.predict(net.network).lambda_max for net in those}


def without(effect: str) -> dict[str, float]:
    """Return the predictions for the zoo and an effect's own nets with the effect off."""
    own = evidence(effect)
    with off(effect):
        return predictions([*nets("zoo"), *own_nets(own.known + own.held_out)])


def errors(found: dict[str, float], those: Sequence[Net]) -> np.ndarray:
    """Return predicted over measured, less 1."""
    return np.array([found[net.name] / net.mean - 1.0 for net in those])


def rms(values: np.ndarray) -> float | None:
    """Return the root of the mean square; None of nothing."""
    return float(np.sqrt(np.mean(values**2))) if len(values) else None


def summary(found: dict[str, float], base: dict[str, float]) -> dict[str, Any]:
    """Return the errors on the zoo, and how many nets move."""
    error = np.abs(errors(found, nets("zoo")))
    moved = sorted(((found[n.name] / base[n.name] - 1.0, n.name) for n in nets("zoo")), key=lambda row: -abs(row[0]))
    return {
        "median": float(np.median(error)),
        "p90": float(np.quantile(error, 0.9)),
        "rms": rms(error),
        "moved": sum(abs(change) > MOVED for change, _ in moved),
        "most": {name: change for change, name in moved[:3]},
    }


def row(effect: str, found: dict[str, float], base: dict[str, float]) -> dict[str, Any]:
    """Return what an effect is worth."""
    own, result = evidence(effect), {**summary(found, base), "predicted": found}
    for kind in ("known", "held_out"):
        those = own_nets(getattr(own, kind))
        changes = [abs(found[net.name] / base[net.name] - 1.0) for net in those]
        result[kind] = {
            "nets": len(those),
            "with": rms(errors(base, those)),
            "without": rms(errors(found, those)),
            "moved": sum(change > MOVED for change in changes),
        }
    return result


def ablate(effects: Sequence[str], jobs: int) -> dict[str, Any]:
    """Return the base line and a row for each effect."""
    everything = sorted({place for effect in effects for places in evidence(effect)[1:3] for place in places})
    those = {net.name: net for net in [*nets("zoo"), *own_nets(everything)]}
    with multiprocessing.Pool(jobs) as pool:
        rest = pool.imap(without, effects)
        base = predictions(list(those.values()))
        rows = {effect: row(effect, found, base) for effect, found in zip(effects, rest, strict=True)}
    predicted = {name: [base[name], net.mean] for name, net in those.items()}
    return {"base": summary(base, base), "effects": rows, "predicted": predicted}


def table(found: dict[str, Any]) -> str:
    """Return the rows as text."""
    head = "effect off                  zoo: median    p90    rms  moved   known: nets  with  without   held out: nets  with  without"
    lines = [head, _line("(base line)", found["base"])]
    return "\n".join([*lines, *(_line(effect, values) for effect, values in found["effects"].items())])


def _line(name: str, values: dict[str, Any]) -> str:
    text = f"{name:<26}  {_percent(values['median']):>11} {_percent(values['p90'])} {_percent(values['rms'])} {values['moved']:>6}"
    for kind, width in (("known", 14), ("held_out", 17)):
        if kind in values:
            own = values[kind]
            text += f"{own['nets']:>{width}} {_percent(own['with'])} {_percent(own['without']):>8}"
    return text


def _percent(value: float | None) -> str:
    return (
        f"{'-':>6}"
        if value is None
        else f"{min(100.0 * value, 9999.0):>6.2f}"
        if value < 10.0
        else f"{100.0 * value:>6.0e}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", action="append", choices=sorted(EFFECTS), metavar="EFFECT", help="these effects alone"
    )
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    given = parser.parse_args(arguments)
    found = ablate(given.only or list(EFFECTS), given.jobs)
    print(json.dumps(found, indent=1) if given.json else table(found))


if __name__ == "__main__":
    main()
