"""``pkg.module:build`` and ``nets.py:build``: the model that a name on the command line stands for.

Importing runs the user's code. Whatever goes wrong in it is told with its last frames.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

from lrbound.importing.frames import last_frames
from lrbound.importing.refusal import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from torch import nn

FORM = "MODULE:OBJECT, such as mypackage.nets:build or nets.py:build"


def load_model(target: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Return the model that ``target`` names, or that what it names returns.

    Parameters
    ----------
    target : str
        ``pkg.module:object`` or ``path/to/file.py:object``; the object may be an attribute of another (``Nets.small``).
    arguments : mapping
        What the object is called with; a model that is there already takes none.

    Raises
    ------
    ModelError
        Where there is no such object, its code fails, or it gives no model.
    """
    with contextlib.redirect_stdout(sys.stderr):  # what the code prints is no result
        return _model(_found(target), target, arguments)


def load_maker(target: str, arguments: Mapping[str, Any]) -> tuple[Callable[[int], nn.Module], bool]:
    """Return what gives the model of ``target`` for a seed of torch, and whether its weights are drawn anew for each.

    A model that is there already has the weights that it has: every seed gives a copy of it. See :func:`load_model`.
    """
    import copy

    import torch

    with contextlib.redirect_stdout(sys.stderr):
        found = _found(target)

    def make(seed: int) -> nn.Module:
        with contextlib.redirect_stdout(sys.stderr), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            model = _model(found, target, arguments)
            return copy.deepcopy(model) if model is found else model

    return make, not isinstance(found, torch.nn.Module)


def _found(target: str) -> Any:
    """Return the object that a target names."""
    place, colon, name = target.rpartition(":")
    if not (colon and place and name):
        raise ModelError(f"error: {target!r} is not {FORM}")
    return _attribute(_imported(place), place, name)


def _imported(place: str) -> ModuleType:
    is_file = place.endswith(".py")
    if is_file and not os.path.isfile(place):
        raise ModelError(f"error: there is no file {place}")
    sys.path.insert(0, os.path.dirname(os.path.abspath(place)) if is_file else os.getcwd())
    with _telling(f"importing {place} failed:"):
        if is_file:
            return _from_file(place)
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name is not None and (place == error.name or place.startswith(error.name + ".")):
                hint = "; a file is named by its path, ending in .py" if os.sep in place else ""
                text = f"error: there is no module {error.name!r} in this folder or among the installed packages{hint}"
                raise ModelError(text) from None
            raise


def _from_file(path: str) -> ModuleType:
    name = os.path.basename(path).removesuffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)  # where classes that are copied or pickled are looked up
    spec.loader.exec_module(module)
    return module


def _attribute(module: ModuleType, place: str, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            from difflib import get_close_matches

            near = get_close_matches(part, [n for n in dir(found) if not n.startswith("_")], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ModelError(f"error: {place} has no {part!r}{hint}")
        found = getattr(found, part)
    return found


def _model(found: Any, target: str, arguments: Mapping[str, Any]) -> nn.Module:
    from torch import nn

    if isinstance(found, nn.Module):
        if arguments:
            raise ModelError(f"error: {target} is a model already, so that --arg has nothing to go to")
        return found
    if not callable(found):
        raise ModelError(f"error: {target} is {_described(found)}, neither a model nor something that makes one")
    with _telling(f"calling {target} failed:"):
        made = found(**arguments)
    if not isinstance(made, nn.Module):
        raise ModelError(f"error: {target} returned {_described(made)}, not a torch.nn.Module")
    return made


def _described(value: object) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


@contextlib.contextmanager
def _telling(what: str) -> Iterator[None]:
    """Turn what the user's code raises into a ModelError with its last frames."""
    try:
        yield
    except (ModelError, KeyboardInterrupt):
        raise
    except BaseException as error:  # sys.exit in a script that was never meant to be imported is one, too
        raise ModelError(f"error: {what}\n{last_frames(error)}") from error


def read_argument(text: str) -> tuple[str, Any]:
    """Return name and value of ``key=value``; the value is a Python literal, or else a text."""
    import ast

    key, equals, value = text.partition("=")
    if not (key.isidentifier() and equals):
        raise ValueError(f"{text!r} is not KEY=VALUE, such as num_classes=10")
    literal: Callable[[str], Any] = ast.literal_eval
    with contextlib.suppress(ValueError, SyntaxError):
        return key, literal(value)
    return key, {"true": True, "false": False, "none": None, "null": None}.get(value.lower(), value)
