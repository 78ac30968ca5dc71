"""Concatenated, multiplied and gated branches: against real networks, and against nets that must be the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from lrbound import predict
from lrbound.backward.sweep import backward
from lrbound.forward.sweep import forward
from lrbound.meanfield import merge as merging
from lrbound.meanfield.contract import Context
from lrbound.meanfield.gradient import Sums
from lrbound.meanfield.kernel import Kernel
from lrbound.meanfield.merge import merge
from lrbound.meanfield.positions import Axis
from lrbound.meanfield.regroup import common, regroup
from lrbound.notices import Notice  # noqa: TC001
from tests.nets import network
from tests.sampled import sampled

if TYPE_CHECKING:
    from lrbound.network import Network

HEAD = "input: {shape: [3, 12, 12]}\ninit: he\ntraining: {batch_size: 12}"
STEM = "- conv2d: {channels: 64, kernel: 3, padding: 1}\n- batch_norm\n- relu\n"
GAP = "- global_avg_pool\n- linear: 4"
FLAT = "- conv2d: {channels: 96, kernel: 3, stride: 2}\n- batch_norm\n- relu\n- flatten\n- linear: 4"


def conv(channels: int, kernel: int = 3) -> str:
    """A convolution that keeps height and width."""
    return f"{{conv2d: {{channels: {channels}, kernel: {kernel}, padding: {kernel // 2}, bias: false}}}}"


DENSE = f"- concat: [[], [batch_norm, relu, {conv(64, 1)}, batch_norm, relu, {conv(32)}]]\n"
INCEPTION = (
    f"- concat: [[{conv(32, 1)}, batch_norm, relu], [{conv(32, 1)}, batch_norm, relu, {conv(48)}, batch_norm, relu], "
    f"[{{avg_pool2d: {{kernel: 3, stride: 1, padding: 1}}}}, {conv(32, 1)}, batch_norm, relu]]\n"
)


def parts(net: Network) -> dict[str, np.ndarray]:
    """Predicted (coherent, trace) of every layer at the top level, with all that stands inside it."""
    ctx = Context(net.training.samples, True, net.init, warn=lambda _: None)
    found = {node.path: np.zeros(2) for node, _ in net.unrolled()}
    for term in backward(forward(net, ctx), ctx.samples):
        if term.share is not None:
            top = re.match(r"layers\.\d+(\.repeat\[\d+\]\.layers\.\d+)*", term.node.path)
            assert top is not None
            found[top.group()] += [float(term.share.coherent), float(term.share.trace)]
    return found


def compare(layers: str, seeds: int, rtol: float, head: str = HEAD) -> None:
    """Hold the sums, and every layer with a fifth of them, against sampled networks."""
    net = network(layers, head=head)
    truth, mine = sampled(net, seeds), np.array(list(parts(net).values()))
    for column, real in enumerate((truth.coherent, truth.trace)):
        assert mine[:, column].sum() == pytest.approx(real.sum(), rel=rtol)
        assert mine[:, column] == pytest.approx(real, rel=1.5 * rtol, abs=0.3 * rtol * real.sum())


def assert_same(one: Network, other: Network, rel: float = 1e-9) -> None:
    """Two nets have the same parts; layers of one that have no parameters may be missing in the other."""
    values = [np.array([part for part in parts(net).values() if part.any()]) for net in (one, other)]
    assert values[0] == pytest.approx(values[1], rel=rel)


def test_branches_that_end_in_activations() -> None:
    """An Inception block; 32 to 96 channels, 3 seeds: 6 %."""
    compare(INCEPTION.join([STEM, FLAT]), seeds=3, rtol=0.08)


def test_activation_on_branches_of_different_variance() -> None:
    """Each part meets the activation with its own variance; 48 to 96 channels, 3 seeds: 2 %."""
    block = f"- concat: [[{conv(48, 1)}, {{batch_norm: 0.5}}], [{conv(64)}, {{batch_norm: 2.0}}]]\n- relu\n"
    compare(STEM + block + FLAT, seeds=3, rtol=0.05)


def test_dense_block_over_random_weights() -> None:
    """Every normaliser sees all parts, each with its own variance; 3 seeds: 1 %."""
    compare("- conv2d: {channels: 64, kernel: 3, padding: 1}\n" + DENSE * 3 + "- batch_norm\n- relu\n" + GAP, 3, 0.06)


def test_dense_block_over_an_activation() -> None:
    """A ReLU'd part under BN and ReLU is taken as Gaussian: early layers 35 % high, the sums 3 %."""
    compare(STEM + DENSE * 3 + "- batch_norm\n- relu\n" + GAP, 3, 0.06)


@pytest.mark.parametrize("init", ["pytorch", "he"])
def test_squeeze_and_excite(init: str) -> None:
    """Gates near 1/2 (pytorch) and gates that vary (he); 64 channels, 3 seeds: 3 %."""
    gate = f"- squeeze_excite: {{reduction: 4, init: {init}}}\n"
    compare(STEM + gate + STEM.replace("64", "96") + gate + GAP.replace("global_avg_pool", "flatten"), 3, 0.06)


def test_squeeze_and_excite_on_a_residual_branch() -> None:
    """As in SE-ResNet: the gated branch stays Gaussian, the stream's law is tracked; 3 seeds: 1 %."""
    body = f"[{conv(64)}, batch_norm, relu, {conv(64)}, batch_norm, {{squeeze_excite: {{reduction: 8}}}}]"
    compare(f"{STEM}- residual: {body}\n- relu\n{GAP}", seeds=3, rtol=0.06)


def test_product_of_branches() -> None:
    """A gated convolution; 64 to 96 channels, 3 seeds: 2 %."""
    compare(f"{STEM}- multiply: [[{conv(64)}, batch_norm], [{conv(64, 1)}, tanh]]\n{FLAT}", seeds=3, rtol=0.05)


def test_one_branch_is_the_branch_itself() -> None:
    """So is a concatenation around an identity."""
    plain = STEM + "- conv2d: {channels: 32, kernel: 3}\n- relu\n" + GAP
    wrapped = STEM + "- concat: [[{conv2d: {channels: 32, kernel: 3}}]]\n- concat: [[]]\n- relu\n" + GAP
    assert_same(network(plain, head=HEAD), network(wrapped, head=HEAD))


@pytest.mark.parametrize("after", ["relu", "batch_norm", "- batch_norm\n- silu"])
def test_branches_of_one_law_are_a_wider_layer(after: str) -> None:
    """32 and 64 channels side by side are 96; only their own parts split as 1 : 2."""
    tail = f"\n- {after.removeprefix('- ')}\n- conv2d: {{channels: 48, kernel: 3}}\n- relu\n{GAP}"
    wide = network(f"{STEM}- {conv(96)[1:-1]}{tail}", head=HEAD)
    split = network(f"{STEM}- concat: [[{conv(32)}], [{conv(64)}]]{tail}", head=HEAD)
    assert_same(wide, split)


def test_nested_concatenations_are_one() -> None:
    """[[a, b], c] is [a, b, c], also below a normaliser that scales the parts by their own variances."""
    a, b, c = (f"{conv(n)}, {{batch_norm: {g}}}" for n, g in ((16, 0.5), (32, 1.0), (48, 2.0)))
    tail = "- batch_norm\n- relu\n" + FLAT
    nested = network(f"{STEM}- concat: [[{{concat: [[{a}], [{b}]]}}], [{c}]]\n{tail}", head=HEAD)
    flat = network(f"{STEM}- concat: [[{a}], [{b}], [{c}]]\n{tail}", head=HEAD)
    assert_same(nested, flat)


def test_a_constant_gate_changes_nothing_under_a_normaliser() -> None:
    """With weights of variance 1e-12 every gate is 1/2, which the normalisers around it absorb."""
    bn = "- batch_norm: {eps: 0}\n"
    head = "- conv2d: {channels: 32, kernel: 3}\n" + bn + "- relu\n" + GAP
    start = "- conv2d: {channels: 64, kernel: 3}\n" + bn
    gate = "- squeeze_excite: {reduction: 8, init: {weight_variance: 1.0e-12, bias_variance: 0}}\n"
    plain = list(parts(network(start + "- relu\n" + head, head=HEAD)).values())
    gated = list(parts(network(start + gate + "- relu\n" + head, head=HEAD)).values())
    # all but the gate itself, and the layer under a normaliser that sees smaller values
    assert np.array([*plain[:2], *plain[4:]]) == pytest.approx(np.array([*gated[:2], *gated[5:]]), rel=1e-6)


def test_a_flat_gate_multiplies_all_positions() -> None:
    """The general product with a pooled gate is squeeze_excite."""
    gate = "[global_avg_pool, {linear: 16}, relu, {linear: 64}, sigmoid]"
    written = network(f"{STEM}- multiply: [[], {gate}]\n{FLAT}", head=HEAD)
    named = network(f"{STEM}- squeeze_excite: 4\n{FLAT}", head=HEAD)
    assert_same(written, named)
    assert written.parameters == named.parameters


@pytest.mark.parametrize("layer", [INCEPTION, DENSE, "- squeeze_excite: 8\n", "- multiply: [[], [sigmoid]]\n"])
def test_torch_gives_the_shape_that_the_spec_says(layer: str) -> None:
    """One sample through the module of each layer."""
    net = network(STEM + layer + GAP, head=HEAD)
    value = torch.randn(2, *net.input.shape)
    for node, shape in net.unrolled():
        value = node.layer.torch(shape, net.init)(value)
        assert value.shape[1:] == node.layer.output_shape(shape)


def test_parameters_of_a_gate() -> None:
    """Two weight layers with biases: 64 x 16 + 16 + 16 x 64 + 64."""
    net = network(f"{STEM}- squeeze_excite: 4\n{GAP}", head=HEAD)
    (count,) = (n.layer.parameters(shape) for n, shape in net.unrolled() if n.layer.kind == "squeeze_excite")
    assert count == sum(p.numel() for p in net.nodes[3].layer.torch((64, 12, 12), net.init).parameters()) == 2128


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (f"concat: [[], [{conv(8)[:-2]}, stride: 2}}}}]]", "concat: the branches must agree in height and width"),
        ("multiply: [[], [{conv2d: {channels: 8, kernel: 1}}]]", "multiply: branch 2 gives"),
        ("concat: []", "must hold at least one list of layers"),
    ],
)
def test_branches_that_do_not_fit(layer: str, message: str) -> None:
    """The report stands at the layer."""
    with pytest.raises(Exception, match=re.escape(message)):
        network(f"{STEM}- {layer}\n{GAP}", head=HEAD)


def test_dependent_factors_are_named() -> None:
    """x sigmoid(x) is not a product of independent factors."""
    warnings: list[Notice] = []
    net = network(f"{STEM}- multiply: [[], [sigmoid]]\n{GAP}", head=HEAD)
    forward(net, Context(12.0, True, net.init, warn=warnings.append))
    assert ("LRB033", "layers.3") in [(one.code, one.path) for one in warnings]


# --- Classes of positions ---------------------------------------------------------------------------------------------


def _random(rng: np.random.Generator, r: int, c: int) -> tuple[Sums, np.ndarray, np.ndarray]:
    sums = Sums(rng.normal(size=(2, 2, r, r, c, c)), rng.normal(size=(2, 2, r, c)))
    return sums, rng.normal(size=(1, r, r, c, c)), rng.normal(size=(2, r, c))


def _dot(sums: Sums, pair: np.ndarray, site: np.ndarray) -> float:
    return float((sums.pair * pair[None]).sum() + (sums.site * site[None]).sum())


def test_regrouping_back_is_the_transpose() -> None:
    """Also where the finer partition is the coarser one with other numbers for the same classes."""
    rng = np.random.default_rng(0)
    one, other = Axis((0, 0, 0, 0, 0)), Axis((1, 0, 2, 0, 1))
    for coarse in (other, Axis((0, 1, 1, 1, 0))):
        fine = common(coarse if coarse is not other else one, other)
        way = regroup(coarse, coarse, fine, fine)
        inner, outer = len(coarse.counts), len(fine.counts)
        sums = _random(rng, outer, outer)[0]
        _, pair, site = _random(rng, inner, inner)
        assert _dot(way.backward(sums), pair, site) == pytest.approx(
            _dot(sums, way.gather_pair(pair), way.gather(site)), rel=1e-12
        )


def test_merging_back_is_the_transpose(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel whose rows 1 and 2 are alike."""
    monkeypatch.setattr(merging, "FEW", 1)
    rng = np.random.default_rng(1)
    rows, cols = Axis((0, 1, 2, 2, 3)), Axis((0, 1, 1))
    _, pair, site = _random(rng, 4, 2)
    pair[:, 2], site[:, 2] = pair[:, 1], site[:, 1]
    pair[:, :, 2] = pair[:, :, 1]
    merged = merge(Kernel(8, rows, cols, pair, np.abs(site)))
    assert merged is not None
    assert merged.kernel.rows.classes == (0, 1, 1, 1, 2)
    assert merged.kernel.pair.shape == (1, 3, 3, 2, 2)
    sums = _random(rng, 3, 2)[0]
    assert _dot(merged.backward(sums), pair, np.abs(site)) == pytest.approx(
        _dot(sums, merged.kernel.pair, merged.kernel.site), rel=1e-12
    )


def test_merging_changes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven padded convolutions on 40 rows, with and without shortcuts: 1e-4 of all parts."""
    block = f"- repeat: {{times: 4, layers: [{{residual: [{conv(64)}, batch_norm, relu, {conv(64)}, batch_norm]}}, relu]}}\n"
    net = network(
        STEM + block + DENSE * 2 + "- batch_norm\n- relu\n" + GAP, head=HEAD.replace("[3, 12, 12]", "[3, 40, 37]")
    )
    merged = np.array(list(parts(net).values()))
    monkeypatch.setattr(merging, "TOLERANCE", -1.0)
    exact = np.array(list(parts(net).values()))
    assert (np.abs(merged - exact) <= 1e-3 * exact + 1e-4 * exact.sum(axis=0)).all()


@pytest.mark.parametrize(("inside", "bare"), [("", True), ("batch_norm, ", False)])
def test_branches_without_a_normaliser_below_the_last_one_count(inside, bare):
    """Such nets diverged at 0.3 to 0.6 of the minibatch bound: what is above does not undo the growth of a branch alone."""
    block = f"{{residual: [{inside}relu, {{linear: 64}}]}}"
    net = network(
        f"- linear: 64\n- repeat: {{times: 8, layers: [{block}]}}\n- batch_norm\n- relu\n- linear: 4",
        head="input: {shape: [32]}\ninit: he\ntraining: {batch_size: 64}",
    )
    p = predict(net)

    assert (p.max_learning_rate <= p.bounds.curvature < 0.5 * p.bounds.minibatch) == bare
