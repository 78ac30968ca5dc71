"""``.parquet``: a table of numbers, read by row groups with pyarrow (extra ``parquet``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrbound.data.base import Block, DataFormat, Samples, Wanted, no_array, rows_at_a_time
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator


class Parquet(DataFormat):
    """Columns of numbers; a column of another type is an error unless it is the target."""

    endings = (".parquet",)

    def open(self, path: str, wanted: Wanted) -> Samples:
        """Read the schema."""
        no_array(wanted)
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise Refused("reading .parquet needs pyarrow: pip install 'lrbound[parquet]'") from None
        with open(path, "rb"):  # an OSError with the system's words
            pass
        try:
            schema = parquet.ParquetFile(path).schema_arrow
        except pa.ArrowException as error:
            raise Refused("not a .parquet file") from error
        names = [name for name in schema.names if name != wanted.column]
        if wanted.column is not None and wanted.column not in schema.names:
            raise Refused(f"has no column {wanted.column!r}; its columns are {', '.join(schema.names[:20])}")
        for name in names:
            kind = schema.field(name).type
            if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
                raise Refused(f"column {name!r} holds {kind}, not numbers")
        if not names:
            raise Refused("has no column beside the targets")
        rows = rows_at_a_time((len(names),))
        return Samples(path, (len(names),), lambda: _blocks(path, names, wanted.column, rows))


def _blocks(path: str, names: list[str], column: str | None, rows: int) -> Iterator[Block]:
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    try:
        for batch in parquet.ParquetFile(path).iter_batches(rows, columns=[*names, *([column] if column else [])]):
            x = np.stack([_numbers(batch.column(name)) for name in names], axis=1)
            yield Block(x, None if column is None else np.asarray(batch.column(column).to_pylist()))
    except (pa.ArrowException, OSError) as error:
        raise Refused(f"cannot be read: {' '.join(str(error).split())[:120]}") from error


def _numbers(column: Any) -> Any:
    import numpy as np

    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
