"""From text to tree: YAML's events, consumed one by one, so that depth and size are bounded before they cost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lrbound.spec.diagnostics import Invalid, Mark, Problems, split_lines
from lrbound.spec.tree import Entry, ListValue, MapValue, Scalar, Value, copy
from lrbound.spec.wording import printable, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

DEEPEST = 100
LARGEST = 100_000
TOO_DEEP = f"nested more than {DEEPEST} levels deep"
# what YAML allows in a stream; the byte order mark is taken off before
FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"


def compose(text: str, problems: Problems, option: str = "") -> Value | None:
    """Read one YAML document.

    Parameters
    ----------
    text : str
        The document.
    problems : Problems
        Takes what is wrong with it.
    option : str
        The command-line option that ``text`` is the value of, if it is one.

    Returns
    -------
    Scalar, ListValue, MapValue or None
        The root, also where some inner part is wrong; None where there is no document that could be read.
    """
    composer = Composer(problems, option)
    try:
        _check_characters(text)
        for event in _events(text):
            composer.take(event)
    except Invalid as invalid:
        mark = Mark(0, 0, option) if option else invalid.mark
        problems.add(mark, invalid.message)
        return None
    return composer.root


def _check_characters(text: str) -> None:
    match = re.search(FORBIDDEN, text)
    if match:
        lines = split_lines(text[: match.start()])
        code = f"U+{ord(match.group()):04X}"
        raise Invalid(Mark(len(lines), len(lines[-1]) + 1), f"the character {code} is not allowed in YAML")


def _events(text: str) -> Iterator[Any]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        if error.context == "while increasing flow level":  # libyaml looks ahead, to a limit of its own
            raise Invalid(_place_of_depth(text), TOO_DEEP) from None
        mark = error.problem_mark or error.context_mark
        place = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
        raise Invalid(place, f"not valid YAML: {_syntax_message(error, text, place)}") from None


def _place_of_depth(text: str) -> Mark:
    """Return where a document is nested too deep, by the parser in Python, which has no limit."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            mark: Any = event.start_mark
            return Mark(mark.line + 1, mark.column + 1)
    return Mark(1, 1)


def _syntax_message(error: yaml.MarkedYAMLError, text: str, place: Mark) -> str:
    lines = split_lines(text)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if line[place.column - 1 : place.column] == "\t":
        return "a tab cannot stand here; indent with spaces"
    return printable(" ".join(str(part) for part in (error.context, error.problem) if part))


class _Frame:
    """A collection whose end has not come yet."""

    def __init__(self, value: ListValue | MapValue, anchor: str | None, nodes: int) -> None:
        self.value = value
        self.anchor = anchor
        self.nodes_before = nodes
        self.height = 1
        self.key: Scalar | None = None
        self.at_key = True


class Composer:
    """Builds the tree event by event; everything that is open is on a stack, so depth costs no recursion."""

    def __init__(self, problems: Problems, option: str) -> None:
        self.root: Value | None = None
        self._problems = problems
        self._option = option
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Value, int, int]] = {}
        self._nodes = 0

    def take(self, event: Any) -> None:
        """Take the next event; raise Invalid where reading on makes no sense."""
        kind = type(event).__name__
        if kind == "ScalarEvent":
            self._scalar(event)
        elif kind in ("SequenceStartEvent", "MappingStartEvent"):
            self._open(event, kind)
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            self._close()
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind == "DocumentStartEvent" and self.root is not None:
            raise Invalid(self._mark(event), "a second document begins here; a spec is one document")

    def _mark(self, event: Any) -> Mark:
        if self._option:
            return Mark(0, 0, self._option)
        return Mark(event.start_mark.line + 1, event.start_mark.column + 1)

    def _count(self, mark: Mark, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > LARGEST:
            raise Invalid(mark, f"too large: more than {LARGEST} values, aliases written out")

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None:
            tag = quote(event.tag.replace("tag:yaml.org,2002:", "!!"))
            self._problems.add(self._mark(event), f"the tag {tag} is not allowed; a spec is plain data")

    def _scalar(self, event: Any) -> None:
        mark = self._mark(event)
        self._check_tag(event)
        self._count(mark, 1)
        scalar = Scalar(mark, event.value, quoted=event.style not in (None, ""))
        if event.anchor:
            self._anchors[event.anchor] = (scalar, 1, 0)
        self._place(scalar, 0)

    def _open(self, event: Any, kind: str) -> None:
        mark = self._mark(event)
        self._check_tag(event)
        self._check_depth(mark, 1)
        self._count(mark, 1)
        value = ListValue(mark, []) if kind == "SequenceStartEvent" else MapValue(mark, {})
        self._stack.append(_Frame(value, event.anchor, self._nodes - 1))

    def _check_depth(self, mark: Mark, height: int) -> None:
        if len(self._stack) + height > DEEPEST:
            raise Invalid(mark, TOO_DEEP)

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, self._nodes - frame.nodes_before, frame.height)
        self._place(frame.value, frame.height)

    def _alias(self, event: Any) -> None:
        mark = self._mark(event)
        if any(frame.anchor == event.anchor for frame in self._stack):
            raise Invalid(mark, f"the alias {quote('*' + event.anchor)} stands inside the block that it names")
        if event.anchor not in self._anchors:
            raise Invalid(mark, f"the alias {quote('*' + event.anchor)} has no anchor before it")
        value, nodes, height = self._anchors[event.anchor]
        self._check_depth(mark, height)
        self._count(mark, nodes)
        self._place(copy(value), height)

    def _place(self, value: Value, height: int) -> None:
        """Put a finished value where it belongs: in the innermost open collection, as key, value or item."""
        if not self._stack:
            self.root = value
            return
        frame = self._stack[-1]
        frame.height = max(frame.height, height + 1)
        if isinstance(frame.value, ListValue):
            frame.value.values.append(value)
        elif frame.at_key:
            self._key(frame, frame.value, value)
        else:
            if frame.key is not None:
                frame.value.entries[frame.key.text] = Entry(frame.key.mark, value)
            frame.at_key = True

    def _key(self, frame: _Frame, mapping: MapValue, key: Value) -> None:
        frame.at_key = False
        frame.key = None
        if not isinstance(key, Scalar):
            self._problems.add(key.mark, "a key must be a name")
        elif key.text == "<<" and not key.quoted:
            self._problems.add(key.mark, "merge keys (<<) are not supported; write the keys out")
        elif key.text in mapping.entries:
            first = mapping.entries[key.text].mark
            where = f"; it stands in line {first.line} already" if first.line else ""
            self._problems.add(key.mark, f"duplicate key {quote(key.text)}{where}")
        else:
            frame.key = key
