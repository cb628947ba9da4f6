"""What the store keeps, through damage, schemas and disks that refuse."""

import errno
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core.types import Mode, Severity
from flight.services import slot_file, stored_state
from flight.services.slot_file import OVERHEAD_BYTES, encode_slot
from flight.services.store import HostBoot, Store
from flight.services.stored_state import RunPhase, StoredState
from tests.unit.slot_disk import PATH, CutDisk, PowerCut
from tests.unit.store_bench import FULL, NS_PER_S, SLOT_BYTES, Bench

DATA = Path(__file__).parents[1] / "data"


def test_every_field_comes_back_as_it_was() -> None:
    bench = Bench().holding(FULL)
    state, events = bench.store().open()
    assert state == replace(
        FULL,
        operator_limits=(FULL.operator_limits[0]._replace(left_s=90.0),),
        inhibits=(FULL.inhibits[0]._replace(left_s=60.0),),
        inhibited_faults=(FULL.inhibited_faults[0]._replace(left_s=50.0),),
    )
    assert not events
    default = StoredState()
    same = [n for n in stored_state._FIELDS if getattr(FULL, n) == getattr(default, n)]
    assert not same, "this test looks at nothing where the value is the default"


def test_an_unknown_field_cannot_be_updated() -> None:
    with pytest.raises(TypeError):
        Bench().opened().update(mood="good")


# ---- damage ----


def test_each_flipped_bit_gives_one_of_the_two_states_and_an_event() -> None:
    older = replace(FULL, run_count=11, mode=Mode.NOMINAL)
    bench = Bench().holding(older, FULL)
    good = bytes(bench.files.files[PATH])
    sizes = [OVERHEAD_BYTES + int.from_bytes(good[at + 12 : at + 16], "little")
             for at in (0, SLOT_BYTES)]  # fmt: skip
    counts = set()
    for place, size in enumerate(sizes):
        for bit in range(8 * size):
            data = bytearray(good)
            data[place * SLOT_BYTES + bit // 8] ^= 1 << bit % 8
            bench.files.files[PATH] = data
            state, events = bench.store().open()
            counts.add((place, state.run_count))
            assert state.run_count in (11, 12) and state.counters == FULL.counters, f"bit {bit}"
            assert [event.event_id for event in events] == ["store.damaged"], f"bit {bit}"
    assert counts in ({(0, 11), (1, 12)}, {(0, 12), (1, 11)})


@pytest.mark.parametrize("content", [b"", b"\0" * 2048, b"\xff" * 2048, b"#!/bin/sh\n" * 99])
def test_both_slots_gone_gives_safe_defaults_and_an_event(content: bytes) -> None:
    bench = Bench()
    bench.files.files[PATH] = bytearray(content)
    kept = bench.store()
    state, events = kept.open()
    assert (state.run_phase, state.mode, kept.is_same_boot) == (RunPhase.RUNNING, None, False)
    assert events[-1].event_id == "store.lost" and events[-1].severity is Severity.CRITICAL
    assert kept.commit()
    assert bytes(bench.files.files[PATH.with_name(PATH.name + ".damaged")]) == content
    assert bench.store().open()[1] == ()


def test_a_first_start_is_told_from_a_loss() -> None:
    state, events = Bench().store().open()
    assert state.run_phase is RunPhase.ENDED
    assert [event.event_id for event in events] == ["store.created"]


@pytest.mark.parametrize(
    "body",
    [b"", b"\xc1", b"\x01", stored_state.encode(FULL)[:-3], b"\x81\xa4mode\xa3ODD"],
    ids=["empty", "never_used", "number", "cut", "unknown_mode"],
)
def test_a_whole_slot_with_an_impossible_body_gives_the_other_one(body: bytes) -> None:
    bench = Bench().holding(FULL)
    data = bytearray(bench.files.files[PATH])
    data[:SLOT_BYTES] = encode_slot(2, 99, body).ljust(SLOT_BYTES, b"\0")
    bench.files.files[PATH] = bytearray(data)
    kept = bench.store()
    state, events = kept.open()
    assert state.run_count == FULL.run_count
    assert [event.event_id for event in events] == ["store.damaged"]
    kept.update(run_count=13)
    assert kept.commit()
    assert bench.store().open()[0].run_count == 13
    assert bench.files.files[PATH][SLOT_BYTES:] == data[SLOT_BYTES:], "the good slot was at stake"


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", "FLYING"), ("starts_ns", "soon"), ("latched", 3), ("parameters", [1]),
     ("operator_limits", [["all"]]), ("boot_count", None)],
)  # fmt: skip
def test_a_wrong_value_in_a_body_is_damage_not_an_exception(field: str, value: object) -> None:
    plain = stored_state.msgpack.unpackb(stored_state.encode(FULL)) | {field: value}
    bench = Bench()
    slot = encode_slot(2, 5, stored_state.msgpack.packb(plain)).ljust(SLOT_BYTES, b"\0")
    bench.files.files[PATH] = bytearray(2 * slot)
    _, events = bench.store().open()
    assert [event.event_id for event in events] == ["store.damaged"] * 2 + ["store.lost"]
    assert field in events[0].text


@given(st.integers(0, 4), st.binary(max_size=200))
def test_any_bytes_decode_to_a_state_or_a_reason(schema: int, body: bytes) -> None:
    with suppress(ValueError):
        stored_state.decode(schema, body)


@given(st.integers(0, 2**32), st.integers(1, 20))
def test_a_state_with_any_bytes_changed_decodes_to_a_state_or_a_reason(
    seed: int, changes: int
) -> None:
    draw, body = Random(seed), bytearray(stored_state.encode(FULL))
    for _ in range(changes):
        body[draw.randrange(len(body))] = draw.randrange(256)
    with suppress(ValueError):
        assert isinstance(stored_state.decode(2, bytes(body)), StoredState)


def test_a_shorter_state_leaves_no_tail_of_the_longer_one() -> None:
    bench = Bench().holding(FULL, FULL, StoredState(host_boot_id="boot-1", run_count=1))
    state, events = bench.store().open()
    assert state == StoredState(host_boot_id="boot-1", run_count=1) and not events


# ---- schemas ----


def test_schema_1_is_taken_over_from_a_file_of_its_time(tmp_path: Path) -> None:
    path = tmp_path / "node.state"
    path.write_bytes((DATA / "store_v1.bin").read_bytes())
    host = HostBoot(boot_id="boot-9", now_ns=lambda: NS_PER_S)
    kept = Store(path, host=host, now_ns=lambda: 0)
    state, events = kept.open()
    assert state.run_count == 7 and state.mode is Mode.SAFE
    assert state.run_phase is RunPhase.RUNNING and not kept.is_same_boot
    assert state.latched == ("accel3", "pump_a")
    assert state.parameters.active == {"guard.setpoint_c": 80.0}
    assert "store.migrated" in [event.event_id for event in events]
    assert kept.health.is_dirty, "the first chance is taken to write it in the new schema"
    assert kept.commit()
    again = Store(path, host=host, now_ns=lambda: 0)
    assert again.open() == (state, ())


def test_schema_2_is_taken_over_from_a_file_of_its_time(tmp_path: Path) -> None:
    path = tmp_path / "node.state"
    path.write_bytes((DATA / "store_v2.bin").read_bytes())
    kept = Store(path, host=HostBoot(boot_id="boot-1", now_ns=lambda: NS_PER_S), now_ns=lambda: 0)
    state, events = kept.open()
    assert (state.run_count, state.mode, state.latched) == (12, Mode.SAFE, FULL.latched)
    assert state.operator_limits[0][:3] == ("accel1", 300.0, "ops")
    assert state.counters == FULL.counters and state.parameters.active == FULL.parameters.active
    assert (state.disabled, state.budget_w, state.inhibits) == ((), inf, ())
    assert [event.event_id for event in events] == ["store.migrated"]


def test_a_newer_schema_is_kept_aside_untouched() -> None:
    bench = Bench().holding(FULL)
    data = bytearray(bench.files.files[PATH])
    data[SLOT_BYTES:] = encode_slot(stored_state.SCHEMA + 1, 99, b"of the future").ljust(
        SLOT_BYTES, b"\0"
    )
    bench.files.files[PATH] = bytearray(data)
    kept = bench.store()
    state, events = kept.open()
    assert state.mode is None and state.run_phase is RunPhase.RUNNING
    assert [(e.event_id, e.severity) for e in events] == [("store.newer", Severity.CRITICAL)]
    assert bytes(bench.files.files[PATH]) == data
    assert kept.commit()
    assert bytes(bench.files.files[PATH.with_name(PATH.name + ".newer")]) == data
    assert bench.store().open()[1] == ()


def test_schema_0_is_damage() -> None:
    bench = Bench()
    slot = encode_slot(0, 5, stored_state.encode(FULL)).ljust(SLOT_BYTES, b"\0")
    bench.files.files[PATH] = bytearray(2 * slot)
    assert bench.store().open()[1][-1].event_id == "store.lost"


# ---- a disk that refuses ----


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES])
def test_a_refusing_disk_is_told_once_and_tried_until_it_works(code: int) -> None:
    disk = CutDisk()
    bench = Bench(disk)
    kept = bench.opened()
    assert kept.commit()

    def before(_number: int, _name: str) -> None:
        raise OSError(code, "refused")

    disk.before = before
    kept.update(run_count=5)
    assert [kept.commit() for _ in range(4)] == [False] * 4
    assert bench.ids() == ["store.write_failed"]
    health = kept.health
    assert (health.ok, health.is_dirty, health.failures) == (False, True, 4)
    assert kept.state.run_count == 5
    disk.before = lambda _number, _name: None
    assert kept.commit()
    assert bench.ids() == ["store.write_failed", "store.write_restored"]
    assert kept.health.ok and not kept.health.is_dirty
    assert bench.store().open()[0].run_count == 5


def test_power_cut_of_a_whole_store_at_every_call_keeps_what_was_acknowledged() -> None:
    for number in range(100):

        def before(at: int, _name: str, number: int = number) -> None:
            if at == number:
                raise PowerCut

        disk = CutDisk(before=before)
        acknowledged, done = 0, False
        try:
            kept = Bench(disk).opened()
            for count in range(1, 4):
                kept.update(run_count=count, mode=Mode.SAFE, counters={"key": count})
                assert kept.commit()
                acknowledged = count
            done = True
        except PowerCut:
            pass
        for files in disk.after_cut():
            state, _ = Bench(files).store().open()
            assert acknowledged <= state.run_count <= acknowledged + 1, f"cut at {number}"
            assert state.counters.get("key", 0) == state.run_count, f"cut at {number}"
        if done:
            return
    pytest.fail("more calls than were cut")


def test_the_format_does_not_change_unseen() -> None:
    """Another size of slot, magic or field list is another schema, with a migration."""
    assert slot_file.SLOT_BYTES == 65536
    assert slot_file.MAGIC == b"NSSLOT\r\n"
    assert (stored_state.SCHEMA, stored_state._FIELDS) == (
        3,
        ("boot_count", "run_count", "host_boot_id", "run_phase", "mode", "starts_ns", "attempt_ns",
         "is_backing_off", "budgets_ns", "latched", "retired", "operator_limits", "counters",
         "parameters", "element_set", "disabled", "budget_w", "inhibits", "inhibited_faults"),
    )  # fmt: skip
