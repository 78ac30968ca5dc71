"""Every effect of the theory has evidence that a script reads, can be switched off, and does what its evidence says."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lrbound
from tests.evidence import ablate
from tests.evidence.nets import HERE, SETS, key_in, load_set, read_set
from tests.evidence.switches import EFFECTS, off

MEASURED = sorted(path.stem for path in SETS.glob("*.yaml") if "initialisations" in read_set(path))
FEWEST = 3
"""Nets that an effect was not written on."""


@pytest.fixture(scope="module")
def base() -> dict[str, float]:
    """Predictions that were asked for, by name."""
    return {}


def predicted(base: dict[str, float], those) -> dict[str, float]:
    base.update(ablate.predictions([net for net in those if net.name not in base]))
    return base


def test_effects_and_evidence_belong_together() -> None:
    assert sorted(path.stem for path in (HERE / "effects").iterdir()) == sorted(EFFECTS)


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_effect_has_nets_that_it_was_not_written_on(effect: str) -> None:
    own = ablate.evidence(effect)

    assert own.claim.endswith(".")
    assert not set(own.known) & set(own.held_out)
    assert all(ablate.nets(place) for place in own.known + own.held_out)
    assert len(ablate.own_nets(own.held_out)) >= FEWEST


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_switch_changes_a_prediction(effect: str, base) -> None:
    own = ablate.evidence(effect)
    those = ablate.own_nets(own.held_out + own.known)
    predicted(base, those)

    with off(effect):
        assert any(lrbound.predict(net.network).lambda_max != base[net.name] for net in those)


@pytest.mark.parametrize("effect", EFFECTS)
def test_the_error_on_an_effects_evidence_is_below_its_bar(effect: str, base) -> None:
    own = ablate.evidence(effect)
    those = ablate.own_nets(own.known + own.held_out)

    assert ablate.rms(ablate.errors(predicted(base, those), those)) <= own.bar


def test_an_effect_is_on_again_afterwards() -> None:
    net = load_set("batches")[0].network
    before = lrbound.predict(net).lambda_max
    with off("wishart_growth"):
        assert lrbound.predict(net).lambda_max < 0.9 * before

    assert lrbound.predict(net).lambda_max == before


@pytest.mark.parametrize("name", MEASURED)
def test_measured_values_belong_to_their_specs(name: str) -> None:
    content = read_set(SETS / f"{name}.yaml")

    for net, entry in content["nets"].items():
        assert entry["key"] == key_in(content, net), f"{net}: run `python tests/evidence/measure.py`"
        assert len(entry["measured"]) == content["initialisations"]


@pytest.mark.parametrize("name", MEASURED)
def test_measured_means_are_known_to_a_tenth(name: str) -> None:
    for net in load_set(name):
        assert np.std(net.values, ddof=1) / np.sqrt(len(net.values)) < 0.1 * net.mean, net.name


def test_the_table_says_what_an_effect_is_worth(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Of two nets in the place of the zoo, one without the batch statistics whose kurtosis is switched off."""
    few = ablate.nets("few-samples")[:1] + ablate.nets("plain")[:1]
    nets = ablate.nets
    monkeypatch.setattr(ablate, "nets", lambda place: few if place == "zoo" else nets(place))
    ablate.main(["--only", "batch_variance_kurtosis", "--jobs", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    row = found["effects"]["batch_variance_kurtosis"]

    assert row["moved"] == 1
    assert next(iter(row["most"])) == few[0].name
    assert row["held_out"]["with"] != row["held_out"]["without"]
    assert found["base"]["rms"] == pytest.approx(
        np.sqrt(np.mean([(found["predicted"][net.name][0] / net.mean - 1.0) ** 2 for net in few]))
    )
