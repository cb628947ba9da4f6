"""Writes reports: of one flight beside its recording, of two flights where the caller says."""

from pathlib import Path

from flight.flights import reading
from flight.operator_error import OperatorError
from flight.report.compare import comparison_page
from flight.report.flight_data import read_flight
from flight.report.page import flight_page

REPORT_NAME = "report.html"


def write_report(flight: Path | None, out: Path | None = None, run: int | None = None) -> Path:
    """Write the report of a flight and return its path; out None: beside the recording.

    Raises: OperatorError, when there is no such flight, or the file cannot be written.
    """
    data, reader = read_flight(flight, run)
    with reader, reading(data.path):
        page = flight_page(data, reader)
    return _write(page, out or data.path.parent / REPORT_NAME)


def write_comparison(first: Path, second: Path, out: Path | None = None) -> Path:
    """Write the comparison of two flights and return its path; out None: in this folder.

    Raises: OperatorError, as write_report.
    """
    flights = []
    for flight in (first, second):
        data, reader = read_flight(flight)
        reader.close()
        flights.append(data)
    name = f"compare-{flights[0].name}-{flights[1].name}.html"
    return _write(comparison_page(*flights), out or Path(name))


def _write(page: str, out: Path) -> Path:
    if out.is_dir():
        raise OperatorError(f"--out {out}: is a folder; name a file")
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"--out {out}: cannot be written: {error.strerror}") from None
    return out
