"""Completion of paths in ``--set`` and ``--vary``, from the spec on the command line, and of normalisers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def complete_set(ctx: Any, incomplete: str) -> list[str]:
    """Return the fields of the spec that begin like this, ready for a value."""
    return _complete(ctx, incomplete, lambda paths: [f"{path}=" for path in paths])


def complete_vary(ctx: Any, incomplete: str) -> list[str]:
    """Return the numbers of the spec that begin like this."""
    end = "=" if ctx.info_name == "sweep" else ""
    return _complete(ctx, incomplete, lambda paths: [f"{path}{end}" for path in paths])


def complete_normalizers(incomplete: str) -> list[str]:
    """Return the lists of normalisers that begin like this, with one more name."""
    from lrbound.explore.normaliser_names import ALL, short_names

    head, comma, last = incomplete.rpartition(",")
    given = head.split(",")
    words = [name for name in short_names() if name not in given]
    return [f"{head}{comma}{name}" for name in (*words, *([] if comma else [ALL])) if name.startswith(last)]


def _complete(ctx: Any, incomplete: str, shown: Callable[[list[str]], list[str]]) -> list[str]:
    # an option without its value stops the parser: what stood before it is left over
    given = [ctx.params.get("spec"), *(ctx.params.get("specs") or ()), *ctx.args]
    spec = next((word for word in given if word and not word.startswith("-")), None)
    if not spec or spec == "-":
        return []
    try:
        from lrbound.explore.paths import known_paths
        from lrbound.spec.parse import read

        found = known_paths(read(spec).text, indices=_is_index(incomplete))
    except Exception:  # noqa: BLE001 - a completion never complains
        return []
    return shown([path for path in found if path.startswith(incomplete)])


def _is_index(incomplete: str) -> bool:
    """Whether a path goes into single layers: ``layers.3`` rather than ``layers.*``."""
    head, _, rest = incomplete.partition(".")
    return head == "layers" and rest[:1].isdigit()
