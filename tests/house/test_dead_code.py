"""No function, class or attribute is unused."""

from __future__ import annotations

from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).parents[2] / "lrbound"
CALLED_BY_OTHERS = {
    "__annotations__",  # typer, of an unfolded command
    "__getattr__",  # Python, for names imported late
    "__signature__",  # inspect, of an unfolded command
    "on_train_begin",  # Keras and transformers
    "on_train_start",  # Lightning
    "daemon",  # threading
    "overlap_gain",  # by its name, with the others of its record
    "_repr_html_",  # notebooks
    "_rms_norm",  # by the name of the operation
    "range_test",  # the benchmark of rates
    "valley",  # the benchmark of rates
    "get_extra_state",  # torch, in state_dict
    "format_commands",  # click
    "get_short_help_str",  # click
    "list_commands",  # click
    "set_extra_state",  # torch, in load_state_dict
    "writeable",  # numpy, of a cached array
}


def is_member(item):
    """Return whether an unused class is a member of a family, found by the name of its module."""
    return item.typ == "class" and (item.filename.parent / "base.py").is_file() and item.filename.stem != "base"


def unused(folder):
    """Return what nothing under a folder uses, but for members of families and what others call."""
    finder = Vulture()
    finder.scavenge([str(folder)])
    items = [item for item in finder.get_unused_code() if item.name not in CALLED_BY_OTHERS and not is_member(item)]
    return [item.get_report() for item in items]


def test_nothing_in_the_package_is_unused():
    assert unused(ROOT) == []


def test_an_unused_function_is_found(tmp_path):
    (tmp_path / "module.py").write_text("def needed():\n    return 1\n\n\ndef idle():\n    return needed()\n")

    assert [report.partition(": ")[2] for report in unused(tmp_path)] == ["unused function 'idle' (60% confidence)"]
