"""``.csv``: one sample a line, numbers between commas (or semicolons or tabs); the first line may be names."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from lrbound.data.base import Block, DataFormat, Samples, Wanted, no_array, rows_at_a_time
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_FIELD = 1 << 20
DELIMITERS = ",;\t"


class Layout(NamedTuple):
    """How a file is written: delimiter, names of the columns if there are any, and the number of columns."""

    delimiter: str
    names: tuple[str, ...]
    columns: int


class Csv(DataFormat):
    """Text in UTF-8, with or without a byte-order mark. No line is a comment: every one counts or is an error."""

    endings = (".csv", ".tsv")

    def open(self, path: str, wanted: Wanted) -> Samples:
        """Read the first line."""
        no_array(wanted)
        layout = _layout(path)
        target = _target(layout, wanted.column)
        features = layout.columns - (target is not None)
        if features < 1:
            raise Refused("has no column beside the targets")
        rows = rows_at_a_time((features,))
        return Samples(path, (features,), lambda: _blocks(path, layout, target, rows))


def _lines(path: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not blank, with their numbers."""
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                if row and any(field.strip() for field in row):
                    yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise Refused(f"not UTF-8 text (byte 0x{error.object[error.start]:02x})") from None
    except csv.Error as error:
        raise Refused(f"line {reader.line_num}: {error}") from None


def _layout(path: str) -> Layout:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            start = file.read(LONGEST_FIELD)
    except UnicodeDecodeError as error:
        raise Refused(f"not UTF-8 text (byte 0x{error.object[error.start]:02x})") from None
    first = next((line for line in start.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    found = next(_lines(path, delimiter), None)
    if found is None:
        raise Refused("is empty")
    row = found[1]
    named = not any(_is_number(field) for field in row)
    return Layout(delimiter, tuple(field.strip() for field in row) if named else (), len(row))


def _target(layout: Layout, column: str | None) -> int | None:
    if column is None:
        return None
    if column in layout.names:
        return layout.names.index(column)
    if column.lstrip("-").isdecimal() and -layout.columns <= int(column) < layout.columns:
        return int(column) % layout.columns
    known = ", ".join(layout.names[:20]) if layout.names else f"0 to {layout.columns - 1}"
    raise Refused(f"has no column {column!r}; its columns are {known}")


def _blocks(path: str, layout: Layout, target: int | None, rows: int) -> Iterator[Block]:
    import numpy as np

    values: list[list[float]] = []
    labels: list[str] = []

    def block() -> Block:
        return Block(np.array(values, dtype=np.float64), None if target is None else np.array(labels))

    lines = _lines(path, layout.delimiter)
    if layout.names:
        next(lines)
    for number, row in lines:
        if len(row) != layout.columns:
            raise Refused(f"line {number}: {len(row)} fields where the first line has {layout.columns}")
        if target is not None:
            labels.append(row.pop(target).strip())
        try:
            values.append([float(field) for field in row])
        except ValueError:
            bad = next(field for field in row if not _is_number(field))
            raise Refused(f"line {number}: {bad[:40]!r} is not a number") from None
        if len(values) == rows:
            yield block()
            values, labels = [], []
    if values:
        yield block()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
