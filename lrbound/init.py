"""How weights and biases are drawn, and the words for it: the names and forms that PyTorch, Keras and papers use.

A form is a name with arguments, such as ``{kaiming_normal: {mode: fan_out}}`` or ``{std: 0.02}``. To leading order only the
variance of a weight counts, gain^2 over what the form divides by.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lrbound.fields import Param

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

Distribution = Literal["normal", "uniform", "orthogonal"]
Fan = Literal["in", "out", "average", "largest", "none"]


class Fans(NamedTuple):
    """What the variance of a layer's weights may be divided by, as torch counts it.

    Attributes
    ----------
    fan_in : int
        Inputs of one unit: channels of a group times the filter's area.
    fan_out : int
        Output channels of all groups times the filter's area.
    outputs : int
        Output channels.
    """

    fan_in: int
    fan_out: int
    outputs: int


@dataclass(frozen=True)
class Init:
    """Initialisation of a weight layer.

    Attributes
    ----------
    weight_variance : float
        Variance of a weight times its ``fan``; with the usual fan_in it is sigma_w^2.
    bias_variance : float
        sigma_b^2, or with ``bias_over_fan_in`` the numerator of sigma_b^2 = ``bias_variance / fan_in``.
    bias_over_fan_in : bool
        Whether the bias variance is divided by fan_in too, as PyTorch does.
    fan : {"in", "out", "average", "largest", "none"}
        fan_in, fan_out, (fan_in + fan_out)/2 as in Glorot and Bengio 2010, the larger of fan_in and the outputs as of
        orthogonal matrices, or 1.
    distribution : {"normal", "uniform", "orthogonal"}
        Law of the weights and biases (biases of orthogonal weights are normal); the mean-field limit depends on the variances
        alone.
    bias_mean : float
        Mean of the biases, which all units of a layer have in common.
    """

    weight_variance: float
    bias_variance: float = 0.0
    bias_over_fan_in: bool = False
    fan: Fan = "in"
    distribution: Distribution = "normal"
    bias_mean: float = 0.0

    def variance(self, fans: Fans) -> float:
        """Return the variance of a weight."""
        divisors = {
            "in": fans.fan_in,
            "out": fans.fan_out,
            "average": (fans.fan_in + fans.fan_out) / 2.0,
            "largest": max(fans.fan_in, fans.outputs),
            "none": 1.0,
        }
        return self.weight_variance / divisors[self.fan]

    def sigma_w2(self, fans: Fans) -> float:
        """Return sigma_w^2, the variance of a weight times fan_in."""
        return self.weight_variance if self.fan == "in" else self.variance(fans) * fans.fan_in

    def sigma_b2(self, fan_in: int) -> float:
        """Return sigma_b^2, the variance of a bias."""
        return self.bias_variance / fan_in if self.bias_over_fan_in else self.bias_variance

    def bias_square(self, fan_in: int) -> float:
        """Return E[b^2]."""
        return self.sigma_b2(fan_in) + self.bias_mean**2

    def draw(self, weight: torch.Tensor, bias: torch.Tensor | None, fans: Fans) -> None:
        """Fill the tensors of one layer in place, from torch's current random state."""
        variance = self.variance(fans)
        if self.distribution == "orthogonal":
            from torch import nn

            nn.init.orthogonal_(weight, gain=math.sqrt(self.weight_variance))
        else:
            self._fill(weight, 0.0, variance)
        if bias is not None:
            self._fill(bias, self.bias_mean, self.sigma_b2(fans.fan_in), uniform=self.bias_over_fan_in)

    def _fill(self, tensor: torch.Tensor, mean: float, variance: float, *, uniform: bool = False) -> None:
        if uniform or self.distribution == "uniform":
            bound = (3.0 * variance) ** 0.5
            tensor.data.uniform_(mean - bound, mean + bound)
        else:
            tensor.data.normal_(mean, variance**0.5)


NAMED: dict[str, Init] = {
    "pytorch": Init(1.0 / 3.0, 1.0 / 3.0, bias_over_fan_in=True, distribution="uniform"),
    "he": Init(2.0),
    "lecun": Init(1.0),
    "xavier": Init(1.0, fan="average"),
}
"""The names that a spec may use. pytorch: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases."""
OTHER_NAMES = {
    "keras": Init(1.0, fan="average", distribution="uniform"),
    "flax": Init(1.0),
}
"""Defaults of other libraries, which have a form too: glorot_uniform and lecun_normal, biases of 0."""

GAINS = {"relu": 2.0, "leaky_relu": 2.0, "tanh": 25.0 / 9.0, "selu": 9.0 / 16.0, "linear": 1.0, "sigmoid": 1.0}
"""gain^2 of torch.nn.init.calculate_gain; leaky_relu has 2/(1 + a^2)."""
MODES = ("fan_in", "fan_out")
CUT = 2.0
"""Where torch.nn.init.trunc_normal_ cuts, whatever the standard deviation."""
LEAST_EDGE = 0.01
"""Standard deviations between the mean and a cut; closer ones leave a uniform law."""


@dataclass(frozen=True)
class Form:
    """A way to write an initialisation.

    Attributes
    ----------
    doc : str
    made : callable
        From the arguments that are given to the initialisation, biases apart.
    said : callable
        From an initialisation to the arguments, biases apart; None where the form cannot say it.
    arguments : dict of str to Param
        What the form may be given, by name.
    number : Param or None
        What stands in the place of the arguments, for a form that is one number.
    required : tuple of str
        Arguments without a default.
    """

    doc: str
    made: Callable[[Mapping[str, Any]], Init]
    said: Callable[[Init], Mapping[str, Any] | None]
    arguments: Mapping[str, Param] = field(default_factory=dict)
    number: Param | None = None
    required: tuple[str, ...] = ()


def _square(value: float) -> float:
    """Return the square to 12 digits, so that that of a root is what it is the root of."""
    return float(f"{value**2:.12g}")


def _root(value: float) -> float:
    """Return the shortest number with this square."""
    root = math.sqrt(value)
    short = float(f"{root:.12g}")
    return short if _square(short) == value else root


def _variance(doc: str, fan: Fan) -> Form:
    """Return the form of one number, the variance times ``fan``."""

    def said(init: Init) -> Mapping[str, Any] | None:
        return {"": init.weight_variance} if (init.fan, init.distribution) == (fan, "normal") else None

    return Form(doc, lambda given: Init(given[""], fan=fan), said, number=Param("number", doc, gt=0))


def _width(doc: str, distribution: Distribution, share: float) -> Form:
    """Return the form of one number whose square, times ``share``, is the variance."""

    def said(init: Init) -> Mapping[str, Any] | None:
        same = (init.fan, init.distribution) == ("none", distribution)
        return {"": _root(_rounded(init.weight_variance / share))} if same and init.weight_variance else None

    def made(given: Mapping[str, Any]) -> Init:
        return Init(_rounded(share * _square(given[""])), fan="none", distribution=distribution)

    return Form(doc, made, said, number=Param("number", doc, gt=0))


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")


def _kaiming(distribution: Distribution) -> Form:
    def made(given: Mapping[str, Any]) -> Init:
        name, slope = given.get("nonlinearity", "leaky_relu"), given.get("a", 0.0)
        gain2 = _rounded(GAINS[name] / (1.0 + slope**2) if name == "leaky_relu" else GAINS[name])
        return Init(gain2, fan="out" if given.get("mode") == "fan_out" else "in", distribution=distribution)

    def said(init: Init) -> Mapping[str, Any] | None:
        if init.distribution != distribution or init.fan not in ("in", "out"):
            return None
        mode = {"mode": "fan_out"} if init.fan == "out" else {}
        gain2 = init.weight_variance
        known = next((name for name, value in GAINS.items() if math.isclose(value, gain2, rel_tol=1e-9)), None)
        if known is not None:
            return mode if known == "relu" else {**mode, "nonlinearity": known}
        slope = math.sqrt(2.0 / gain2 - 1.0) if 0.0 < gain2 < 2.0 else math.nan
        return {**mode, "a": round(slope, 6)} if 0.0 < slope < LARGEST_SLOPE else None

    return Form(
        f"torch.nn.init.kaiming_{distribution}_",
        made,
        said,
        {
            "mode": Param("choice", "what the variance is divided by", choices=MODES),
            "nonlinearity": Param("choice", "whose gain the weights have", choices=tuple(GAINS)),
            "a": Param("number", "negative slope of leaky_relu", ge=0, le=1e3),
        },
    )


LARGEST_SLOPE = 3.0
"""Of leaky_relu in a form: torch's Linear is drawn with sqrt(5), which is a name of its own."""


def _gained(doc: str, fan: Fan, distribution: Distribution) -> Form:
    """Return a form with a gain."""

    def said(init: Init) -> Mapping[str, Any] | None:
        if (init.fan, init.distribution) != (fan, distribution):
            return None
        return {} if init.weight_variance == 1.0 else {"gain": _root(init.weight_variance)}

    return Form(
        doc,
        lambda given: Init(_square(given.get("gain", 1.0)), fan=fan, distribution=distribution),
        said,
        {"gain": Param("number", "factor of the weights", gt=0)},
    )


def _lecun(distribution: Distribution) -> Form:
    def said(init: Init) -> Mapping[str, Any] | None:
        return {} if init == Init(1.0, distribution=distribution) else None

    return Form("variance 1/fan_in", lambda _: Init(1.0, distribution=distribution), said)


def _truncated(given: Mapping[str, Any]) -> Init:
    """Return normal weights with the variance that is left between the cuts; ValueError where their mean would not be 0."""
    std, low, high = given["std"], given.get("a", -CUT), given.get("b", CUT)
    if low != -high:
        raise ValueError(f"'b' must be -'a', so that the mean of the weights is 0, got {low:g} and {high:g}")
    edge = high / std
    if edge < LEAST_EDGE:
        raise ValueError(f"'b' must be at least {LEAST_EDGE:g} times 'std', got {high:g}; write {{uniform: {high:g}}}")
    density = math.exp(-0.5 * edge**2) / math.sqrt(2.0 * math.pi)
    return Init(_rounded(std**2 * (1.0 - 2.0 * edge * density / math.erf(edge / math.sqrt(2.0)))), fan="none")


ZEROS = Init(0.0)
FORMS: dict[str, Form] = {
    "zeros": Form("weights of 0", lambda _: ZEROS, lambda init: None if init.weight_variance else {}),
    "std": _width("standard deviation of the weights", "normal", 1.0),
    "uniform": _width("largest absolute value of weights drawn evenly", "uniform", 1.0 / 3.0),
    "weight_variance": _variance("sigma_w^2: the weights have variance sigma_w^2 / fan_in", "in"),
    "variance": _variance("variance of the weights", "none"),
    "lecun_normal": _lecun("normal"),
    "lecun_uniform": _lecun("uniform"),
    "kaiming_normal": _kaiming("normal"),
    "kaiming_uniform": _kaiming("uniform"),
    "xavier_normal": _gained("torch.nn.init.xavier_normal_", "average", "normal"),
    "xavier_uniform": _gained("torch.nn.init.xavier_uniform_", "average", "uniform"),
    "orthogonal": _gained("torch.nn.init.orthogonal_", "largest", "orthogonal"),
    "trunc_normal": Form(
        "torch.nn.init.trunc_normal_, with its cuts at -2 and 2; Keras' and timm's are a: -2 std, b: 2 std",
        _truncated,
        lambda _: None,
        {
            "std": Param("number", "standard deviation before the cuts", gt=0, le=100),
            "a": Param("number", "smallest weight", lt=0),
            "b": Param("number", "largest weight, -a", gt=0),
        },
        required=("std",),
    ),
}
"""The forms, in the order in which they are tried to write an initialisation down."""
BIASES = {
    "bias_variance": Param("number", "sigma_b^2, the variance of the biases", ge=0),
    "bias_std": Param("number", "standard deviation of the biases, in the place of bias_variance", ge=0),
    "bias_mean": Param("number", "mean of the biases; 0.1 for biases that all start at 0.1"),
    "bias": Param("choice", "zeros, or pytorch: what torch's layers do by themselves", choices=("zeros", "pytorch")),
}
"""What may stand beside a form; biases are 0 otherwise."""
SPREADS = ("bias", "bias_variance", "bias_std")
"""Of these one at most: each says how biases spread."""
REFUSED = {
    "dirac": "weights that pass channels on are not random, and the theory knows random weights alone",
    "eye": "weights that pass units on are not random, and the theory knows random weights alone",
    "constant": "weights that are all alike make units that are all alike; draw them at random",
    "ones": "weights that are all alike make units that are all alike; draw them at random",
}
"""Initialisations that have no answer, with the reason."""


def with_biases(init: Init, given: Mapping[str, Any]) -> Init:
    """Return an initialisation with the biases that stand beside its form."""
    torch = NAMED["pytorch"]
    variance, over_fan_in = given.get("bias_variance", given.get("bias_std", 0.0) ** 2), False
    if given.get("bias") == "pytorch":
        variance, over_fan_in = torch.bias_variance, torch.bias_over_fan_in
    return replace(
        init, bias_variance=variance, bias_over_fan_in=over_fan_in, bias_mean=given.get("bias_mean", init.bias_mean)
    )


def named(name: str) -> Init | None:
    """Return the initialisation of a name, or of a form that needs no arguments; None where there is none."""
    if name in FORMS and FORMS[name].number is None and not FORMS[name].required:
        return FORMS[name].made({})
    return NAMED.get(name) or OTHER_NAMES.get(name)


def names() -> tuple[str, ...]:
    """Return the names that stand alone."""
    return tuple(name for name in (*NAMED, *OTHER_NAMES, *FORMS) if named(name) is not None)


def spelled(init: Init) -> str | dict[str, Any]:
    """Return what a spec says for an initialisation: a name, or a form with what its biases are.

    Raises
    ------
    ValueError
        Where no form says it.
    """
    for name, known in NAMED.items():
        if init == known:
            return name
    biases: dict[str, Any] = {"bias_variance": init.bias_variance} if init.bias_variance else {}
    if init.bias_over_fan_in:
        if init.bias_variance != NAMED["pytorch"].bias_variance:
            raise ValueError(init)
        biases = {"bias": "pytorch"}
    biases |= {"bias_mean": init.bias_mean} if init.bias_mean else {}
    for name, form in FORMS.items():
        said = form.said(replace(init, bias_variance=0.0, bias_over_fan_in=False, bias_mean=0.0))
        if said is not None:
            arguments: Any = said[""] if form.number is not None else dict(said)
            return {name: arguments, **biases} if arguments or biases else name
    raise ValueError(init)
