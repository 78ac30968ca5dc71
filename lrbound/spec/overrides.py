"""``--set PATH=VALUE``: values from the command line, put into the tree before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.spec.compose import DEEPEST, LARGEST, compose
from lrbound.spec.diagnostics import Mark, Problems
from lrbound.spec.paths import TreeEditor
from lrbound.spec.scalars import is_null
from lrbound.spec.tree import MapValue, Value, depth_and_size
from lrbound.spec.wording import abbreviate

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_OPTION = 80

Default = tuple[str, str, str]
"""A path, a value in YAML for a spec that says nothing there, and what messages call it."""


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


def apply_defaults(root: MapValue, defaults: Sequence[Default], problems: Problems) -> None:
    """Set what the spec does not say itself.

    Parameters
    ----------
    root : MapValue
        The spec; changed in place.
    defaults : sequence of (str, str, str)
        Paths, values in YAML, and what messages call them.
    problems : Problems
    """
    editor = TreeEditor(root, problems)
    for path, text, origin in defaults:
        value = None if _states(root, path) else compose(text, problems, origin)
        if value is not None:
            block = path.partition(".")[0]
            if block in root.entries and is_null(root.entries[block].value):
                del root.entries[block]  # as absent
            editor.set(path, value)
    editor.finish()


def _states(node: Value, path: str) -> bool:
    """Whether a spec says something at a path of keys, or something else than a mapping on the way to it."""
    for key in path.split("."):
        if not isinstance(node, MapValue):
            return not is_null(node)
        if key not in node.entries:
            return False
        node = node.entries[key].value
    return not is_null(node)


def option_text(path: str, text: str) -> str:
    """Return how messages call an option."""
    return f"--set {abbreviate(f'{path}={text}', LONGEST_OPTION)}"
