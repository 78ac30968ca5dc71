"""from_torch(to_torch(spec)) is spec for random specs of all layers."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import lrbound
from lrbound.activations.base import Activation
from lrbound.fields import params
from lrbound.layers import LAYERS
from lrbound.layers._normaliser import Normaliser
from lrbound.spec import SpecError
from tests.importing.same import inits_agree, structure

ACTIVATIONS = [name for name in LAYERS.names() if issubclass(LAYERS.get(name), Activation) and name != "identity"]
NORMALISERS = [name for name in LAYERS.names() if issubclass(LAYERS.get(name), Normaliser) and name != "proxy_norm"]
INITS = st.one_of(
    st.none(),
    st.sampled_from(["pytorch", "he", "lecun", "xavier"]),
    st.builds(
        lambda weight, bias: {"weight_variance": weight, "bias_variance": bias},
        st.sampled_from([0.3, 1.5, 4.0]),
        st.sampled_from([0.0, 0.01, 0.5]),
    ),
)


def without_none(**arguments):
    return {key: value for key, value in arguments.items() if value is not None}


@st.composite
def normalisers(draw, channels):
    name = draw(st.sampled_from(NORMALISERS))
    known = params(LAYERS.get(name))
    arguments = {
        "gamma": draw(st.sampled_from([0.0, 0.25, 1.0, 3.0])),
        "beta": draw(st.sampled_from([-0.5, 0.0, 0.2])),
        "eps": draw(st.sampled_from([1e-5, 1e-3, 1e-8])),
        "learnable": draw(st.booleans()),
        "groups": draw(st.sampled_from([g for g in (1, 2, 4) if channels % g == 0])),
        "window": draw(st.integers(1, 4)),
    }
    return {name: {key: value for key, value in arguments.items() if key in known}}


def small(draw, channels):
    """Draw a layer that keeps any shape."""
    kind = draw(st.sampled_from(["activation", "normaliser", "dropout"]))
    if kind == "activation":
        name = draw(st.sampled_from(ACTIVATIONS))
        slopes = {"negative_slope": draw(st.sampled_from([0.01, 0.2]))}
        return (
            {name: {key: value for key, value in slopes.items() if key in params(LAYERS.get(name))}} if slopes else name
        )
    return {"dropout": draw(st.sampled_from([0.1, 0.5]))} if kind == "dropout" else draw(normalisers(channels))


def convolution(draw, channels, outputs, *, keep=False):
    kernel = draw(st.sampled_from([1, 3, 5]))
    groups = draw(st.sampled_from([g for g in (1, 2, 4) if channels % g == outputs % g == 0]))
    return {
        "conv2d": without_none(
            channels=outputs,
            kernel=kernel,
            stride=1 if keep else draw(st.sampled_from([1, 2])),
            padding=kernel // 2 if keep else draw(st.integers(0, kernel // 2)),
            padding_mode=draw(st.sampled_from(["zeros", "circular"])),
            groups=groups,
            bias=draw(st.booleans()),
            init=draw(INITS),
        )
    }


def block(draw, channels, depth):
    """Draw layers that keep the shape of a map, the last of which has weights."""
    layers = [small(draw, channels) for _ in range(draw(st.integers(0, 2)))]
    if depth and draw(st.booleans()):
        layers.append(branching(draw, channels, depth - 1))
    return [*layers, convolution(draw, channels, channels, keep=True)]


def branching(draw, channels, depth):
    kind = draw(st.sampled_from(["residual", "multiply", "repeat", "squeeze_excite"]))
    if kind == "residual":
        shortcut = block(draw, channels, 0) if draw(st.booleans()) else []
        return {"residual": {"layers": block(draw, channels, depth), "shortcut": shortcut}}
    if kind == "multiply":
        return {"multiply": {"branches": [block(draw, channels, depth), block(draw, channels, 0)]}}
    if kind == "squeeze_excite":
        units = [{"reduction": 1}, {"reduction": 2}, {"reduction": 4}, {"units": 3}, {"units": 40}]
        inside = draw(st.sampled_from(units))
        gate = without_none(
            gate=draw(st.sampled_from(["sigmoid", "hardsigmoid"])),
            bias=draw(st.booleans()),
            **inside,
            **{name: draw(st.sampled_from([None, "he", "lecun"])) for name in ("init", "squeeze_init", "excite_init")},
        )
        return {"squeeze_excite": gate}
    return {"repeat": {"times": draw(st.integers(2, 3)), "layers": block(draw, channels, depth)}}


@st.composite
def specs(draw):
    channels = draw(st.sampled_from([4, 8, 24]))
    layers = [convolution(draw, 4, channels)]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["small", "pool", "branching", "concat"]))
        if kind == "small":
            layers.append(small(draw, channels))
        elif kind == "pool":
            name = draw(st.sampled_from(["avg_pool2d", "max_pool2d"]))
            kernel = draw(st.integers(2, 3))
            layers.append(
                {name: {"kernel": kernel, "stride": draw(st.integers(1, 3)), "padding": draw(st.integers(0, 1))}}
            )
        elif kind == "branching":
            layers.append(branching(draw, channels, 1))
        else:
            layers.append({"concat": [[], block(draw, channels, 1)]})
            channels *= 2
    layers.append(draw(st.sampled_from(["flatten", "global_avg_pool"])))
    for _ in range(draw(st.integers(0, 2))):
        width = draw(st.sampled_from([12, 40]))
        layers += [{"linear": without_none(features=width, init=draw(INITS))}, small(draw, width)]
    layers.append({"linear": {"features": draw(st.integers(1, 5)), "bias": draw(st.booleans())}})
    head = without_none(version=1, input={"shape": [4, 12, 12]}, init=draw(INITS), layers=layers)
    return json.dumps(head)


@settings(
    phases=(Phase.generate,), max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(specs())
def test_a_random_spec_comes_back_from_its_module(text):
    try:
        spec = lrbound.parse(text)
    except SpecError:
        assume(False)  # a layer that the shapes do not allow

    back = lrbound.from_torch(lrbound.to_torch(spec), spec.input.shape)

    assert structure(back) == structure(spec)
    assert back.parameters == spec.parameters
    assert inits_agree(back, spec)
