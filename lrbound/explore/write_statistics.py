"""Statistics of data put into a spec: its input and the targets' scale are rewritten, the rest of the text stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrbound.atomic import write_whole
from lrbound.errors import Refused

if TYPE_CHECKING:
    from lrbound.explore.statistics import Statistics


def write_statistics(path: str, found: Statistics) -> None:
    """Rewrite the ``input`` of a spec, and ``training.target_scale`` where targets are known.

    Raises
    ------
    SpecError
        Where the spec has errors.
    Refused
        Where it is of another size, or cannot be written.
    """
    from lrbound.explore.statistics import LAW
    from lrbound.spec.parse import parse, read

    content = read(path)
    network = parse(*content[:1], source=content.source, name=content.name)
    law = found.law(network.input.shape)
    entries: dict[str, Any] = {"shape": list(law.shape), "mean_square": float(f"{law.mean_square:.6g}")}
    for name in LAW:
        value = getattr(law, name)
        if value is not None and (name != "correlation" or value):
            entries[name] = float(f"{value:.6g}")
    text = _with_entry(content.text, "input", entries)
    if found.target_scale is not None:
        known = {"target_scale": found.target_scale, "target_mean_share": found.target_mean_share}
        targets = {name: float(f"{value:.6g}") for name, value in known.items() if value is not None}
        text = _with_entry(text, "training", targets, merge=True)
    parse(text, source=content.source, name=content.name)
    try:
        write_whole(path, text)
    except OSError as error:
        raise Refused(f"{path}: cannot be written: {error.strerror or error}") from None


def _with_entry(text: str, key: str, entries: dict[str, Any], *, merge: bool = False) -> str:
    """Return a spec with the value of a top-level key replaced, or with ``merge`` added to."""
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)  # the spec was parsed
    for name, value in root.value:
        if name.value == key:
            old = yaml.safe_load(text).get(key) if merge else None
            found = _flow({**(old or {}), **entries})
            start, end = name.end_mark.index, value.end_mark.index
            return f"{text[:start]}: {found}{_end_of(text[start:end])}{text[end:]}"
    return f"{text.rstrip()}\n{key}: {_flow(entries)}\n"


def _end_of(old: str) -> str:
    """Return the white space with which a value ended."""
    return old[len(old.rstrip()) :]


def _flow(entries: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(entries, default_flow_style=True, sort_keys=False, width=10**6)).strip()
