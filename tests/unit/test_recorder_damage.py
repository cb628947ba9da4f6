"""A damaged recording: set aside, the daemon records on, and the counts tell where what is."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from flight.services.recorder import REOPEN_AFTER_NS, Recorder
from flight.services.recording import RecordingReader
from tests.unit.test_recorder import INFO, PERIOD_NS, flight, record


def damage(path: Path, at: float) -> None:
    """Overwrite pages from a place in the file on."""
    data = bytearray(path.read_bytes())
    begin = max(100, round(at * len(data)))
    data[begin : begin + 40_000] = b"\xa5" * len(data[begin : begin + 40_000])
    path.write_bytes(data)


@pytest.mark.parametrize("at", [0.0, 0.1, 0.3, 0.6, 0.9])
def test_a_damaged_recording_is_set_aside_and_the_daemon_records_on(
    tmp_path: Path, at: float
) -> None:
    path, flown = tmp_path / "r.sqlite", flight(600)
    record(path, flown[:500])
    damage(path, at)
    broken = path.read_bytes()
    recorder = Recorder(path, INFO)
    for cycle in flown[500:]:
        recorder.record(*cycle)
    late = replace(flown[-1].inputs, now_ns=flown[-1].inputs.now_ns + 2 * REOPEN_AFTER_NS)
    for k in range(20):  # a damage that only writing finds costs what came until the next try
        inputs = replace(late, now_ns=late.now_ns + k * PERIOD_NS)
        recorder.record(inputs, flown[-1].decision)
    recorder.close()
    health = recorder.health
    assert health.ok
    assert health.rows_written + health.rows_set_aside + health.rows_lost == 120
    assert health.rows_written >= 20
    if health.set_aside_count:
        assert (tmp_path / "r.sqlite.aside").stat().st_size >= len(broken)
        with RecordingReader(path) as reader:
            assert len(list(reader.rows())) == health.rows_written


def find_damage(recorder: Recorder) -> None:
    """As if SQLite had met a page that cannot be."""
    assert recorder._file is not None

    def insert(_table: str, _values: tuple[object, ...], *, rows: int = 1) -> None:
        raise sqlite3.DatabaseError(f"database disk image is malformed, {rows} rows")

    recorder._file.insert = insert  # type: ignore[method-assign]


def test_after_damage_the_counts_tell_what_is_in_which_file_and_what_is_lost(
    tmp_path: Path,
) -> None:
    """Twice, so that the file set aside first is gone with all that it held."""
    path, aside = tmp_path / "r.sqlite", tmp_path / "r.sqlite.aside"
    recorder, taken, lost, told = Recorder(path, INFO), 0, 0, []
    for count in (200, 300, 100):
        flown = flight(count)
        shift_ns = taken * PERIOD_NS + len(told) * REOPEN_AFTER_NS  # beyond the wait for a try
        for cycle in flown:
            inputs = replace(cycle.inputs, now_ns=cycle.inputs.now_ns + shift_ns)
            recorder.record(inputs, cycle.decision)
        taken += count
        recorder.flush()
        told.append(recorder.health)
        if count == 100:
            break
        find_damage(recorder)
        for cycle in flight(10):  # the block that finds it
            now_ns = cycle.inputs.now_ns + shift_ns + count * PERIOD_NS
            recorder.record(replace(cycle.inputs, now_ns=now_ns), cycle.decision)
        taken, lost = taken + 10, lost + 10
    recorder.close()
    assert [(h.rows_written, h.rows_set_aside, h.rows_lost) for h in told] == [
        (200, 0, 0),
        (300, 200, 10),
        (100, 300, 220),
    ]
    assert recorder.health.rows_lost == lost + 200 and taken == 620
    for file, rows, rows_lost in ((path, 100, 210), (aside, 300, 10)):
        with RecordingReader(file) as reader:
            assert len(list(reader.rows())) == rows
            assert [entry.rows_lost for entry in reader.runs()] == [rows_lost]


def test_the_losses_of_a_run_are_told_with_that_run_alone(tmp_path: Path) -> None:
    path, recorder = tmp_path / "r.sqlite", Recorder(tmp_path / "r.sqlite", INFO)
    recorder._rows_lost = 3
    recorder.begin_run(INFO)
    for cycle in flight(20):
        recorder.record(*cycle)
    recorder._rows_lost += 2
    recorder.close()
    with RecordingReader(path) as reader:
        assert [entry.rows_lost for entry in reader.runs()] == [3, 2]
