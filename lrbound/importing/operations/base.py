"""What every family of operations is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lrbound.fields import params

if TYPE_CHECKING:
    from lrbound.fields import Border
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering
    from lrbound.layers.base import Layer


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


def sides(value: object) -> Any:
    """Return the number that stands for both axes of a map, or (rows, columns) where they differ."""
    if isinstance(value, tuple):
        return value[0] if len(set(value)) == 1 else value
    return value


def border_of(top: int, bottom: int, left: int, right: int) -> Border:
    """Return pixels on the four sides as a spec has them."""
    rows, cols = (top if top == bottom else (top, bottom)), (left if left == right else (left, right))
    return rows if isinstance(rows, int) and rows == cols else (rows, cols)


def says(cls: type[Layer], **arguments: object) -> bool:
    """Whether a layer can say arguments that may differ between rows and columns."""
    return not any(
        isinstance(value, tuple) and params(cls)[key][0].type == "integer" for key, value in arguments.items()
    )
