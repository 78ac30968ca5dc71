"""What every family of operations is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering


class Operation:
    """Base of the families; a subclass says what its operations become."""

    names: ClassVar[tuple[str, ...]] = ()
    """Operations of torch.nn.functional and torch.Tensor, or modules of :mod:`lrbound.normalizers`."""

    def takes(self, op: str) -> bool:
        """Whether the family knows an operation."""
        return op in self.names

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add to ``scope`` what a call becomes, or refuse it with a sentence."""
        raise NotImplementedError(type(self).__name__)


def square(value: object) -> int | None:
    """Return the number that stands for both axes of a map, or None where they differ."""
    if isinstance(value, tuple):
        return value[0] if value and all(side == value[0] for side in value) else None
    return value if isinstance(value, int) else None
