"""The largest eigenvalue of the Fisher matrix from the layers' parts, to leading order in the width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.backward.sweep import Term


@dataclass(frozen=True)
class Spectrum:
    """The two eigenspaces that the permutation symmetry of the batch allows (lrbound/theory/mean-field.md, section 6).

    Attributes
    ----------
    coherent : float
        Value of the direction in which all samples are alike, once per output: K2 + (K1 - K2)/n without batch
        statistics.
    complement : float
        Mean value of the other n - 1 directions: (K1 - coherent)/(n - 1).
    trace : float
        K1, the mean over samples of the trace, per output.
    """

    coherent: float
    complement: float
    trace: float

    def without_batch(self, samples: float) -> Spectrum | None:
        """Return the spectrum at an infinite batch of a net without batch statistics; None if n = 1 hides it.

        There K1 does not depend on n, and the coherent value is K2 + (K1 - K2)/n.
        """
        if samples == 1.0:
            return None
        return Spectrum((self.coherent - self.trace / samples) / (1.0 - 1.0 / samples), 0.0, self.trace)


def spectrum(terms: Sequence[Term], samples: float) -> Spectrum:
    """Add the layers' parts up."""
    shares = [term.share for term in terms if term.share is not None]
    coherent = math.fsum(float(share.coherent) for share in shares)
    trace = math.fsum(float(share.trace) for share in shares)
    return Spectrum(coherent, complement(coherent, trace, samples), trace)


def complement(coherent: float, trace: float, samples: float) -> float:
    """Return the mean Fisher value of the directions orthogonal to the coherent one; 0 for one sample."""
    return max(trace - coherent, 0.0) / (samples - 1.0) if samples > 1.0 else 0.0
