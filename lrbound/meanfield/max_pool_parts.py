"""The largest value in windows of concatenated channels: each kind of channels has a law of its own.

Status: exact for given laws. Above, the channels count as their mean (:func:`~lrbound.meanfield.concat.mixture`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.meanfield.concat import part_by_part
from lrbound.meanfield.max_pool import is_rectified, maximum

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Pullback
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Window


def maximum_of_parts(kernel: Kernel, window: Window) -> tuple[Kernel, Pullback]:
    """Pool each kind of channels by its own law; the mask of a relu comes with its maximum, so all have one or none has.

    Raises
    ------
    Refused
        Where some kinds have a relu and others do not.
    """
    if len({is_rectified(part) for part in kernel.parts}) > 1:
        raise Refused(
            "max_pool2d after a concat takes branches that all end in relu, or none of them; put relu after each branch, or "
            "the pool into the branches"
        )
    return part_by_part(lambda part: maximum(part, window), kernel)
