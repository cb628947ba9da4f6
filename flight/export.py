"""`nightside export`: chosen channels of a recording as CSV, NPZ or Parquet."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from flight.channels_chosen import Samples
from flight.operator_error import OperatorError
from flight.services.recording import NS_PER_S


def write_samples(samples: Samples, kind: str, out: Path) -> None:
    """Write samples to a file, whole or not at all.

    Args:
        kind: A key of FORMATS.

    Raises: OperatorError, when the file cannot be written or a library is missing.
    """
    if out.is_dir() or not out.name:
        raise OperatorError(f"--out {out}: is a folder; name a file")
    partial = out.with_name(f"{out.name}.part")
    try:
        FORMATS[kind](samples, partial)
        partial.replace(out)
    except OSError as error:
        raise OperatorError(f"--out {out}: cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def _write_csv(samples: Samples, out: Path) -> None:
    """The names already end in their units; the shortest text that gives the same number back."""
    with out.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["t_s", *samples.names])
        for now_ns, values in zip(samples.times_ns.tolist(), samples.values.tolist(), strict=True):
            rows.writerow([now_ns / NS_PER_S, *values])


def _write_npz(samples: Samples, out: Path) -> None:
    columns = {name: samples.values[:, i] for i, name in enumerate(samples.names)}
    with out.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, t_ns=samples.times_ns, **columns)


def _write_parquet(samples: Samples, out: Path) -> None:
    try:
        # An extra: only who asks for it needs it.
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise OperatorError(
            "--format parquet: needs pyarrow, which is not installed; "
            "pip install 'nightside[parquet]', or take csv or npz"
        ) from None
    fields = [pa.field("t_ns", pa.int64(), metadata={"unit": "ns"})]
    fields += [
        pa.field(name, pa.float64(), metadata={"unit": unit})
        for name, unit in zip(samples.names, samples.units, strict=True)
    ]
    columns = [samples.times_ns, *samples.values.T]
    table = pa.table([pa.array(c) for c in columns], schema=pa.schema(fields))
    parquet.write_table(table, out)


FORMATS: dict[str, Callable[[Samples, Path], None]] = {
    "csv": _write_csv,
    "npz": _write_npz,
    "parquet": _write_parquet,
}
