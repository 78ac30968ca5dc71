"""Samples from .npy, .npz and .csv files."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

from lrbound.errors import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARRAY = "x"
"""The array of an .npz file that is taken where there are several."""
SUFFIXES = (".npy", ".npz", ".csv")


def read_data(path: str, array: str | None = None) -> NDArray[Any]:
    """Return the samples of a file, one along the first axis.

    Parameters
    ----------
    path : str
        A .npy or .npz file, or a .csv with one sample a line; its first line may be names.
    array : str, optional
        Which array of an .npz file.

    Raises
    ------
    Refused
        With a sentence for the user that begins with the path.
    """
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if suffix not in SUFFIXES:
        raise Refused(f"{path}: not a {', '.join(SUFFIXES)} file")
    try:
        return _read_csv(path) if suffix == ".csv" else _read_numpy(path, array)
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror or error}") from None
    except (EOFError, zipfile.BadZipFile):
        raise Refused(f"{path}: not a {suffix} file") from None
    except ValueError as error:
        message = " ".join(str(error).split())
        raise Refused(message if message.startswith(path) else f"{path}: not numbers: {message}") from None


def _read_numpy(path: str, array: str | None) -> NDArray[Any]:
    import numpy as np

    content = np.load(path, allow_pickle=False, mmap_mode="r" if path.lower().endswith(".npy") else None)
    if isinstance(content, np.ndarray):
        return content
    with content:
        names = list(content)
        name = array or (ARRAY if ARRAY in names else names[0] if len(names) == 1 else "")
        if name not in names:
            what = f"no array {array!r}" if array else f"several arrays and none is called {ARRAY!r}"
            raise Refused(f"{path}: holds {what}; choose one with --array: {', '.join(names) or 'there is none'}")
        chosen: NDArray[Any] = content[name]
        return chosen


def _read_csv(path: str) -> NDArray[Any]:
    import numpy as np

    with open(path, encoding="utf-8") as file:
        first = file.readline().rstrip("\n").split(",")
    return np.loadtxt(path, delimiter=",", skiprows=0 if all(map(_is_number, first)) else 1, ndmin=2, encoding="utf-8")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
