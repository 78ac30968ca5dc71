"""Torch modules of layers that run one after the other: every layer builds itself, this file only puts them in a row."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn

from lrbound.normalizers import CrossIterationBatchNorm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrbound.init import Init
    from lrbound.layers.base import Node, Shape


class LayerSequence(nn.Sequential):
    """Layers in the order in which they run, each known by its place in the spec.

    Parameters
    ----------
    layers : iterable of (str, torch.nn.Module)
        Paths (``layers.3.repeat[0].layers.1``) and modules.
    """

    paths: tuple[str, ...]

    def __init__(self, layers: Iterable[tuple[str, nn.Module]]) -> None:
        pairs = list(layers)
        super().__init__(*(module for _, module in pairs))
        self.paths = tuple(path for path, _ in pairs)

    def __getitem__(self, index: slice | int) -> nn.Module:
        """Return one layer, or those of a slice with their paths."""
        if isinstance(index, slice):
            return LayerSequence(zip(self.paths[index], list(self)[index], strict=True))
        return super().__getitem__(index)

    def layer(self, path: str) -> nn.Module:
        """Return the module of the layer at ``path``; KeyError if there is none."""
        if path not in self.paths:
            raise KeyError(path)
        return self[self.paths.index(path)]


def sequence(layers: Iterable[tuple[Node, Shape]], init: Init) -> LayerSequence:
    """Build layers that run one after the other, from torch's current random state.

    Parameters
    ----------
    layers : iterable of (Node, tuple of int)
        Each layer with the shape of its input, as :meth:`Network.unrolled` yields them.
    init : Init
        Initialisation of layers that have none of their own.

    Returns
    -------
    LayerSequence
    """
    built = LayerSequence((node.path, node.layer.torch(shape, init)) for node, shape in layers)
    for under, module in pairwise(built):
        if isinstance(module, CrossIterationBatchNorm):
            module.follow(under)
    return built


def earlier_batches(module: nn.Module) -> int:
    """Return how many batches a module must have seen until its statistics are those of full windows."""
    windows = [norm.window for norm in module.modules() if isinstance(norm, CrossIterationBatchNorm)]
    return max(windows, default=1) - 1


def learnable(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Parameter]]:
    """Yield every parameter that is trained with the path of its layer, the innermost one that has a path."""
    for parameter in module.parameters(recurse=False):
        if parameter.requires_grad:
            yield path, parameter
    children = list(module.children())
    paths = module.paths if isinstance(module, LayerSequence) else (path,) * len(children)
    for child_path, child in zip(paths, children, strict=True):
        yield from learnable(child, child_path)
