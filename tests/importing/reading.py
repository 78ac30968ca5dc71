"""What the tests of the importer compare: a model as the layers of its spec, or as the reasons against it."""

from __future__ import annotations

import textwrap

import pytest
import torch

from lrbound.importing.record import record
from lrbound.importing.refusal import Untranslatable
from lrbound.importing.translate import translate


def imported(model, *shape, partial=False):
    """Return the list of layers as text, without comments; the parameters must be the model's."""
    torch.manual_seed(0)
    model = model() if isinstance(model, type) else model
    translation = translate(record(model, shape), partial=partial)
    if not partial:
        assert translation.network.parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)
    lines = [line.partition("  #")[0] for line in translation.text.splitlines() if not line.startswith("#")]
    return "\n".join(line.removeprefix("  ") for line in lines[lines.index("layers:") + 1 :])


def refusal(model, *shape):
    """Return what is said about a model that cannot be translated, line by line."""
    torch.manual_seed(0)
    with pytest.raises(Untranslatable) as refused:
        translate(record(model() if isinstance(model, type) else model, shape))
    return str(refused.value).splitlines()


def spec(text):
    return textwrap.dedent(text).strip()
