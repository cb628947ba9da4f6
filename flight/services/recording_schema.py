"""The recording file: its tables, and what is written about a flight before the first cycle.

A recording is one SQLite file. Events, commands, answers and grants are plain rows for any SQLite
tool; the arrays of the cycles are in `block` (flight/services/frame_codec.py).
"""

from dataclasses import dataclass, field

from flight.core.points import PointTable
from flight.services.frame_codec import FrameLayout

SCHEMA_VERSION = 1

TABLES = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS point(
    position INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL,
    is_writable INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS reason(code INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS block(
    t_ns INTEGER PRIMARY KEY, rows INTEGER NOT NULL, is_keyframe INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS keyframe ON block(t_ns) WHERE is_keyframe = 1;
CREATE TABLE IF NOT EXISTS event(
    cycle_ns INTEGER NOT NULL, t_ns INTEGER NOT NULL, event_id TEXT NOT NULL,
    severity INTEGER NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, value REAL);
CREATE TABLE IF NOT EXISTS command(
    cycle_ns INTEGER NOT NULL, command_id TEXT NOT NULL, name TEXT NOT NULL,
    arguments TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ack(
    cycle_ns INTEGER NOT NULL, command_id TEXT NOT NULL, ok INTEGER NOT NULL,
    reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rearm(cycle_ns INTEGER NOT NULL, driver TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS allotment(
    cycle_ns INTEGER NOT NULL, power_w REAL, heat_w REAL, valid_until_ns INTEGER);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingInfo:
    """What a recording says about its flight.

    Args:
        points: The point table: names, units and order of the arrays.
        accelerators: How many caps a decision carries.
        config_text, config_hash: The configuration as flown.
        seed: Of a simulation; 0 otherwise.
        dictionary_hash: Of the telemetry dictionary.
        session_id: One run of the daemon.
        simulated: Whether anything under the daemon was simulated.
        extra: Further names and values, as text.
    """

    points: PointTable
    accelerators: int
    config_text: str = ""
    config_hash: str = ""
    seed: int = 0
    dictionary_hash: str = ""
    session_id: str = ""
    simulated: bool = True
    version: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def layout(self) -> FrameLayout:
        """Sizes of a packed row."""
        return FrameLayout(
            points=len(self.points),
            writables=len(self.points.writable_indices),
            accelerators=self.accelerators,
        )

    def meta(self) -> dict[str, str]:
        """Return the rows of table `meta`."""
        return {
            **self.extra,
            "schema_version": str(SCHEMA_VERSION),
            "accelerators": str(self.accelerators),
            "config_text": self.config_text,
            "config_hash": self.config_hash,
            "seed": str(self.seed),
            "dictionary_hash": self.dictionary_hash,
            "session_id": self.session_id,
            "simulated": str(int(self.simulated)),
            "version": self.version,
        }
