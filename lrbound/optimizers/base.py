"""What an optimiser makes of the curvature of a network: the largest learning rate at which it is stable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from lrbound.errors import Refused
from lrbound.fields import number, params

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch.nn import Parameter
    from torch.optim import Optimizer as TorchOptimizer

    Array = NDArray[np.float64]


WITHOUT_EFFECT = ("params", "foreach", "fused", "capturable", "differentiable")
"""Keys of torch's parameter groups that change how a step is computed, not which one it is."""
OF_SCHEDULES = ("lr", "initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum")


class LayerCurvature(NamedTuple):
    """What one layer contributes to the curvature of the stated loss, per output.

    Attributes
    ----------
    path : str
        Where the layer stands in the spec.
    parameters : int
        Number of its learnable parameters.
    trace : float
        K1: mean over samples of the squared norm of a sample's gradient of an output in this layer.
    coherent : float
        K2: squared norm of that gradient's mean over the samples of the batch.
    """

    path: str
    parameters: int
    trace: float
    coherent: float


@dataclass(frozen=True)
class LayerwiseCurvature:
    """The curvature that a step of training sees at initialisation.

    Attributes
    ----------
    largest : float
        The largest eigenvalue of the Gauss-Newton matrix of the stated loss, over all layers: its mean over steps.
    noise : float
        Variance over steps of the curvature along its eigenvector, divided by ``largest``; 0 where every step sees the
        same batch.
    layers : tuple of LayerCurvature
        Of the layers that have a part in it, in network order.
    """

    largest: float
    noise: float
    layers: tuple[LayerCurvature, ...]


@dataclass(frozen=True)
class Optimizer:
    """Base of the optimisers; an optimiser's name in a spec is the name of its module.

    Attributes
    ----------
    learning_rate : float or None
        The rate that ``lrbound check`` checks.
    torch_class : str
        Name of the class of torch.optim that does it; empty where there is none.
    torch_implied : tuple of str
        Keys of its parameter groups that say what the class is.
    """

    torch_class: ClassVar[str] = ""
    torch_implied: ClassVar[tuple[str, ...]] = ()
    start: ClassVar[float | None] = None
    """Rate to start with by that of the first step, where trained networks show that it is worth saying."""

    learning_rate: float | None = number("the rate that `lrbound check` checks", None, gt=0)

    @classmethod
    def from_torch(cls, settings: Mapping[str, Any]) -> Self:
        """Return the optimiser with the settings of a parameter group of :attr:`torch_class`, its rate left out.

        Raises
        ------
        Refused
            Where a setting that is on is none of the arguments here.
        """
        own = [name for name in params(cls) if name in settings and name != "learning_rate"]
        silent = (*own, *cls.torch_implied, *WITHOUT_EFFECT, *OF_SCHEDULES)
        other = {key: value for key, value in settings.items() if key not in silent}
        on = [f"{key}={value!r}" for key, value in other.items() if isinstance(value, int | float) and value]
        if on:
            raise Refused(f"there is no theory for {cls.torch_class} with {', '.join(on)}; leave it out to be answered")
        return cls(**{name: _plain(settings[name]) for name in own})

    def on_multiple(self, factor: float) -> tuple[Self, float] | None:
        """Return the optimiser that takes the same steps on ``factor`` times less loss, and its rate by that of this one.

        None where there is no such optimiser.
        """
        return (self, 1.0) if factor == 1.0 else None

    @property
    def kind(self) -> str:
        """The optimiser's name in a spec."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def words(self) -> str:
        """What a sentence calls it, with the settings that the stable rate depends on."""
        return self.kind

    @property
    def short(self) -> str:
        """The same for a column of a table."""
        return self.kind

    @property
    def no_maximum(self) -> str | None:
        """Why no largest rate is known for this optimiser, a clause; None where one is."""
        return None

    def to_json(self) -> dict[str, Any]:
        """Return what the JSON of a prediction says of it; a setting that it does not have is null."""
        return {"optimizer": self.kind, "momentum": None}

    def stable_rate(self, curvature: LayerwiseCurvature) -> float:
        """Return the largest rate at which training is stable in the mean square; ``inf`` without curvature."""
        raise NotImplementedError(self.kind)

    def first_step(self, gradient: Array) -> Array | None:
        """Return how far the first step moves a parameter, at a rate of 1, by the size of its gradient.

        The step is against the sign of the gradient. None where it is the gradient itself.
        """
        del gradient
        return None

    def recommended_rate(self, stable: float) -> float:
        """Return 1/(the curvature behind ``stable``)."""
        raise NotImplementedError(self.kind)

    def torch(self, parameters: Iterable[Parameter], rate: float) -> TorchOptimizer:
        """Build torch's optimiser with these settings at ``rate``."""
        raise NotImplementedError(self.kind)


def _plain(value: Any) -> Any:
    """Return a setting that torch may keep as a tensor as a number; one of several numbers as a tuple."""
    if isinstance(value, tuple | list):
        return tuple(map(_plain, value))
    return value if isinstance(value, bool | int) else float(value)
