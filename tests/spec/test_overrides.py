"""``--set PATH=VALUE``: where paths lead, and what happens where they lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lrbound.init import Init
from lrbound.layers.base import unroll
from lrbound.layers.batch_norm import BatchNorm
from lrbound.layers.linear import Linear
from lrbound.optimizers.sgd import SGD
from lrbound.spec import SpecError, parse

if TYPE_CHECKING:
    from lrbound.network import Network

SPEC = """\
version: 1
input: {shape: [8]}
init: he
layers:
  - linear: {features: 20, bias: false}
  - batch_norm
  - relu
  - repeat: {times: 2, layers: [linear: 30, batch_norm: 1.0, {repeat: {times: 2, layers: [batch_norm: {eps: 0}]}}]}
  - linear: 10
"""


def override(*options: str, text: str = SPEC) -> Network:
    """Parse with options written as on the command line."""
    return parse(text, overrides=[(path, value) for path, _, value in (option.partition("=") for option in options)])


def refusal(*options: str, text: str = SPEC) -> str:
    """Return the whole text of the refusal."""
    with pytest.raises(SpecError) as caught:
        override(*options, text=text)
    return str(caught.value)


def layers(net: Network, cls: type[Any]) -> list[Any]:
    """Return all layers of a class, repeats written out."""
    return [node.layer for node in unroll(net.nodes) if isinstance(node.layer, cls)]


@pytest.mark.parametrize("path", ["layers.*.batch_norm.gamma", "layers.*.gamma", "*.gamma", "*.*.gamma"])
def test_wildcard_reaches_every_batch_norm(path: str) -> None:
    """Short forms and nested repeats included, whether or not the spec names the argument."""
    norms = layers(override(f"{path}=0.5"), BatchNorm)
    assert len(norms) == 1 + 2 + 4
    assert {norm.gamma for norm in norms} == {0.5}
    assert {norm.eps for norm in norms[2:4]} == {0.0}


def test_wildcard_with_main_argument() -> None:
    """``layers.*.linear=7`` sets features everywhere and keeps the other arguments."""
    found = layers(override("layers.*.linear=7"), Linear)
    assert found == [Linear(features=7, bias=False)] + [Linear(features=7)] * 3


@pytest.mark.parametrize(
    ("option", "index", "expected"),
    [
        ("layers.0.linear.features=500", 0, Linear(features=500, bias=False)),
        ("layers.0.linear=500", 0, Linear(features=500, bias=False)),
        ("layers.0.linear={features: 5}", 0, Linear(features=5)),
        ("layers.0={linear: 5}", 0, Linear(features=5)),
        ("layers.0=batch_norm", 0, BatchNorm()),
        ("layers.1.batch_norm.eps=1e-3", 1, BatchNorm(eps=1e-3)),
        ("layers.4.linear.init.weight_variance=3", 4, None),
        ("layers.4.linear.init=he", 4, Linear(features=10, init=Init(2.0))),
    ],
)
def test_layer_arguments(option: str, index: int, expected: object) -> None:
    """Arguments, main arguments, whole layers."""
    if expected is None:
        missing = (
            "init: the default ('pytorch', or the network's) is no pair of variances; set 'init.bias_variance' too"
        )
        assert refusal(option) == f"--set {option}: {missing}"
    else:
        assert override(option).nodes[index].layer == expected


def test_path_into_a_repeat() -> None:
    """The path of a node, and its argument behind it."""
    net = override("layers.3.repeat.times=3", "layers.3.repeat.layers.0.linear.features=4")
    assert [layer.features for layer in layers(net, Linear)] == [20, 4, 4, 4, 10]


def test_absent_blocks_are_created() -> None:
    """A spec without ``training`` can be given one, key by key."""
    net = override(
        "training.batch_size=64", "training.optimizer.momentum=0.5", "training.loss=mse", "input.correlation=.1"
    )
    assert (net.training.batch_size, net.training.loss.kind, net.input.correlation) == (64, "mse", 0.1)
    assert net.training.optimizer == SGD(momentum=0.5)


def test_named_optimizer_is_written_out() -> None:
    """``optimizer: sgd`` takes arguments like ``{name: sgd}``."""
    net = override("training.optimizer.momentum=0.5", text=SPEC + "training: {optimizer: sgd}\n")
    assert net.training.optimizer == SGD(momentum=0.5)


def test_named_init() -> None:
    """``he`` is a pair of variances, of which one can be set; ``pytorch`` is not, so both must be."""
    pytorch = SPEC.replace("init: he\n", "init: pytorch\n")
    absent = SPEC.replace("init: he\n", "")
    assert override("init.weight_variance=3").init == Init(3.0, 0.0)
    assert override("init.bias_variance=3").init == Init(2.0, 3.0)
    for text in (pytorch, absent):
        assert override("init.weight_variance=3", "init.bias_variance=1", text=text).init == Init(3.0, 1.0)
    assert refusal("init.weight_variance=3", text=pytorch) == (
        "--set init.weight_variance=3: init: 'pytorch' is no pair of variances; set 'init.bias_variance' too"
    )
    assert refusal("init.bias_variance=3", text=absent) == (
        "--set init.bias_variance=3: init: the default ('pytorch', or the network's) is no pair of variances; "
        "set 'init.weight_variance' too"
    )


def test_later_options_win() -> None:
    """Options are applied in their order."""
    assert override("name=a", "name=b").name == "b"


def test_alias_is_changed_alone() -> None:
    """A block that an alias repeats is a copy: setting one place leaves the other."""
    net = override("layers.0.linear=3", text="version: 1\ninput: {shape: [8]}\nlayers: [&a {linear: 9}, *a]\n")
    assert [layer.features for layer in layers(net, Linear)] == [3, 9]


def test_override_repairs_a_wrong_value() -> None:
    """The text is judged after the options have been applied."""
    assert override("layers.0.linear=3", text=SPEC.replace("features: 20", "features: -20")).name == "network"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("layers.4.linear.features=1.5", "linear: 'features' must be a positive integer, got 1.5"),
        ("layers.0.linear.feature=3", "linear: unknown argument 'feature'; did you mean 'features'?"),
        ("layers.0.liner.features=3", "'layers.0' has no 'liner'; did you mean 'linear'?"),
        ("layers.0.zzzz.features=3", "'layers.0' has no 'zzzz'; it has 'linear'"),
        ("layers.7.linear=3", "'layers' has no item '7'; its 5 items are counted from 0"),
        ("layers.-1.linear=3", "'layers' has no item '-1'; its 5 items are counted from 0"),
        ("layers.x=3", "'layers' has no item 'x'; its 5 items are counted from 0"),
        ("layer.0.linear=3", "'' has no 'layer'; did you mean 'layers'?"),
        ("version.x=3", "'version' is a single value and has no 'x'"),
        (
            "layers.3.repeat[0].layers.0.linear=3",
            "'layers.3' has no 'repeat[0]'; the copies share their layers, write 'repeat'",
        ),
        ("layers.*.batchnorm.gamma=3", "nothing in the spec matches this path; did you mean 'batch_norm'?"),
        ("layers.*.zzzz=3", "nothing in the spec matches this path"),
        ("layers.*=3", "a path cannot end in '*'; name the argument after it"),
        ("layers..x=3", "'layers..x' is not a path like training.batch_size or layers.0.linear.features"),
        ("=3", "'' is not a path like training.batch_size or layers.0.linear.features"),
        ("*." * 200 + "x=3", "a path has at most 200 elements"),
        ("training.batchsize=3", "training: unknown key 'batchsize'; did you mean 'batch_size'?"),
        ("batch_size=3", "unknown key 'batch_size'; known: version, name, input, init, training, layers"),
        ("name=", "there is no value after the '='"),
        ("name=!!str x", "the tag '!!str' is not allowed; a spec is plain data"),
        ("name=*x", "the alias '*x' has no anchor before it"),
        ("layers.0.linear=ab\x1bc", "the character U+001B is not allowed in YAML"),
        ("layers.0.linear={features: -3}", "linear: 'features' must be a positive integer, got -3"),
        ("layers.0=liner", "unknown layer 'liner'; did you mean 'linear'?"),
        ("layers.3.repeat.times=100000", "repeat: 100000 times 4 is 400000 layers; at most 100000 are allowed"),
        ("input.shape=[8, 8, 8]", None),
        ("layers.0=flatten", None),
    ],
)
def test_refusals_name_the_option(option: str, message: str | None) -> None:
    """What an option did wrong is reported under its name, and nothing else is."""
    if message is None:
        if option == "layers.0=flatten":
            assert override(option).output_shape == (10,)
        else:
            assert refusal(option).startswith("<string>:5:5: linear takes flat features, got [8, 8, 8]")
        return
    first, _, rest = refusal(option).partition(": " + message)
    shown = option.replace("\x1b", "\\x1b")
    assert rest == ""
    assert first == f"--set {shown}" if len(option) <= 80 else first.startswith("--set *.*.")


def test_syntax_error_in_a_value() -> None:
    """A value that is no YAML is named with YAML's reason."""
    assert refusal("layers.0=[relu").startswith("--set layers.0=[relu: not valid YAML: while parsing a flow sequence")


def test_errors_of_text_and_options_come_together() -> None:
    """Everything is reported at once, the text first."""
    text = refusal("layers.4.linear=0", text=SPEC.replace("- relu", "- rleu"))
    heads = [line for line in text.splitlines() if not line.startswith("   |")]
    assert heads == [
        "<string>:7:5: unknown layer 'rleu'; did you mean 'relu'?",
        "--set layers.4.linear=0: linear: 'features' must be a positive integer, got 0",
    ]


def test_options_cannot_grow_the_tree_without_bound() -> None:
    """Each option may double the tree; the limits of the text hold after every one."""
    value = "[" * 60 + "relu" + "]" * 60
    text = refusal(f"layers.0={value}", "layers.0" + ".0" * 59 + f"={value}")
    assert text.endswith("makes the spec deeper than 100 or larger than 100000 values")


def test_wildcards_are_walked_once() -> None:
    """Ninety wildcards in a deep tree meet the same places in exponentially many ways; each is visited once."""
    text = "version: 1\ninput: {shape: [8]}\nlayers:\n  - linear: 1\n"
    deep = "{repeat: {times: 1, layers: [" * 30 + "batch_norm" + "]}}" * 30
    net = override("*." * 60 + "gamma=0.5", text=f"{text}  - {deep}\n")
    assert [norm.gamma for norm in layers(net, BatchNorm)] == [0.5]
