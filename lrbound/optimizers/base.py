"""What an optimiser makes of a curvature: the largest learning rate at which it is stable."""

from __future__ import annotations


class Optimizer:
    """Base of the optimisers; an optimiser's name in a spec is the name of its module."""

    learning_rate: float | None

    @property
    def kind(self) -> str:
        """The optimiser's name in a spec."""
        return type(self).__module__.rpartition(".")[2]

    momentum: float

    def stable_rate(self, curvature: float) -> float:
        """Return the largest stable rate on a quadratic of this curvature, the same batch in every step."""
        raise NotImplementedError(self.kind)

    def stable_rate_minibatch(self, curvature: float, noise: float) -> float:
        """Return the same where each step draws a new batch.

        ``noise`` is the variance of the curvature that one step sees, divided by ``curvature``: (K1 - K2)/B.
        """
        raise NotImplementedError(self.kind)

    def recommended_rate(self, stable: float) -> float:
        """Return 1/(the curvature behind ``stable``)."""
        raise NotImplementedError(self.kind)
