"""The recording file as its writer holds it: rows in, commits, and a quota that is kept.

Each share of the quota has its own ring: when it is full its oldest rows go, are counted in table
`ledger`, and their pages are used again, so the file stays at its size. Of events the least severe
go first. What a replay from the oldest kept frame needs of older inputs stays.
"""

import contextlib
import os
import sqlite3
from enum import Enum, auto
from pathlib import Path

from flight.services.recording_schema import (
    APPLICATION_ID,
    COLUMNS,
    SCHEMA_VERSION,
    SHARES,
    TABLES,
    RecordingInfo,
    Share,
)

PAGE_BYTES = 16384  # seven blocks of REF-1 and 8 % empty; at 8192 three, and 20 % empty
MIB = 1 << 20
HEADER_BYTES = 100  # of an SQLite file; its application id stands at ID_AT
ID_AT = 68
VACUUM_PAGES = 32  # given back with a commit
ROW_BYTES = 24  # of SQLite: header, row id and index entries of a row
WAL_PAGES_MAX = 500  # twice SQLite's own bytes; folding it back costs as often as it is done
WAL_RATIO = 1 / 16  # of the quota, when that is small
FILL_RATIO = 0.87  # of the file that counted rows fill: REF-1 0.91, and 0.87 once its ring turns
RING_STEP_RATIO = 0.1  # part of a table that goes at a time

_PLACES = {name: ",".join("?" * (count + 1)) for name, count in COLUMNS.items()}
_INSERT = {name: f"INSERT INTO {name} VALUES(NULL,{_PLACES[name]})" for name in COLUMNS}


class Found(Enum):
    """What stands where a recording shall be."""

    NOTHING = auto()
    RECORDING = auto()  # this version goes on with it
    UNUSABLE = auto()  # a recording, but damaged or of another schema
    FOREIGN = auto()  # somebody else's


def look_at(path: Path) -> Found:
    """Return what a path holds, without changing it."""
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
    except FileNotFoundError:
        return Found.NOTHING
    except OSError:
        return Found.RECORDING  # the disk's trouble: whoever opens it finds out
    if not head:
        return Found.NOTHING
    if not any(head):
        return Found.UNUSABLE  # power went while the file was made
    if head[ID_AT : ID_AT + 4] != APPLICATION_ID.to_bytes(4, "big"):
        return Found.FOREIGN
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        ) as database:
            found = database.execute("SELECT value FROM meta WHERE key = 'schema_version'")
            is_this_schema = found.fetchone() == (str(SCHEMA_VERSION),)
    except sqlite3.OperationalError:  # busy, or the disk: not the file's content
        return Found.RECORDING
    except sqlite3.DatabaseError:
        return Found.UNUSABLE
    return Found.RECORDING if is_this_schema else Found.UNUSABLE


def set_aside(path: Path) -> None:
    """Rename an unusable recording to NAME.aside, over an older one of that name. Raises: OSError.

    Its WAL goes with it: left behind, it would be taken for the new file's.
    """
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(path.with_name(f"{path.name}.aside{suffix}"))


class RecordingFile:
    """One open recording. Raises sqlite3.Error from every method when the disk fails; it must then
    be closed. For one thread.

    Args:
        run: Go on with this run, which an earlier RecordingFile of this process began; None: begin
            a new one.
        quota_mib: The size that file and WAL keep, > 0.
    """

    def __init__(
        self, path: Path, info: RecordingInfo, *, run: int | None = None, quota_mib: float
    ) -> None:
        quota_bytes = round(quota_mib * MIB)
        self._wal_pages = min(WAL_PAGES_MAX, round(quota_bytes * WAL_RATIO / PAGE_BYTES))
        # The WAL, and as much again until it is folded back.
        self._room = quota_bytes - 2 * self._wal_pages * PAGE_BYTES
        self._limits = [(share, share.ratio * self._room * FILL_RATIO) for share in SHARES]
        self._database = sqlite3.connect(
            path, check_same_thread=False, timeout=1.0, isolation_level=None
        )
        try:
            self._prepare()
            self.run = self._begin_run(info, run)
            self._ledger = {
                name: (size, rows)
                for name, size, rows in self._execute("SELECT name, bytes, rows FROM ledger")
            }
            self._execute("COMMIT")
            _sync_folder(path.parent)
        except BaseException:
            self.close()
            raise
        self.size_bytes = 0  # of the file at the last commit, its WAL not counted
        self._is_open = False  # a transaction
        self._written: dict[str, tuple[int, int]] = {}  # bytes and rows since the last commit

    def insert(self, table: str, values: tuple[object, ...], *, rows: int = 1) -> None:
        """Add a row in the open transaction.

        Args:
            rows: What it counts as, e.g. the cycles of a block.
        """
        self._begin()
        self._execute(_INSERT[table], (self.run, *values))
        self._note_written(table, _size_of(values), rows)

    def name_reason(self, code: int, name: str) -> None:
        """Say what a reason code of this run means."""
        self._begin()
        self._execute("INSERT OR REPLACE INTO reason VALUES(?,?,?)", (self.run, code, name))

    def insert_evidence(self, rows: list[tuple[object, ...]]) -> None:
        """Store evidence so that it survives loss of power; returns when the disk has it.

        A record that is there already is replaced: it may have gained repeats.
        """
        assert not self._is_open, "commit first: the sync mode is that of whole transactions"
        self._execute("PRAGMA synchronous=FULL")
        try:
            self._begin()
            for row in rows:
                replaced = self._execute(
                    "DELETE FROM evidence"
                    " WHERE run = ? AND cycle_ns = ? AND driver = ? AND sequence = ?",
                    (self.run, *row[:3]),
                )
                if replaced.rowcount:
                    self._note_written("evidence", -_size_of(row), -1)
                self.insert("evidence", row)
            self.commit()
        finally:
            self._execute("PRAGMA synchronous=NORMAL")

    def commit(self, losses: tuple[int, int] | None = None) -> None:
        """Commit what was inserted, keeping the quota.

        Args:
            losses: Rows and rares of this run lost so far, when they have changed.
        """
        if losses is not None:
            self._begin()
            self._execute(
                "UPDATE run SET rows_lost = ?, rares_lost = ? WHERE run = ?", (*losses, self.run)
            )
        if not self._is_open:
            return
        for name, (size, rows) in self._written.items():
            self._book(name, size, rows)
        self._written.clear()
        self._keep_quota()
        self._execute("COMMIT")
        self._is_open = False

    def close(self) -> None:
        """Close; what was not committed is rolled back. Raises nothing."""
        with contextlib.suppress(sqlite3.Error):
            self._database.close()

    def _prepare(self) -> None:
        self._execute(f"PRAGMA page_size={PAGE_BYTES}")  # these two: of a new file only
        self._execute("PRAGMA auto_vacuum=INCREMENTAL")
        if self._execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
            # Before the WAL, so that the file itself says whose it is from its first byte on.
            self._execute(f"PRAGMA application_id={APPLICATION_ID}")
        self._execute("PRAGMA journal_mode=WAL")
        self._execute("PRAGMA synchronous=NORMAL")
        self._execute("PRAGMA secure_delete=OFF")  # some builds overwrite what is deleted: twice
        self._execute(f"PRAGMA wal_autocheckpoint={self._wal_pages}")
        self._execute(f"PRAGMA journal_size_limit={self._wal_pages * PAGE_BYTES}")
        self._execute("BEGIN IMMEDIATE")
        for statement in TABLES.split(";\n"):
            self._execute(statement)
        self._execute(
            "INSERT OR IGNORE INTO meta VALUES('schema_version', ?)", (str(SCHEMA_VERSION),)
        )
        for name in COLUMNS:
            self._execute("INSERT OR IGNORE INTO ledger(name) VALUES(?)", (name,))

    def _begin_run(self, info: RecordingInfo, run: int | None) -> int:
        known = self._execute("SELECT run FROM run WHERE run = ?", (run,)).fetchone()
        if known is not None:
            return int(known[0])
        setup_id, body = info.setup()
        self._execute("INSERT OR IGNORE INTO setup VALUES(?,?)", (setup_id, body))
        added = self._execute(
            "INSERT INTO run(setup_id, session_id, start_utc) VALUES(?,?,?)",
            (setup_id, info.session_id, info.start_utc),
        )
        assert added.lastrowid is not None
        return added.lastrowid

    def _execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        return self._database.execute(statement, values)

    def _begin(self) -> None:
        if not self._is_open:
            self._execute("BEGIN IMMEDIATE")
            self._is_open = True

    def _note_written(self, table: str, size: int, rows: int) -> None:
        old_size, old_rows = self._written.get(table, (0, 0))
        self._written[table] = (old_size + size, old_rows + rows)

    def _pragma(self, name: str) -> int:
        return int(self._execute(f"PRAGMA {name}").fetchone()[0])

    def _book(self, table: str, size: int, rows: int) -> None:
        old_size, old_rows = self._ledger[table]
        self._ledger[table] = old_size + size, old_rows + rows
        self._execute(
            "UPDATE ledger SET bytes = ?, rows = ? WHERE name = ?", (*self._ledger[table], table)
        )

    # ---- quota ----

    def _keep_quota(self) -> None:
        room = self._room
        for share, limit in self._limits:
            while sum([self._ledger[table][0] for table in share.tables]) > limit:
                if not self._drop_oldest(share):
                    break
        page_bytes = self._pragma("page_size")  # of an older file: not ours
        self.size_bytes = self._pragma("page_count") * page_bytes
        if self.size_bytes <= room:
            return
        free = self._pragma("freelist_count")
        while self.size_bytes - free * page_bytes > room and self._drop_frames():
            free = self._pragma("freelist_count")
        for _ in range(min(free, VACUUM_PAGES)):  # the quota was lowered: give back, slowly
            self._execute("PRAGMA incremental_vacuum(1)")  # one page however many are asked for

    def _drop_oldest(self, share: Share) -> bool:
        """Make room in a share; return whether anything went."""
        table = max(share.tables, key=lambda name: self._ledger[name][0])
        if share.name == "frames":
            return self._drop_frames()
        count = max(1, round(self._ledger[table][1] * RING_STEP_RATIO))
        if table == "event":
            chosen = "id IN (SELECT id FROM event ORDER BY severity, id LIMIT ?)"
            return self._drop(table, chosen, (count,)) > 0
        last = self._execute(
            f"SELECT id FROM {table} ORDER BY id LIMIT 1 OFFSET ?",  # noqa: S608
            (count,),
        ).fetchone()
        if last is None:
            return False
        chosen = "id < ?"
        if table in ("input", "notice"):  # in force until the next one: the newest of each stays
            name = "name" if table == "input" else "run"
            chosen += (
                f" AND id NOT IN (SELECT max(id) FROM {table} WHERE id < ?"  # noqa: S608
                f" GROUP BY run, {name}) "
            )
            return self._drop(table, chosen, (*last, *last)) > 0
        return self._drop(table, chosen, last) > 0

    def _drop_frames(self) -> bool:
        """Drop the oldest minute of frames: up to the next keyframe, which needs none before it."""
        found = self._execute(
            "SELECT id, run, cycle_ns FROM block WHERE is_keyframe = 1 ORDER BY id LIMIT 1 OFFSET 1"
        ).fetchone()
        if found is None:
            return False
        keyframe, run, cycle_ns = found
        dropped = self._drop("block", "id < ?", (keyframe,), rows="sum(rows)")
        self._drop("state", "run < ? OR (run = ? AND cycle_ns < ?)", (run, run, cycle_ns))
        return dropped > 0

    def _drop(
        self, table: str, chosen: str, values: tuple[object, ...], *, rows: str = "count(*)"
    ) -> int:
        """Delete rows and count them; return how many went."""
        texts = _TEXTS[table]
        count, size, newest = self._execute(
            f"SELECT {rows}, sum({texts}), max(id) FROM {table} WHERE {chosen}",  # noqa: S608
            values,
        ).fetchone()
        if not count:
            return 0
        run, cycle_ns = self._execute(
            f"SELECT run, cycle_ns FROM {table} WHERE id = ?",  # noqa: S608
            (newest,),
        ).fetchone()
        self._execute(f"DELETE FROM {table} WHERE {chosen}", values)  # noqa: S608
        self._execute(
            "UPDATE ledger SET lost_rows = lost_rows + ?, lost_run = ?, lost_ns = ? WHERE name = ?",
            (count, run, cycle_ns, table),
        )
        old_size, old_rows = self._ledger[table]
        self._book(table, max(-size, -old_size), max(-count, -old_rows))
        return int(count)


def _size_of(values: tuple[object, ...]) -> int:
    """Return what a row is booked as: its text and bytes, and 6 bytes for each number."""
    size = ROW_BYTES
    for value in values:
        size += (
            len(value.encode())
            if isinstance(value, str)
            else len(value)
            if isinstance(value, bytes)
            else 6
        )
    return size


def _size(*columns: str, numbers: int) -> str:
    """Return the SQL of what `insert` booked for a row, of its text columns and its numbers."""
    lengths = [f"length(CAST({name} AS BLOB))" for name in columns]
    return "+".join([*lengths, str(ROW_BYTES + 6 * numbers)])


_TEXTS = {
    "block": _size("body", numbers=3),
    "state": _size("body", numbers=1),
    "input": _size("name", "body", numbers=1),
    "command": _size("command_id", "name", "arguments", numbers=1),
    "ack": _size("command_id", "reason", numbers=2),
    "rearm": _size("driver", numbers=1),
    "request": _size("kind", "driver", "point", numbers=1),
    "notice": _size("body", numbers=1),
    "event": _size("event_id", "subject", "text", numbers=4),
    "evidence": _size("driver", "cause", "point", "data", numbers=7),
}


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file durable; a disk that cannot is found out by the next commit."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
