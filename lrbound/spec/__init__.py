"""From the text of a spec to a checked Network."""

from __future__ import annotations

from lrbound.spec.diagnostics import Diagnostic, SpecError
from lrbound.spec.parse import load, parse

__all__ = ["Diagnostic", "SpecError", "load", "parse"]
