"""What a loss is: the law of its Hessian in the outputs at initialisation, and the same loss in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Self

from lrbound.fields import choice, params

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from lrbound.losses._hessians import OutputHessians
    from lrbound.notices import Notice

Targets = Literal["classes", "values", "bits"]
"""Class indices of shape (n,), real numbers of shape (n, C), or numbers from 0 to 1 of shape (n, C)."""

REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class Logits:
    """Law of the outputs at initialisation: Gaussian, independent between outputs.

    Attributes
    ----------
    q : float
        Variance of one output.
    q_xy : float
        Covariance of one output between two samples.
    outputs : int
        Number C of outputs.
    """

    q: float
    q_xy: float
    outputs: int


@dataclass(frozen=True)
class Fitted:
    """What training has to bring the outputs to, and the curvature of the loss there.

    Attributes
    ----------
    size : float
        Root mean square over samples of the largest outputs on the way, along one direction of samples.
    factor : float
        Curvature of the loss at outputs of that size, in units of half_squared_error.
    spread : float
        Variance over samples of that curvature by its squared mean; 0 where all samples have the same.
    single : float
        Curvature of single samples on the way: E q^2/E q for a curvature q that varies from sample to sample.
    """

    size: float
    factor: float
    spread: float
    single: float


class TargetLaw(NamedTuple):
    """What is known of the targets of several samples.

    Attributes
    ----------
    scale : float
        Root mean square of a sample's target vector.
    mean_share : float or None
        Squared norm of the mean target by ``scale``^2. Where it is None, targets of several outputs are taken as one-hot vectors
        of classes alike in number, and those of one output as numbers of mean 0.
    """

    scale: float
    mean_share: float | None = None


class Residuals(NamedTuple):
    """Law of r = dl/df at initialisation, the derivative of a sample's loss by its outputs, in vectors over the C outputs.

    Attributes
    ----------
    mean : float
        |E_x r|^2: squared norm of the mean over the samples.
    own : float
        E_x |r|^2 - ``mean``.
    even : float
        How evenly the mean spreads over the outputs: the sum of its absolute values by sqrt(C ``mean``), at most 1.
    curvature : float
        Q: mean curvature of the loss along a random direction of the outputs.
    """

    mean: float
    own: float
    even: float
    curvature: float


@dataclass(frozen=True)
class CurvatureRoot:
    """R with R R^T = Q, the Hessian of the loss of one sample in its outputs: a pair of maps on tensors (n, C).

    Attributes
    ----------
    apply : Callable
        u -> R u, for every sample.
    transpose : Callable
        u -> R^T u, for every sample.
    """

    apply: Callable[[Tensor], Tensor]
    transpose: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """Base of the losses; a loss's name in a spec is the name of its module.

    A loss with arguments is a frozen dataclass of them (:mod:`lrbound.fields`); all of one kind and arguments are equal.
    Its Gauss-Newton matrix over a batch of n samples is 1/n sum over x of J_x^T Q_x J_x, with J_x the Jacobian of the
    outputs and Q_x the Hessian of the loss in them. half_squared_error has Q = 1, and all others are measured against it.

    Attributes
    ----------
    targets : {"values", "classes", "bits"}
        What the loss is trained on.
    is_squared : bool
        Whether Q is the same multiple of 1 for all samples, whatever the outputs.
    diverges : bool
        Whether training must blow up above the stable rate. It need not where Q vanishes as the outputs grow.
    tolerated : float
        Times the largest rate up to which a check passes that is not told a level.
    averages_outputs : bool
        Whether it is a mean over the outputs, too.
    torch_names : tuple of str
        Its module in torch.nn and its function in torch.nn.functional; empty where torch has neither.
    torch_names_after_output : tuple of str
        Those of what is left of it where the model has its first operation, ``torch_output``.
    torch_output : str
    """

    targets: ClassVar[Targets] = "values"
    is_squared: ClassVar[bool] = False
    diverges: ClassVar[bool] = True
    tolerated: ClassVar[float] = 1.0
    averages_outputs: ClassVar[bool] = False
    torch_names: ClassVar[tuple[str, ...]] = ()
    torch_names_after_output: ClassVar[tuple[str, ...]] = ()
    torch_output: ClassVar[str] = ""
    not_available: ClassVar[Mapping[str, str]] = {}
    """Arguments that torch's loss has and this one has not, with the reason."""

    reduction: str = choice("whether a batch's loss is the mean over the samples or their sum", REDUCTIONS, "mean")

    @property
    def kind(self) -> str:
        """The loss's name in a spec."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def words(self) -> str:
        """What a sentence calls it: its name, with arguments that are not the defaults."""
        given = (
            f"{key} {getattr(self, key):g}" if isinstance(getattr(self, key), float) else f"{key} {getattr(self, key)}"
            for key, (_, default) in params(type(self)).items()
            if getattr(self, key) != default
        )
        arguments = ", ".join(given)
        return f"{self.kind} ({arguments})" if arguments else self.kind

    def on_targets(self, scale: float) -> Self:
        """Return the loss for targets of this root mean square, where its curvature depends on it."""
        del scale
        return self

    def times_mean(self, samples: int, outputs: int) -> float:
        """Return the loss of a batch by the mean over its samples, and its outputs where the mean is one over them, too."""
        if self.reduction == "mean":
            return 1.0
        return float(samples * (outputs if self.averages_outputs else 1))

    @property
    def caution(self) -> str | None:
        """A sentence on what a stable rate means for this loss, where it is not a hard limit; else None."""
        if self.diverges:
            return None
        return (
            f"With {self.kind} the bound is where trouble can begin, not where it must: networks often train above it, "
            "and worse."
        )

    def check(self, outputs: int) -> str | None:
        """Return why the loss cannot be used with so many outputs, or None."""
        del outputs
        return None

    def limit(self, outputs: int) -> Notice | None:
        """Return what is known to be off with so many outputs, or None."""
        del outputs
        return None

    def factor(self, logits: Logits) -> float:
        """Return lambda_max of this loss divided by that of half_squared_error, to leading order: along E_x Q_x."""
        raise NotImplementedError(self.kind)

    def noise_factor(self, logits: Logits) -> float:
        """Return what K1 counts for in the variance of the curvature between samples, ``factor`` if all have the same."""
        return self.factor(logits)

    def fitted(self, outputs: int, target_scale: float) -> Fitted:
        """Return the state in which targets of the root mean square ``target_scale`` are fitted, overshoot included."""
        raise NotImplementedError(self.kind)

    def residuals(self, logits: Logits, targets: TargetLaw) -> Residuals:
        """Return the law of the derivatives by the outputs, the targets taken as independent of these."""
        raise NotImplementedError(self.kind)

    def hessians(self, logits: Logits, samples: float) -> OutputHessians | None:
        """Return Q of drawn logits for at most so many samples; None if Q is ``factor`` times 1 for all samples."""
        del logits, samples
        return None

    def hessians_at(self, outputs: NDArray[np.float32]) -> OutputHessians:
        """Return Q at outputs of shape (initialisations, samples, C), which may be overwritten."""
        raise NotImplementedError(self.kind)

    def torch(self) -> nn.Module:
        """Build the loss as a module that takes outputs (n, C) and targets, mean over the samples."""
        raise NotImplementedError(self.kind)

    def curvature_root(self, outputs: Tensor, targets: Tensor | None = None) -> CurvatureRoot:
        """Return the root of Q at the outputs (n, C) of a batch; the mean over the samples is not in it.

        A loss whose Q depends on the targets draws those that are not given.
        """
        raise NotImplementedError(self.kind)

    def best_constant(self, targets: Tensor, outputs: int) -> Tensor:
        """Return the outputs (C,) with the smallest loss among those that are the same for all samples."""
        raise NotImplementedError(self.kind)
