"""Writes reports: of one flight beside its recording, of many runs beside their table, of two
flights where the caller says.
"""

import json
from pathlib import Path

from flight.flights import RUNS_NAME, reading
from flight.operator_error import OperatorError
from flight.report.compare import comparison_page
from flight.report.flight_data import read_flight
from flight.report.page import flight_page
from flight.report.runs_page import REPORT_NAME, runs_page


def write_report(flight: Path | None, out: Path | None = None, run: int | None = None) -> Path:
    """Write the report of a flight, or of many runs, and return its path.

    Args:
        flight: A flight's folder or recording, or the folder of many runs; None: the newest.
        out: None: beside the recording, or beside runs.json.
        run: Of a recording with several.

    Raises: OperatorError, when there is no such flight, or the file cannot be written.
    """
    check_out(out)
    if flight is not None and (flight / RUNS_NAME).is_file():
        if run is not None:
            mend = f"name the folder of one, such as {flight / f'run-{run:03}'}"
            raise OperatorError(f"--run {run}: {flight} is a folder of runs; {mend}")
        return _write(_page_of_runs(flight), out or flight / REPORT_NAME)
    data, reader = read_flight(flight, run)
    with reader, reading(data.path):
        page = flight_page(data, reader)
    return _write(page, out or data.path.parent / REPORT_NAME)


def write_comparison(first: Path, second: Path, out: Path | None = None) -> Path:
    """Write the comparison of two flights and return its path; out None: in this folder.

    Raises: OperatorError, as write_report.
    """
    check_out(out)
    flights = []
    for flight in (first, second):
        data, reader = read_flight(flight)
        reader.close()
        flights.append(data)
    name = f"compare-{flights[0].name}-{flights[1].name}.html"
    return _write(comparison_page(*flights), out or Path(name))


def _page_of_runs(folder: Path) -> str:
    path = folder / RUNS_NAME
    try:
        return runs_page(json.loads(path.read_text(encoding="utf-8")), folder)
    except OSError as error:
        raise OperatorError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise OperatorError(f"{path}: is no table of runs; fly them again") from None


def check_out(out: Path | None) -> None:
    """Raise: OperatorError, for a place that no report is written to: never over a recording."""
    if out is None:
        return
    if out.is_dir():
        raise OperatorError(f"--out {out}: is a folder; name a file")
    is_page = out.suffix.lower() in (".html", ".htm")
    if not is_page and (out.is_file() or not out.exists()):  # else a pipe or a terminal
        raise OperatorError(f"--out {out}: a report is HTML; name it {out.name}.html")


def _write(page: str, out: Path) -> Path:
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"--out {out}: cannot be written: {error.strerror}") from None
    return out
