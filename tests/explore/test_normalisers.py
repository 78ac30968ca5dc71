"""Another normaliser in place of a network's own: against specs written by hand, and by what must not change."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrbound import parse, predict
from lrbound.empirical.fingerprint import describe
from lrbound.errors import Refused
from lrbound.explore.normaliser_names import find, kinds
from lrbound.explore.normalisers import names, normaliser_class, split_names, with_normaliser
from lrbound.layers._normaliser import Normaliser, default_groups

HEAD = "version: 1\ninput: {shape: [3, 8, 8]}\ninit: he\ntraining: {batch_size: 16}\n"
NET = """layers:
  - conv2d: {channels: 16, kernel: 3, padding: 1}
  - NORM
  - ACT
  - repeat:
      times: 2
      layers:
        - residual:
            layers: [{conv2d: {channels: 16, kernel: 3, padding: 1}}, NORM, ACT, {conv2d: {channels: 16, kernel: 1}}, LAST]
            shortcut: [{conv2d: {channels: 16, kernel: 1}}, LAST]
        - ACT
  - concat: {branches: [[{conv2d: {channels: 32, kernel: 1}}, NORM, ACT], []]}
  - multiply: {branches: [[{conv2d: {channels: 48, kernel: 1}}, LAST], [{conv2d: {channels: 48, kernel: 1}}, NORM, ACT]]}
  - squeeze_excite: 4
  - flatten
  - linear: 3
"""
"""A normaliser in every kind of container; LAST is one without an activation on it."""


def text(norm: str, last: str | None = None, act: str = "relu") -> str:
    """Return the spec with normalisers written by hand; an empty one leaves its place out."""
    body = NET.replace("LAST", norm if last is None else last).replace("NORM", norm).replace("ACT", act)
    return HEAD + re.sub(r"(?m)^ *- *\n", "", re.sub(r", (?=[],])", "", body)).replace("[, ", "[")


def net(norm: str, last: str | None = None, act: str = "relu"):
    return parse(text(norm, last, act))


def proxy(args: str = "") -> tuple[str, str]:
    return "{layer_norm: {learnable: false}}", f"{{proxy_norm: {{activation: relu{args}}}}}"


WRITTEN = {
    "none": ("", None, "relu"),
    "batch_norm": ("{batch_norm: 2}", None, "relu"),
    "layer_norm": ("{layer_norm: 2}", None, "relu"),
    "rms_norm": ("{rms_norm: 2}", None, "relu"),
    "instance_norm": ("{instance_norm: 2}", None, "relu"),
    "positional_norm": ("{positional_norm: 2}", None, "relu"),
    "cross_iteration_batch_norm": ("{cross_iteration_batch_norm: {gamma: 2}}", None, "relu"),
    "instance_enhancement_batch_norm": ("{instance_enhancement_batch_norm: 2}", None, "relu"),
}


@pytest.mark.parametrize("source", ["batch_norm", "rms_norm", "instance_norm", "cross_iteration_batch_norm"])
@pytest.mark.parametrize("kind", WRITTEN)
def test_it_is_what_one_would_write_by_hand(source, kind):
    """In every container; with the paths of that spec."""
    assert describe(with_normaliser(net(*WRITTEN[source]), kind)) == describe(net(*WRITTEN[kind]))


def test_groups_divide_the_channels_of_each_place():
    one = with_normaliser(net("{batch_norm: 2}"), "group_norm")
    groups = [node.layer.groups for node, shape in one.unrolled() if node.layer.kind == "group_norm"]
    assert groups == [8]  # of the 16 channels at the top level; those in branches have their own

    written = parse(text("{group_norm: {groups: 8, gamma: 2}}").replace("32, kernel: 1}}, {group_norm: {groups: 8",
                    "32, kernel: 1}}, {group_norm: {groups: 16").replace("48, kernel: 1}}, {group_norm: {groups: 8",
                    "48, kernel: 1}}, {group_norm: {groups: 24"))  # fmt: skip
    assert describe(one) == describe(written)


@pytest.mark.parametrize("kind", ["batch_norm", "none"])
def test_a_proxy_takes_the_activation_with_it(kind):
    """And leaves it behind. Where no activation follows, a layer norm stands alone, with its own gamma."""
    norm, act = proxy(", gamma: 2.0")
    # the activation after a sum of branches has no normaliser under it
    written = parse(text(norm, "{layer_norm: 2}", act).replace(f"        - {act}", "        - relu"))

    assert describe(with_normaliser(net("{batch_norm: 2}"), "proxy_norm")) == describe(written)
    without = "{batch_norm: 2}" if kind == "batch_norm" else ""
    assert describe(with_normaliser(written, kind)) == describe(net(without))


def test_arguments_of_the_same_name_are_kept_but_eps():
    one = parse(HEAD + "layers: [{conv2d: {channels: 12, kernel: 3}}, {group_norm: {groups: 4, gamma: 3, beta: 0.5, "
                "eps: 0.1, learnable: false}}, relu, flatten, {linear: 2}]")  # fmt: skip
    layer = with_normaliser(one, "batch_group_norm").nodes[1].layer

    assert (layer.groups, layer.gamma, layer.beta, layer.eps, layer.learnable) == (4, 3.0, 0.5, 1e-5, False)


NORMS = st.sampled_from([*kinds()])
ONE = "version: 1\ninput: {shape: [3, 6, 6]}\ntraining: {batch_size: 12, optimizer: {name: sgd, momentum: 0.9}}\n"
SMALL = ONE + "layers: [{conv2d: {channels: 24, kernel: 3}}, NORM, relu, flatten, {linear: 3}]"


def small(norm: str):
    return parse(SMALL.replace("NORM, relu", f"NORM{'' if 'proxy' in norm else ', relu'}").replace("NORM", norm))


def values(network):
    found = predict(network)
    return found.lambda_max, found.max_learning_rate, found.bounds.curvature


@given(kind=NORMS, gamma=st.floats(0.3, 3.0), eps=st.floats(1e-6, 0.1))
@settings(max_examples=20, deadline=None)
def test_by_itself_nothing_changes(kind, gamma, eps):
    needed = "groups: 3, " if "group" in kind else ""
    norm = f"{{{kind}: {{{needed}gamma: {gamma!r}, eps: {eps!r}}}}}"
    one = small(f"{{layer_norm: {{learnable: false, eps: {eps!r}}}}}, {norm}" if kind == "proxy_norm" else norm)

    assert describe(with_normaliser(one, kind)) == describe(one)
    assert values(with_normaliser(one, kind)) == values(one)


@given(kind=NORMS, gamma=st.floats(0.3, 3.0))
@settings(max_examples=20, deadline=None)
def test_there_and_back(kind, gamma):
    one = small(f"{{batch_norm: {gamma!r}}}")
    back = with_normaliser(with_normaliser(one, kind), "batch_norm")

    assert describe(back) == describe(one)


@pytest.mark.parametrize(("groups", "special"), [(1, "layer_norm"), (24, "instance_norm")])
@given(gamma=st.floats(0.3, 3.0))
@settings(max_examples=5, deadline=None)
def test_limits_of_group_norm(groups, special, gamma):
    """One group is layer norm, one channel a group is instance norm."""
    one = small(f"{{group_norm: {{groups: {groups}, gamma: {gamma!r}}}}}")

    assert values(with_normaliser(one, special)) == pytest.approx(values(one), rel=1e-9)


def test_a_net_without_is_given_one_after_each_weight_layer_but_the_last():
    assert describe(with_normaliser(net(""), "batch_norm")) == describe(net("{batch_norm: 1.0}"))
    assert describe(with_normaliser(net(""), "none")) == describe(net(""))


REFUSED = [
    ("[{linear: 8}, batch_norm, relu, {linear: 2}]", "instance_norm", "instance_norm needs several positions"),
    ("[{linear: 2}]", "batch_norm", "batch_norm has no place: no weight layer but the last"),
    ("[{linear: 8}, batch_norm, {linear: 2}]", "proxy_norm", "proxy_norm has no place: no activation follows"),
    ("[{linear: 8}, batch_norm, {leaky_relu: 0.3}, {linear: 2}]", "proxy_norm", "proxy_norm takes an activation by"),
    ("[{linear: 9}, {group_norm: 3}, relu, {linear: 4}, batch_norm, relu, {linear: 2}]", "batch_group_norm", None),
    ("[{group_norm: 1}, relu]", "none", "no layer has parameters to learn then"),
]


@pytest.mark.parametrize(("layers", "kind", "reason"), REFUSED)
def test_what_is_undefined_is_refused_with_the_reason(layers, kind, reason):
    one = parse(f"version: 1\ninput: {{shape: [8]}}\nlayers: {layers}")
    if reason is None:
        assert with_normaliser(one, kind)
        return
    with pytest.raises(Refused, match=f"^{reason}"):
        with_normaliser(one, kind)


GROUPS = [((64, 8, 8), 32), ((96, 4, 4), 32), ((30, 8, 8), 15), ((48, 1, 1), 6), ((64,), 8), ((1000,), 40), ((7,), 1)]


@pytest.mark.parametrize(("shape", "groups"), GROUPS)
def test_default_groups(shape, groups):
    assert default_groups(shape) == groups


@given(channels=st.integers(1, 3000), side=st.integers(1, 40))
def test_default_groups_divide(channels, side):
    assert channels % default_groups((channels, side, side)) == 0


@pytest.mark.parametrize("kind", kinds())
def test_every_normaliser_says_when_and_why(kind):
    cls = normaliser_class(kind)

    assert issubclass(cls, Normaliser)
    assert cls.year >= 2015
    assert len(cls.why.split()) > 5
    assert not cls.why.endswith(".")


def test_names():
    assert names()[0] == "batch_norm"
    assert set(names()) == set(kinds())
    assert split_names("all") == ("none", *names())
    assert split_names("layer, group_norm,none,layer") == ("none", "layer_norm", "group_norm")
    assert [find(name) for name in ("proxy", "proxy_norm", "none")] == ["proxy_norm", "proxy_norm", "none"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layr", "unknown normalizer 'layr'; did you mean 'layer'?"),
        ("BatchNorm", "unknown normalizer 'BatchNorm'; did you mean 'batch'?"),
        ("zzz", "unknown normalizer 'zzz'; there are batch_group, batch, "),
    ],
)
def test_unknown_names_have_a_suggestion(name, message):
    with pytest.raises(Refused) as caught:
        split_names(f"layer,{name}")
    assert str(caught.value).startswith(message)
