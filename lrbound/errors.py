"""What goes wrong once a spec has been read."""

from __future__ import annotations


class Refused(ValueError):
    """The theory has no answer for this network; the text says why, and what would have one.

    Attributes
    ----------
    line, column : int
        Where the layer stands that has none, in the text of the spec, from 1; 0 where it is not one layer, or there is no text.
    """

    line = 0
    column = 0

    def place(self, line: int, column: int) -> None:
        """Say where the layer stands; the first place that is said stays."""
        if not self.line:
            self.line, self.column = line, column

    def told(self, source: str) -> str:
        """Return the text for a reader of the spec ``source``, with the place where there is one."""
        return f"{source}:{self.line}:{self.column}: {self}" if self.line else f"error: {self}"
