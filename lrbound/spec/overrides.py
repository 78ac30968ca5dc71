"""``--set PATH=VALUE``: values from the command line, put into the tree before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.spec.compose import DEEPEST, LARGEST, compose
from lrbound.spec.diagnostics import Mark, Problems
from lrbound.spec.paths import TreeEditor
from lrbound.spec.tree import MapValue, depth_and_size
from lrbound.spec.wording import abbreviate

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_OPTION = 80


def apply(root: MapValue, overrides: Sequence[tuple[str, str]], problems: Problems) -> None:
    """Set what the options say, in their order.

    Parameters
    ----------
    root : MapValue
        The spec; changed in place.
    overrides : sequence of (str, str)
        Paths and values in YAML, as the user typed them.
    problems : Problems
        Takes what is wrong with them. What is wrong with the values that they set is found when the tree is read.
    """
    editor = TreeEditor(root, problems)
    for path, text in overrides:
        option = option_text(path, text)
        if not text.strip():
            problems.add(Mark(0, 0, option), "there is no value after the '='")
            continue
        value = compose(text, problems, option)
        if value is not None:
            editor.set(path, value)
        # a wildcard multiplies its value, and every value adds to the depth
        depth, size = depth_and_size(root)
        if depth > DEEPEST or size > LARGEST:
            problems.add(Mark(0, 0, option), f"makes the spec deeper than {DEEPEST} or larger than {LARGEST} values")
            raise problems.error()
    editor.finish()


def option_text(path: str, text: str) -> str:
    """Return how messages call an option."""
    return f"--set {abbreviate(f'{path}={text}', LONGEST_OPTION)}"
