"""What goes wrong once a spec has been read."""

from __future__ import annotations


class Refused(ValueError):
    """The theory has no answer for this network; the text says why, and what would have one."""
