"""The recording file: its tables, and what is written about a run before its first cycle.

A recording is one SQLite file of one or more runs of the daemon. Events, commands, answers and
evidence are plain rows for any SQLite tool; the arrays of the cycles are in `block`
(flight/services/frame_codec.py), inputs and states in MessagePack (flight/services/typed_codec.py).
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flight.build_identity import build_identity
from flight.core.points import PointTable
from flight.core.types import Allotment, CapPlan, Notice, OrbitForecast, Restored, WorkloadClaim
from flight.services.frame_codec import FrameLayout

SCHEMA_VERSION = 2
APPLICATION_ID = 0x4E534452  # "NSDR": whoever finds the file knows whose it is

# Inputs that come rarely: written when they change. Names are those of `Inputs`, in this order.
INPUT_KINDS: dict[str, Any] = {
    "allotment": Allotment | None,
    "plan": CapPlan | None,
    "orbit": OrbitForecast | None,
    "claims": tuple[WorkloadClaim, ...],
    "restored": Restored | None,
}
NOTICES_KIND = tuple[Notice, ...]

TABLES = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setup(setup_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run(
    run INTEGER PRIMARY KEY, setup_id TEXT NOT NULL, session_id TEXT NOT NULL,
    start_utc TEXT NOT NULL, rows_lost INTEGER NOT NULL DEFAULT 0,
    rares_lost INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS ledger(
    name TEXT PRIMARY KEY, bytes INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0,
    lost_rows INTEGER NOT NULL DEFAULT 0, lost_run INTEGER NOT NULL DEFAULT 0,
    lost_ns INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reason(
    run INTEGER NOT NULL, code INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(run, code)
    ) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS block(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL,
    rows INTEGER NOT NULL, is_keyframe INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS block_time ON block(run, is_keyframe, cycle_ns);
CREATE INDEX IF NOT EXISTS keyframe ON block(is_keyframe) WHERE is_keyframe = 1;
CREATE TABLE IF NOT EXISTS state(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS input(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL, name TEXT NOT NULL,
    body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS command(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL,
    command_id TEXT NOT NULL, name TEXT NOT NULL, arguments TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ack(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL,
    command_id TEXT NOT NULL, ok INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rearm(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL, driver TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS request(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL, kind TEXT NOT NULL,
    driver TEXT NOT NULL, point TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notice(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS event(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL,
    t_ns INTEGER NOT NULL, event_id TEXT NOT NULL, severity INTEGER NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, value REAL);
CREATE INDEX IF NOT EXISTS event_severity ON event(severity);
CREATE TABLE IF NOT EXISTS evidence(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, cycle_ns INTEGER NOT NULL,
    driver TEXT NOT NULL, sequence INTEGER NOT NULL, cause TEXT NOT NULL, device INTEGER,
    point TEXT NOT NULL, status INTEGER NOT NULL, value REAL, limit_value REAL,
    repeat_count INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS evidence_key ON evidence(run, driver, sequence, cycle_ns);
"""

# Values of a row besides id and run, by table; the order is that of TABLES.
COLUMNS = {
    "block": 4, "state": 2, "input": 3, "command": 4, "ack": 4, "rearm": 2, "request": 4,
    "notice": 2, "event": 7, "evidence": 11,
}  # fmt: skip


class Share(NamedTuple):
    """Tables that share one part of the quota: a flood in one part takes nothing from another."""

    name: str
    ratio: float
    tables: tuple[str, ...]


# Assumed: a day of REF-1 writes 200 MB of frames and below 1 MB of everything else.
SHARES = (
    Share("frames", 0.80, ("block", "state")),
    Share("inputs", 0.08, ("input", "command", "ack", "rearm", "request", "notice")),
    Share("events", 0.08, ("event",)),
    Share("evidence", 0.04, ("evidence",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingInfo:
    """What a recording says about one run.

    Args:
        points: The point table: names, units and order of the arrays.
        accelerators: How many caps a decision carries.
        config_text, config_hash: The configuration as flown.
        seed: Of a simulation; 0 otherwise.
        dictionary_hash: Of the telemetry dictionary.
        session_id: One run of the daemon.
        start_utc: ISO 8601; "" when nobody knows the time.
        simulated: Whether anything under the daemon was simulated.
        period_ns: Of the cycle.
        extra: Further names and values, as text.
    """

    points: PointTable
    accelerators: int
    config_text: str = ""
    config_hash: str = ""
    seed: int = 0
    dictionary_hash: str = ""
    session_id: str = ""
    start_utc: str = ""
    simulated: bool = True
    version: str = ""
    period_ns: int = 100_000_000
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def layout(self) -> FrameLayout:
        """Sizes of a packed row."""
        return FrameLayout(
            points=len(self.points),
            writables=len(self.points.writable_indices),
            accelerators=self.accelerators,
        )

    def setup(self) -> tuple[str, str]:
        """Return key and text of what runs of one build and configuration have in common."""
        meta = {
            **self.extra,
            "accelerators": str(self.accelerators),
            "config_text": self.config_text,
            "config_hash": self.config_hash,
            "seed": str(self.seed),
            "dictionary_hash": self.dictionary_hash,
            "simulated": str(int(self.simulated)),
            "version": self.version,
            "build": build_identity(),
            "period_ns": str(self.period_ns),
        }
        points = [[p.name, p.unit, int(p.writable is not None)] for p in self.points]
        body = json.dumps({"meta": meta, "points": points})
        return hashlib.blake2b(body.encode(), digest_size=8).hexdigest(), body
