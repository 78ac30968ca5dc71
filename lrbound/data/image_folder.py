"""A folder of images, or of folders of images by class, as torchvision's ``ImageFolder`` has it (extra ``images``: Pillow)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lrbound.data.base import Block, DataFormat, Samples, Wanted, no_array, no_column, rows_at_a_time
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp", ".gif")
MOST_PIXELS = 1 << 26


class ImageFolder(DataFormat):
    """Images of one size; all in colour unless all are grey."""

    def recognises(self, path: str) -> bool:
        """Take folders that are not one of CIFAR's."""
        from lrbound.data.cifar import Cifar

        return os.path.isdir(path) and not Cifar().recognises(path)

    def open(self, path: str, wanted: Wanted) -> Samples:
        """List the images and read the first one."""
        no_array(wanted)
        no_column(wanted)
        files = sorted(_files(path))
        if not files:
            raise Refused(f"holds no images ({', '.join(ENDINGS[:4])}, ...)")
        folders = sorted({os.path.dirname(file) for file in files})
        shape = _pixels(files[0], None).shape
        rows = rows_at_a_time(shape)

        def blocks() -> Iterator[Block]:
            import numpy as np

            for start in range(0, len(files), rows):
                chosen = files[start : start + rows]
                labels = np.array([folders.index(os.path.dirname(file)) for file in chosen])
                x = np.stack([_pixels(file, shape) for file in chosen])
                yield Block(x, labels if len(folders) > 1 else None)

        return Samples(path, shape, blocks, bytes_=True)


def _files(path: str) -> Iterator[str]:
    """Yield the images of a folder and of the folders in it; links to folders are not followed."""
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False):
            yield from (e.path for e in os.scandir(entry.path) if e.name.lower().endswith(ENDINGS) and e.is_file())
        elif entry.name.lower().endswith(ENDINGS) and entry.is_file():
            yield entry.path


def _pixels(file: str, shape: tuple[int, ...] | None) -> NDArray[Any]:
    """Return an image as (channels, height, width); raise Refused where it has another shape."""
    import warnings

    import numpy as np

    try:
        from PIL import Image
    except ImportError:
        raise Refused("reading images needs Pillow: pip install 'lrbound[images]'") from None
    name = os.path.basename(file)
    too_large = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                grey = image.mode in ("L", "1") if shape is None else shape[0] == 1
                if image.width * image.height > MOST_PIXELS:
                    too_large = f"{name} has {image.width} x {image.height} pixels, at most {MOST_PIXELS} are read"
                else:
                    array = np.asarray(image.convert("L" if grey else "RGB"))
    except Exception as error:  # Pillow's decoders raise whatever they like
        raise Refused(f"{name} is not an image that Pillow reads") from error
    if too_large:
        raise Refused(too_large)
    found = array[None] if grey else array.transpose(2, 0, 1)
    if shape is not None and found.shape != shape:
        raise Refused(
            f"{name} is {found.shape[2]} x {found.shape[1]}, the first image {shape[2]} x {shape[1]}; resize them"
        )
    return found
