"""The recorder and its reader: exact round trips, small rows, and a disk that fails."""

import math
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flight.core.points import Point, PointTable, Writable
from flight.core.types import (
    Ack,
    Allotment,
    CapPlan,
    Command,
    Decision,
    DeviceRequest,
    Event,
    Inputs,
    Mode,
    Notice,
    NoticeLevel,
    OrbitForecast,
    Restored,
    Severity,
    Snapshot,
    WorkloadClaim,
)
from flight.services.frame_codec import REASON_CODE_MAX, FrameDecoder, FrameEncoder, ReasonTable
from flight.services.recorder import REOPEN_AFTER_NS, Recorder
from flight.services.recorder_queue import RecorderBatch, RecorderThread
from flight.services.recording import RecordedCycle, RecordingReader
from flight.services.recording_file import RecordingFile
from flight.services.recording_schema import RecordingInfo

PERIOD_NS = 100_000_000
POINTS = PointTable(
    tuple(
        Point(
            name=f"p{i}",
            unit="W",
            driver="d",
            device="x",
            channel=i,
            low=0.0,
            high=1e3,
            writable=Writable(low=0.0, high=1e3) if i % 5 == 0 else None,
        )
        for i in range(40)
    )
)
INFO = RecordingInfo(points=POINTS, accelerators=2, config_text="[node]", config_hash="c0", seed=7)


def flight(cycles: int, seed: int = 1) -> list[RecordedCycle]:
    """Cycles of noise with NaN, negative zero, bad samples, changing caps and rare things."""
    rng = np.random.default_rng(seed)
    flown = []
    for i in range(cycles):
        now_ns = (i + 1) * PERIOD_NS + int(rng.integers(0, 1000))
        values = np.round(rng.uniform(10.0, 700.0, 40), 2)
        values[3], values[4] = np.nan, -0.0
        status = np.where(rng.random(40) < 0.05, -6, 0).astype(np.int32)
        snapshot = Snapshot(
            values, now_ns - rng.integers(0, 10**9, 40), status, (status != 0).astype(np.uint32)
        )
        is_special = i % 37 == 5
        event = Event(now_ns, "rail.trip", Severity.WARNING, "accel3", "opened", 3.5)
        inputs = Inputs(
            now_ns=now_ns,
            snapshot=snapshot,
            commands=(Command(f"c{i}", "mode", (("to", "SAFE"), ("w", 2.5))),)
            if is_special
            else (),
            allotment=Allotment(100.0 * (i // 50), 50.0, now_ns)
            if i > 60 and i % 50 == 0
            else None,
        )
        decision = Decision(
            mode=Mode.SAFE if i % 3 else Mode.NOMINAL,
            desired=rng.uniform(0.0, 1.0, 8),
            cap_w=(700.0 - i // 20, 200.0),
            cap_reason=("guard" if i % 40 < 20 else "plan", "mode"),
            rearm=("accel1",) if is_special else (),
            events=(event, event) if is_special else (),
            acks=(Ack(f"c{i}", True, ""),) if is_special else (),
        )
        flown.append(RecordedCycle(inputs, decision))
    return flown


def assert_same(read: RecordedCycle, flown: RecordedCycle) -> None:
    """Equal to the bit, arrays included."""
    for name in ("values", "time_ns", "status", "flags"):
        one, other = getattr(read.inputs.snapshot, name), getattr(flown.inputs.snapshot, name)
        assert one.dtype == other.dtype and one.tobytes() == other.tobytes(), name
    assert read.decision.desired.tobytes() == flown.decision.desired.tobytes()
    for name in ("mode", "cap_w", "cap_reason", "rearm", "events", "acks"):
        assert getattr(read.decision, name) == getattr(flown.decision, name)
    for name in ("now_ns", "commands", "allotment"):
        assert getattr(read.inputs, name) == getattr(flown.inputs, name)


def with_rare_inputs(flown: list[RecordedCycle]) -> list[RecordedCycle]:
    """The same cycles; from 10 to 39 with what comes rarely."""
    plan = CapPlan((5, 9), ((700.0, 200.0), (100.0, math.inf)), 77)
    orbit = OrbitForecast(((1, 2), (3, 4)), 5)
    claims = (WorkloadClaim(client="train", demand_w=650.0), WorkloadClaim())
    restored = Restored(
        mode=Mode.SAFE, latched=("accel1",), operator_limits_w=(("all", 1.5, "o", 9.0),)
    )
    notice = Notice("n1", "accel0", NoticeLevel.CHECKPOINT, "eclipse", 3, 4, 5.0, 6)
    request = DeviceRequest("clear", "rails_a", "p1")
    changed = []
    for i, cycle in enumerate(flown):
        if not 10 <= i < 40:
            changed.append(cycle)
            continue
        given = {"restored": restored if i == 10 else None, "plan": plan, "orbit": orbit}
        inputs = replace(cycle.inputs, claims=claims, **given)
        requests = (request,) if i == 20 else ()
        decision = replace(cycle.decision, notices=(notice,), requests=requests)
        changed.append(RecordedCycle(inputs, decision))
    return changed


def record(path: Path, flown: list[RecordedCycle]) -> Recorder:
    recorder = Recorder(path, INFO)
    for cycle in flown:
        recorder.record(*cycle)
    recorder.close()
    return recorder


def recorder_takes(recorder: Recorder, cycle: RecordedCycle) -> bool:
    recorder.record(*cycle)
    return recorder.health.ok


def test_every_cycle_is_read_back_as_it_was_flown(tmp_path: Path) -> None:
    flown = flight(1234)  # two keyframes and a half-filled last block
    health = record(tmp_path / "r.sqlite", flown).health
    assert (health.rows_written, health.rows_lost, health.rares_lost) == (1234, 0, 0)
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        read = list(reader.rows())
        assert len(read) == len(flown)
        for one, other in zip(read, flown, strict=True):
            assert_same(one, other)


def test_at_returns_the_latest_cycle_at_or_before_a_time(tmp_path: Path) -> None:
    flown = flight(700)
    record(tmp_path / "r.sqlite", flown)
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        for k in (0, 9, 10, 605, 699):
            t_s = flown[k].inputs.now_ns / 1e9
            assert_same(reader.at(t_s), flown[k])
            assert_same(reader.at(t_s + 0.05), flown[k])
        assert_same(reader.at(1e6), flown[-1])
        with pytest.raises(LookupError):
            reader.at(0.01)


def test_a_span_and_a_series_hold_what_was_asked_for(tmp_path: Path) -> None:
    flown = flight(300)
    record(tmp_path / "r.sqlite", flown)
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        from_s, to_s = flown[100].inputs.now_ns / 1e9, flown[119].inputs.now_ns / 1e9
        span = list(reader.rows(from_s, to_s))
        assert [c.inputs.now_ns for c in span] == [c.inputs.now_ns for c in flown[100:120]]
        times, values = reader.series(["p7", "p1"], from_s, to_s)
        assert times.tolist() == [c.inputs.now_ns for c in flown[100:120]]
        assert values[:, 0].tolist() == [c.inputs.snapshot.values[7] for c in flown[100:120]]
        assert values.shape == (20, 2)
        assert reader.span_s() == (flown[0].inputs.now_ns / 1e9, flown[-1].inputs.now_ns / 1e9)
        assert len(reader.events(severity_min=Severity.WARNING)) == 2 * len(range(5, 300, 37))
        assert reader.events(severity_min=Severity.CRITICAL) == ()
        assert reader.channels()[7] == "p7" and reader.index("p7") == 7
        assert reader.writable_channels()[1] == "p5"
        assert (reader.meta["seed"], reader.meta["config_text"]) == ("7", "[node]")


def test_a_late_cycle_before_any_decision_is_kept_as_nan(tmp_path: Path) -> None:
    inputs = flight(1)[0].inputs
    nothing = Decision(mode=Mode.BOOT, desired=np.empty(0), cap_w=(), cap_reason=())
    record(tmp_path / "r.sqlite", [RecordedCycle(inputs, nothing)])
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        decision = reader.at(1.0).decision
        assert np.isnan(decision.desired).all() and decision.cap_reason == ("", "")


def test_what_is_not_ours_is_never_written_over(tmp_path: Path) -> None:
    foreign = tmp_path / "notes.txt"
    foreign.write_text("somebody's words")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE things(name TEXT)")
    for path in (foreign, other):
        before = path.read_bytes()
        with pytest.raises(FileExistsError, match="no recording"):
            Recorder(path, INFO)
        assert path.read_bytes() == before


def test_a_daemon_that_starts_again_goes_on_in_the_same_recording(tmp_path: Path) -> None:
    path, flown = tmp_path / "r.sqlite", flight(200)
    record(path, flown[:100])
    again = replace(INFO, session_id="second", start_utc="2031-01-01T00:00:00Z")
    recorder = Recorder(path, again)
    for cycle in flown[20:60]:  # its clock began anew: the same times come again
        recorder.record(*cycle)
    recorder.close()
    with RecordingReader(path) as reader:
        assert [entry.run for entry in reader.runs()] == [1, 2]
        assert (reader.run, reader.meta["session_id"]) == (2, "second")
        assert reader.meta["start_utc"] == "2031-01-01T00:00:00Z"
        for one, other in zip(reader.rows(), flown[20:60], strict=True):
            assert_same(one, other)
    with RecordingReader(path, run=1) as reader:
        assert len(list(reader.rows())) == 100
    with pytest.raises(LookupError, match="no run 7; it holds 1, 2"):
        RecordingReader(path, run=7)


def test_a_recording_of_another_schema_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    record(path, flight(5))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    health = record(path, flight(7)).health
    assert (health.rows_written, health.set_aside_count) == (7, 1)
    with pytest.raises(ValueError, match="schema 99"):
        RecordingReader(tmp_path / "r.sqlite.aside")


def test_every_input_and_every_wish_is_read_back(tmp_path: Path) -> None:
    flown = with_rare_inputs(flight(60))
    record(tmp_path / "r.sqlite", flown)
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        for one, other in zip(reader.rows(), flown, strict=True):
            assert_same(one, other)
            for name in ("plan", "orbit", "claims", "restored"):
                assert getattr(one.inputs, name) == getattr(other.inputs, name), name
            assert one.decision.requests == other.decision.requests
            assert one.decision.notices == other.decision.notices
    with sqlite3.connect(tmp_path / "r.sqlite") as database:
        counts = dict(database.execute("SELECT name, count(*) FROM input GROUP BY name"))
    assert counts == {"plan": 2, "orbit": 2, "claims": 2, "restored": 2}, "only what changed"


def test_events_reach_the_disk_while_no_cycle_comes(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.sqlite", INFO)
    recorder.record(*flight(1)[0])
    recorder.note(Event(5, "task.failed", Severity.CRITICAL, "cycle", "gave up"))
    recorder.flush()
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        assert [event.event_id for event in reader.events()] == ["task.failed"]
        assert len(list(reader.rows())) == 1
        assert next(iter(reader.rows())).decision.events == (), "no step has said it"
    recorder.close()


def test_a_directory_that_is_missing_is_health_and_not_an_exception(tmp_path: Path) -> None:
    directory = tmp_path / "later"
    flown = flight(250)
    recorder = Recorder(directory / "r.sqlite", INFO)
    for cycle in flown[:50]:
        recorder.record(*cycle)
    assert not recorder.health.ok and "unable to open" in recorder.health.error
    directory.mkdir()
    for cycle in flown[50:]:
        recorder.record(*cycle)
    recorder.close()
    lost = sum(cycle.inputs.now_ns < REOPEN_AFTER_NS for cycle in flown)
    health = recorder.health
    assert (health.rows_lost, health.rows_written, health.error) == (lost, 250 - lost, "")
    with RecordingReader(directory / "r.sqlite") as reader:
        for one, other in zip(reader.rows(), flown[lost:], strict=True):
            assert_same(one, other)


def test_a_disk_that_fails_in_flight_loses_only_what_was_not_committed(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    flown = flight(400)
    recorder = Recorder(path, INFO)
    for cycle in flown[:100]:
        recorder.record(*cycle)
    assert recorder._file is not None
    recorder._file._execute(
        "PRAGMA max_page_count=1"
    )  # SQLite then says what it says on a full disk
    fails_at = next(k for k in range(100, 400) if not recorder_takes(recorder, flown[k]))
    assert "full" in recorder.health.error
    for cycle in flown[fails_at + 1 :]:
        recorder.record(*cycle)
    recorder.close()
    health = recorder.health
    assert health.rows_lost + health.rows_written == 400 and health.rows_written >= 250
    with RecordingReader(path) as reader:
        read = {cycle.inputs.now_ns: cycle for cycle in reader.rows()}
    assert len(read) == health.rows_written
    by_time = {cycle.inputs.now_ns: cycle for cycle in flown}
    for now_ns, cycle in read.items():
        assert (
            cycle.inputs.snapshot.values.tobytes()
            == by_time[now_ns].inputs.snapshot.values.tobytes()
        )


def test_the_writer_thread_stores_all_before_close_returns(tmp_path: Path) -> None:
    flown = flight(200)
    recorder = RecorderThread(tmp_path / "r.sqlite", INFO, depth=300)
    for cycle in flown:
        recorder.record(*cycle)
    recorder.note(Event(5, "task.restart", Severity.INFO, "link", "again"))
    recorder.close()
    assert recorder.health.rows_written == 200 and recorder.health.rows_lost == 0
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        assert_same(list(reader.rows())[-1], flown[-1])
        assert reader.events()[-1].event_id == "task.restart"


def test_batches_write_what_a_recorder_writes_and_all_of_it_before_close_returns(
    tmp_path: Path,
) -> None:
    flown = flight(234)
    batch_ns = 5_000_000_000
    recorder = RecorderBatch(tmp_path / "r.sqlite", INFO, batch_ns=batch_ns)
    for cycle in flown:
        recorder.record(*cycle)
        left = cycle.inputs.now_ns - flown[0].inputs.now_ns
        assert recorder.health.rows_written >= 10 * (left // batch_ns - 1) * 5
    recorder.note(Event(5, "task.restart", Severity.INFO, "link", "again"))
    recorder.close()
    assert recorder.health.rows_written == 234 and recorder.health.ok
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        for one, other in zip(reader.rows(), flown, strict=True):
            assert_same(one, other)
        assert reader.events()[-1].event_id == "task.restart"


@pytest.mark.parametrize("block_rows", [1, 3, 10, 64])
def test_blocks_of_any_length_hold_the_same_cycles(tmp_path: Path, block_rows: int) -> None:
    flown = flight(234)
    recorder = Recorder(tmp_path / "r.sqlite", INFO, block_rows=block_rows)
    for cycle in flown:
        recorder.record(*cycle)
    recorder.close()
    with RecordingReader(tmp_path / "r.sqlite") as reader:
        for one, other in zip(reader.rows(), flown, strict=True):
            assert_same(one, other)
        sizes = [len(block.times_ns) for block in reader.blocks(0, 1 << 62)]
    assert max(sizes) <= block_rows and sizes.count(block_rows) >= 234 // block_rows - 1


def test_a_full_queue_drops_new_rows_counts_them_and_keeps_room_for_events(tmp_path: Path) -> None:
    flown = flight(300)
    recorder = RecorderThread(tmp_path / "r.sqlite", INFO, depth=0)
    for cycle in flown:
        recorder.record(*cycle)
    recorder.close()
    assert recorder.health.rows_lost == 300
    assert recorder.health.rares_lost == 5 * len(range(5, 300, 37))


def test_what_is_not_a_recording_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_text("not a database, only text that is long enough to be one" * 20)
    with pytest.raises(ValueError, match="not a recording"):
        RecordingReader(path)
    with pytest.raises(ValueError, match="not a recording"):
        RecordingReader(tmp_path / "absent.sqlite")


def test_a_recording_of_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    record(path, flight(1))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(ValueError, match="schema 99"):
        RecordingReader(path)


def test_damaged_blocks_are_named_and_never_read_as_values() -> None:
    flown = flight(10)
    encoder = FrameEncoder(INFO.layout, keyframe_every=60)
    for cycle in flown:
        encoder.add(cycle.inputs.now_ns, cycle.inputs.snapshot, cycle.decision)
    is_keyframe, packed = encoder.pack()
    assert is_keyframe
    for at in range(0, len(packed), 7):
        damaged = packed[:at] + bytes([packed[at] ^ 0x10]) + packed[at + 1 :]
        with pytest.raises(ValueError, match="damaged"):
            FrameDecoder(INFO.layout).unpack(is_keyframe=True, rows=10, packed=damaged)
    with pytest.raises(ValueError, match="keyframe"):
        FrameDecoder(INFO.layout).unpack(is_keyframe=False, rows=10, packed=packed)


def test_more_reasons_than_codes_share_the_last_code() -> None:
    table = ReasonTable()
    codes = [table.code(f"r{i}") for i in range(300)]
    assert codes[:254] == list(range(1, 255)) and set(codes[254:]) == {REASON_CODE_MAX}
    assert table.names[REASON_CODE_MAX] == "other" and table.code("r3") == 4


def test_a_bug_while_writing_costs_what_was_not_on_the_disk_and_not_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flown = tmp_path / "r.sqlite", flight(300)
    fails = [137]
    add = FrameEncoder.add

    def buggy(self: FrameEncoder, now_ns: int, snapshot: Snapshot, decision: Decision) -> None:
        if fails and now_ns >= flown[fails[0]].inputs.now_ns:
            fails.pop()
            raise TypeError("bug")
        add(self, now_ns, snapshot, decision)

    monkeypatch.setattr(FrameEncoder, "add", buggy)
    recorder = RecorderThread(path, INFO, depth=300)
    for cycle in flown:
        recorder.record(cycle.inputs, cycle.decision)
    recorder.close()
    health = recorder.health
    assert not fails and health.rows_written + health.rows_lost == 300
    closed = REOPEN_AFTER_NS // PERIOD_NS
    assert closed < health.rows_lost <= 137 + 1 + closed
    assert health.rares_lost < 60, "what stands is written again, and not lost in each cycle"
    with RecordingReader(path) as reader:
        written = list(reader.rows())
        assert [entry.run for entry in reader.runs()] == [1, 2]
    for one, other in zip(written, flown[-len(written) :], strict=True):
        assert_same(one, other)


def test_what_waits_when_evidence_cannot_be_stored_is_counted_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction that fails held it; whatever stands is written again and not lost."""
    recorder = Recorder(tmp_path / "r.sqlite", INFO)
    for cycle in flight(6):  # the sixth has a command, two events, an answer, a re-arm
        recorder.record(*cycle)
    recorder.note(Event(5, "task.restart", Severity.INFO, "link", "again"))

    def full(*_arguments: object) -> None:
        raise sqlite3.OperationalError("disk is full")

    monkeypatch.setattr(RecordingFile, "commit", full)
    assert not recorder.store_evidence([])
    assert recorder.health.rares_lost == 5 + 1
