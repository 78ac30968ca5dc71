"""Largest eigenvalue of the Gauss-Newton matrix J^T Q J / n of one batch, without forming any matrix.

The products are J^T u by reverse mode and J v by a second reverse pass through the first one, which is linear in u: the
graph is built once, so that a dropout mask stays what it was. Lanczos runs in float64 on the smaller side of J, whatever
the network computes in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from lrbound.losses.base import CurvatureRoot

TOLERANCE = 1e-5
"""Of Lanczos, relative to the eigenvalue: well below the 1e-4 that a measured value is accurate to."""
LARGEST_DENSE = 32
"""Up to so many rows the matrix is formed column by column: Lanczos needs more columns than that."""


@dataclass(frozen=True)
class Top:
    """The largest eigenvalue and how the parameter tensors share it.

    Attributes
    ----------
    value : float
    parts : tuple of float
        One for each parameter tensor, in the order given; they add up to ``value``.
    """

    value: float
    parts: tuple[float, ...]


class Jacobian:
    """A = R^T J / sqrt(n), so that the Gauss-Newton matrix is A^T A.

    Parameters
    ----------
    outputs : torch.Tensor (n, C)
        Of the network on one batch, with its graph.
    parameters : sequence of torch.Tensor
        The columns of J.
    root : CurvatureRoot
        R of the loss.
    """

    def __init__(self, outputs: Tensor, parameters: Sequence[Tensor], root: CurvatureRoot) -> None:
        self.outputs, self.parameters, self._root = outputs, tuple(parameters), root
        self._scale = 1.0 / math.sqrt(len(outputs))
        self._dummy = torch.zeros_like(outputs, requires_grad=True)
        self._pulled = torch.autograd.grad(
            outputs, self.parameters, self._dummy, create_graph=True, materialize_grads=True
        )

    @property
    def columns(self) -> int:
        """Number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters)

    def transpose(self, u: Tensor) -> tuple[Tensor, ...]:
        """Return A^T u as one tensor for each parameter."""
        pulled = torch.autograd.grad(
            self.outputs,
            self.parameters,
            self._scale * self._root.apply(u),
            retain_graph=True,
            materialize_grads=True,
        )
        return tuple(pulled)

    def apply(self, v: Sequence[Tensor]) -> Tensor:
        """Return A v."""
        linked = [(p, t) for p, t in zip(self._pulled, v, strict=True) if p.requires_grad]
        pushed = torch.autograd.grad(
            [p for p, _ in linked], self._dummy, [t for _, t in linked], retain_graph=True, materialize_grads=True
        )
        return self._scale * self._root.transpose(pushed[0])

    def gram(self, u: Tensor) -> Tensor:
        """Return A A^T u, (n, C)."""
        return self.apply(self.transpose(u))

    def curvature(self, v: Tensor) -> Tensor:
        """Return A^T A v for the parameters in a row."""
        pieces = torch.split(v, [parameter.numel() for parameter in self.parameters])
        shaped = [piece.view_as(parameter) for piece, parameter in zip(pieces, self.parameters, strict=True)]
        return torch.cat([part.flatten() for part in self.transpose(self.apply(shaped))])


def top(jacobian: Jacobian, *, seed: int = 0) -> Top:
    """Return the largest eigenvalue of A^T A and its parts.

    Parameters
    ----------
    jacobian : Jacobian
    seed : int
        Of the vector that Lanczos starts from.

    Raises
    ------
    Refused
        Where the network's values are not finite.
    """
    rows, columns = jacobian.outputs.numel(), jacobian.columns
    if rows <= columns:
        _, u = _eigenpair(lambda x: jacobian.gram(x.view_as(jacobian.outputs)).flatten(), rows, jacobian, seed)
        gradient = [part.double() for part in jacobian.transpose(u.view_as(jacobian.outputs))]
        parts = tuple(float(part.square().sum()) for part in gradient)
        return Top(math.fsum(parts), parts)
    value, v = _eigenpair(jacobian.curvature, columns, jacobian, seed)
    squares = torch.split(v.double().square(), [parameter.numel() for parameter in jacobian.parameters])
    return Top(value, tuple(value * float(part.sum()) for part in squares))


def _eigenpair(product: Callable[[Tensor], Tensor], size: int, jacobian: Jacobian, seed: int) -> tuple[float, Tensor]:
    """Return the largest eigenvalue of a symmetric product and its unit vector."""
    like = jacobian.outputs.detach()

    def matvec(x: NDArray[np.float64]) -> NDArray[np.float64]:
        image = product(torch.as_tensor(x.ravel()).to(like)).detach()
        result: NDArray[np.float64] = image.to(device="cpu", dtype=torch.float64).numpy()
        return result

    start = np.random.default_rng(seed).standard_normal(size)
    image = matvec(start)
    if not np.isfinite(image).all():
        raise Refused(f"the values of the network overflow {like.dtype}".replace("torch.", "") + _REMEDY)
    if not image.any():
        return 0.0, torch.zeros(size).to(like)
    if size <= LARGEST_DENSE:
        matrix = np.stack([matvec(column) for column in np.eye(size)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    else:
        operator = LinearOperator((size, size), matvec=matvec, dtype=np.float64)
        values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=TOLERANCE)
    return float(values[-1]), torch.as_tensor(vectors[:, -1]).to(like)


_REMEDY = "; try --dtype float64, or an initialisation whose activations do not grow so fast"
