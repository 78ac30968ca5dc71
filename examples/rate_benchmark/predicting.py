"""What today's theory predicts for a measured cell, told what `lrbound stats` says of its data."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lrbound
from lrbound.errors import Refused
from lrbound.input_law import Input
from lrbound.network import Training
from lrbound.spec.diagnostics import SpecError
from rate_benchmark.data import arrays, target_mean_share

if TYPE_CHECKING:
    from rate_benchmark.records import Record


@dataclass(frozen=True)
class Rates:
    """The rates of a prediction.

    Attributes
    ----------
    maximum, recommended : float or None
    first_step : float or None
        The rate above which the first step raises the loss, of optimisers that have one.
    reason : str
        Why there are none.
    """

    maximum: float | None
    recommended: float | None
    first_step: float | None = None
    reason: str = ""


def stated(record: Record) -> dict[str, Any]:
    """Return a record's spec with those statistics of its data that a spec has a field for."""
    values = record["statistics"]
    known = [{f.name for f in dataclasses.fields(kind)} & values.keys() for kind in (Input, Training)]
    law, training = ({name: values[name] for name in sorted(names)} for names in known)
    share = target_mean_share(record["data"], standardised=record["targets"] == "unit")
    if share is not None:
        training["target_mean_share"] = share
    spec = record["spec"]
    return {**spec, "input": {**spec["input"], **law}, "training": {**spec["training"], **training}}


def predicted(record: Record) -> Rates:
    """Return the rates that are predicted for a record's cell."""
    try:
        network = lrbound.parse(json.dumps(stated(record)), name=record["name"])
        full = None if record["samples"] is None else min(record["samples"], len(arrays(record["data"])[0]))
        found = lrbound.predict(network, full_batch=full).to_json()
    except (Refused, SpecError) as error:
        return Rates(None, None, reason=str(error).splitlines()[0])
    maximum, recommended = found["max_learning_rate"], found["recommended_learning_rate"]
    reason = "" if maximum else "; ".join(map(str, found["warnings"]))
    return Rates(maximum, recommended, found.get("first_step_learning_rate"), reason)
