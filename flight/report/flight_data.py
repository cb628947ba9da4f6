"""What the report needs of one flight, read from its recording in one pass."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from flight.core.types import Event, Float64s, Int64s, Severity
from flight.eclipses import eclipses_of
from flight.flights import RECORDING_NAME, open_recording, reading
from flight.operator_error import OperatorError
from flight.report.accounts import AccountChannels, Accounts
from flight.report.buckets import Buckets
from flight.report.panels import BATTERY_POWER, GRANTED, PANELS, Panel, channels_of
from flight.report.reasons import Reasons, Segment
from flight.services.frame_codec import MODES
from flight.services.recording import FOREVER_NS, NS_PER_S, RecordingReader
from flight.times import Span

SUMMARY_NAME = "summary.json"
BUCKETS_MAX = 1000  # of the whole flight: about the pixels of a wide picture
BUCKETS_MIN = 100  # of a node with very many lines
SAMPLES_MAX = 100_000  # buckets of all lines together: about 1.3 MB of the page
ROWS_AT_ONCE = 4096
BATTERY = ("eps.battery.voltage_v", "eps.battery.current_a")


class Rows(NamedTuple):
    """Some cycles as arrays."""

    times_ns: Int64s
    values: Float64s
    caps: Float64s
    codes: Any  # [cycle, 1 + accelerator]: of the mode, of the reasons


class DrawnPanel(NamedTuple):
    """A picture: the names and samples [point, name] of its lines."""

    panel: Panel
    names: tuple[str, ...]
    points: Float64s


@dataclass(kw_only=True)
class FlightData:
    """One flight. summary: of a simulated flight, None where nothing judged it; absent: titles of
    the pictures whose channels the node has not.

    Times of `modes`, `eclipses` are in s; `axis` is that of all panels.
    """

    path: Path
    run: int
    meta: dict[str, str]
    config: dict[str, Any]
    summary: dict[str, Any] | None
    begin_s: float
    end_s: float
    axis: dict[str, float] = field(default_factory=dict)
    panels: list[DrawnPanel] = field(default_factory=list)
    absent: tuple[str, ...] = ()
    reasons: list[list[Segment]] = field(default_factory=list)
    accounts: Accounts
    modes: list[tuple[float, float, str]] = field(default_factory=list)
    eclipses: list[tuple[float, float]] = field(default_factory=list)
    events: tuple[Event, ...] = ()
    evidence: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.resolve().parent.name

    @property
    def title(self) -> str:
        """What the flight was."""
        if self.summary is not None:
            return str(self.summary["title"])
        return f"Run {self.run} of {self.meta.get('session_id', self.name)}"

    @property
    def flown_s(self) -> tuple[float, float]:
        """Begin and end of the flight, of which the recording may have lost the first part."""
        if self.summary is None:
            return self.begin_s, self.end_s
        return 0.0, max(self.end_s, float(self.summary["simulated_s"]))

    @property
    def is_cut(self) -> bool:
        """Whether the quota of the recording has taken the begin of the flight."""
        return self.begin_s > self.flown_s[0] + 1.0

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The faults that were injected, as the summary tells them."""
        return [] if self.summary is None else list(self.summary["faults"])

    def panel(self, key: str) -> DrawnPanel | None:
        """Return one picture; None: the recording has none of its channels."""
        return next((drawn for drawn in self.panels if drawn.panel.key == key), None)


def read_flight(flight: Path | None, run: int | None = None) -> tuple[FlightData, RecordingReader]:
    """Return a flight and the open reader of its recording; the caller closes it.

    Raises: OperatorError, when there is no such flight or it cannot be read.
    """
    path, reader = open_recording(flight, run)
    try:
        with reading(path):
            return _read(path, reader), reader
    except BaseException:
        reader.close()
        raise


def _read(path: Path, reader: RecordingReader) -> FlightData:
    begin_s, end_s = reader.span_s()
    meta = reader.meta
    config = json.loads(meta.get("config_text", "{}"))
    known = reader.channels()
    data = FlightData(
        path=path,
        run=reader.run,
        meta=meta,
        config=config,
        summary=_summary(path, meta),
        begin_s=begin_s,
        end_s=end_s,
        accounts=Accounts(AccountChannels.of(known), config, int(meta["accelerators"])),
    )
    _read_rows(data, reader)
    span = Span(0, FOREVER_NS)
    data.eclipses = [(a / NS_PER_S, b / NS_PER_S) for a, b in eclipses_of(reader, span)]
    data.events = reader.events(0.0, FOREVER_NS / NS_PER_S, Severity.INFO)
    data.evidence = reader.evidence()
    return data


def _summary(path: Path, meta: dict[str, str]) -> dict[str, Any] | None:
    """Return summary.json beside a recording when it tells of the same flight."""
    beside = path.parent / SUMMARY_NAME
    if path.name != RECORDING_NAME or not beside.is_file():
        return None
    try:
        summary = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorError(f"{beside}: cannot be read: {error}") from None
    if not isinstance(summary, dict) or not {"title", "faults", "properties"} <= summary.keys():
        raise OperatorError(f"{beside}: is no summary of a flight; remove it or fly again")
    return summary if summary.get("config_hash") == meta.get("config_hash") else None


def _read_rows(data: FlightData, reader: RecordingReader) -> None:
    """Go through all cycles once and fill panels, reasons, modes, accounts."""
    known = reader.channels()
    count = int(data.meta["accelerators"])
    wanted = [(panel, _names(panel, known, count)) for panel in PANELS]
    wanted = [(panel, names) for panel, names in wanted if names]
    names = tuple(dict.fromkeys(name for _, found in wanted for name in found))
    begin_ns, end_ns = round(data.begin_s * NS_PER_S), round(data.end_s * NS_PER_S)
    period_ns = int(data.meta.get("period_ns", NS_PER_S // 10))
    buckets = Buckets(
        begin_ns,
        end_ns,
        count_max=buckets_for(len(names)),
        series=len(names),
        period_ns=period_ns,
    )
    reasons = Reasons(buckets, count, reader.grant_reader().reasons)
    series = _Series(reader, names)
    modes: list[tuple[int, int]] = []
    for rows, read in _chunks(reader):
        buckets.add(rows.times_ns, series.of(rows, read))
        reasons.add(rows.times_ns, rows.codes[:, 1:])
        data.accounts.add(rows.times_ns, rows.values, rows.caps, rows.codes[:, 1:])
        _add_modes(modes, rows)
    data.axis = buckets.axis
    points = buckets.points()
    place = {name: i for i, name in enumerate(names)}
    drawn = [panel for panel, _ in wanted]
    data.absent = tuple(panel.title for panel in PANELS if panel not in drawn)
    data.panels = [
        DrawnPanel(panel, found, points[:, [place[name] for name in found]])
        for panel, found in wanted
    ]
    data.reasons = reasons.segments(data.end_s)
    data.accounts.name_reasons(reader.grant_reader().reasons)
    ends = [at for at, _ in modes[1:]] + [end_ns]
    data.modes = [
        (at / NS_PER_S, end / NS_PER_S, str(MODES[code]))
        for (at, code), end in zip(modes, ends, strict=True)
    ]


def buckets_for(lines: int) -> int:
    """Return into how many buckets so many lines are cut, so that the page stays small."""
    return min(BUCKETS_MAX, max(BUCKETS_MIN, SAMPLES_MAX // max(1, lines)))


def _names(panel: Panel, known: Sequence[str], accelerators: int) -> tuple[str, ...]:
    if GRANTED in panel.patterns:
        return tuple(f"accel{i}.{GRANTED}" for i in range(accelerators))
    found = channels_of(panel, known)
    if BATTERY_POWER in panel.patterns and set(BATTERY) <= set(known):
        found = (*found, BATTERY_POWER)
    return found


class _Series:
    """Columns of some names: recorded, derived, or granted. Failed readings are NaN."""

    def __init__(self, reader: RecordingReader, names: tuple[str, ...]) -> None:
        known = set(reader.channels())
        self._names = names
        self._columns = [reader.index(name) if name in known else -1 for name in names]
        self._battery = [reader.index(name) for name in BATTERY if name in known]
        self._units = reader.units

    def of(self, rows: Rows, read: Float64s) -> Float64s:
        """Return values [cycle, name]; read: values with NaN where a reading failed."""
        found = read[:, self._columns]
        for i, name in enumerate(self._names):
            if name == BATTERY_POWER:
                found[:, i] = read[:, self._battery[0]] * read[:, self._battery[1]]
            elif name.endswith(f".{GRANTED}"):
                found[:, i] = rows.caps[:, int(name.removeprefix("accel").partition(".")[0])]
            elif self._units.get(name) == "ratio":
                found[:, i] *= 100.0
        return found


def _chunks(reader: RecordingReader) -> Iterator[tuple[Rows, Float64s]]:
    """Yield all cycles, many at once: a block alone is too short for fast arrays."""
    kept: list[Any] = []
    count = 0
    for block in reader.blocks(0, FOREVER_NS):
        kept.append(block)
        count += len(block.times_ns)
        if count >= ROWS_AT_ONCE:
            yield _joined(kept)
            kept, count = [], 0
    if kept:
        yield _joined(kept)


def _joined(blocks: Sequence[Any]) -> tuple[Rows, Float64s]:
    values = np.concatenate([block.values for block in blocks])
    status = np.concatenate([block.status for block in blocks])
    rows = Rows(
        times_ns=np.concatenate([np.array(block.times_ns, np.int64) for block in blocks]),
        values=values,
        caps=np.concatenate([block.caps for block in blocks]),
        codes=np.concatenate([block.codes for block in blocks]),
    )
    return rows, np.where(status == 0, values, np.nan)


def _add_modes(modes: list[tuple[int, int]], rows: Rows) -> None:
    column = rows.codes[:, 0]
    changes = np.flatnonzero(np.diff(column, prepend=-1 if not modes else modes[-1][1]))
    modes += [(int(rows.times_ns[i]), int(column[i])) for i in changes]
