"""S14, second part: recorded inputs replay to the same decisions; a change is found where it is.

One short flight with a latch-up, a stalled daemon, and a hot reading.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import flight.replay as replay_module
from flight import cli
from flight.config import NodeConfig
from flight.config_change import changed_config
from flight.core.state import State
from flight.core.types import Decision, Inputs
from flight.flights import RECORDING_NAME
from flight.replay import ReplayReport, recorded_config, replay
from flight.services.recording import RecordingReader
from sim_hw.flight_runner import FlightRunner
from tests.system.flying import FULL_LOAD, scenario, setup_of

NS_PER_S = 1_000_000_000
FLIGHT_S = 150.0
HOT_S = 80.0
FAULTS = [
    {"id": "latch", "at": "30 s", "name": "latch_up", "target": "accel3_aux"},
    {
        "id": "stall", "at": "50 s", "name": "daemon_stall", "target": "daemon",
        "parameters": {"duration_s": 2.0},
    },
    {
        "id": "hot", "at": f"{HOT_S} s", "name": "sensor_bias", "target": "accel2.core_temp_c",
        "parameters": {"value": 21.0},
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flight")
    start = {"temp_c": 45.0, "orbit_phase": 0.5, "mode": "NOMINAL"}
    data = scenario(start=start, action=[FULL_LOAD], fault=FAULTS)
    runner = FlightRunner(setup_of(data, duration_s=FLIGHT_S), folder)
    with runner.flight as flight:
        result = runner.fly_virtual()
        assert result.bug is None
        assert flight.node.cycle.late_count > 0, "the stall did not make a late cycle"
    return folder


@pytest.fixture
def reader(flown: Path) -> Iterator[RecordingReader]:
    with RecordingReader(flown / RECORDING_NAME) as opened:
        yield opened


def again(reader: RecordingReader, *, is_exact: bool = True, **options: Any) -> ReplayReport:
    config = options.pop("config", None) or recorded_config(reader)
    return replay(reader, config=config, is_exact=is_exact, **options)


def test_recorded_inputs_replay_to_the_same_decisions(reader: RecordingReader) -> None:
    report = again(reader)
    assert report.differing == 0, report.first
    assert report.skipped == 0 and report.late >= 1
    rows = sum(len(block.times_ns) for block in reader.blocks(0, 1 << 62))
    assert report.cycles + report.late == rows >= 10 * (FLIGHT_S - 3.0)


@pytest.mark.parametrize("from_s", [61.0, 100.0, 120.0])
def test_a_replay_from_the_middle_begins_with_the_state_kept_before(
    reader: RecordingReader, from_s: float
) -> None:
    report = again(reader, from_ns=round(from_s * NS_PER_S), to_ns=130 * NS_PER_S)
    assert report.differing == 0, report.first
    assert 0 < report.from_ns <= from_s * NS_PER_S and report.from_ns >= (from_s - 60) * NS_PER_S
    assert report.to_ns == 130 * NS_PER_S


def test_a_changed_constant_is_found_and_explained_at_its_cycle(reader: RecordingReader) -> None:
    guarded = next(cycle for cycle in reader.rows(HOT_S) if cycle.decision.cap_reason[2] == "guard")
    config = changed_config(recorded_config(reader), ["guard.gain_p_w_per_k=40"])
    report = again(reader, config=config)
    first = report.first[0]
    assert HOT_S * NS_PER_S <= first.now_ns <= guarded.inputs.now_ns
    assert first.what.field == "accel2.cap_w"
    assert first.what.recorded != first.what.replayed
    strongest = first.readings[0]
    assert strongest.name == "accel2.core_temp_c" and strongest.quality == "good"
    assert strongest.value >= 70.0 and strongest.effect < 0.0, "hotter means a lower cap"
    assert [one == other for _, one, other in first.past[:-1]] == [True] * (len(first.past) - 1)
    assert first.past[-1][0] == first.now_ns


def test_a_changed_constant_counts_also_where_a_kept_state_is_gone_on_from(
    reader: RecordingReader,
) -> None:
    config = changed_config(recorded_config(reader), ["loop.pump_speed_rpm_nominal=4500"])
    report = again(reader, config=config, from_ns=100 * NS_PER_S, to_ns=130 * NS_PER_S)
    assert report.fields["desired.loop.pump_a.speed_target_rpm"] == report.cycles > 0


def biased(at_ns: int) -> Callable[..., tuple[State, Decision]]:
    """A step with a bug: from one time on accelerator 5 gets one watt more."""
    shipped = replay_module.step

    def step(config: Any, state: State, inputs: Inputs) -> tuple[State, Decision]:
        after, decision = shipped(config, state, inputs)
        if inputs.now_ns >= at_ns:
            caps = list(decision.cap_w)
            caps[5] += 1.0
            decision = replace(decision, cap_w=tuple(caps))
        return after, decision

    return step


@pytest.mark.parametrize("is_exact", [True, False])
def test_a_bug_in_a_step_is_found_at_exactly_its_cycle(
    reader: RecordingReader, monkeypatch: pytest.MonkeyPatch, is_exact: bool
) -> None:
    at_ns = round(70.3 * NS_PER_S)
    first_ns = next(now_ns for block in reader.blocks(at_ns, 1 << 62) for now_ns in block.times_ns)
    monkeypatch.setattr(replay_module, "step", biased(at_ns))
    report = again(reader, is_exact=is_exact)
    assert report.first[0].now_ns == first_ns
    assert set(report.fields) == {"accel5.cap_w"}
    assert report.differing == report.fields["accel5.cap_w"]


def test_a_change_that_no_reading_explains_shows_the_readings_of_its_thing(
    reader: RecordingReader,
) -> None:
    config = changed_config(recorded_config(reader), ["arbiter.ramp_w_per_s=20"])
    first = again(reader, config=config).first[0]
    assert first.what.field == "accel0.cap_w" and not first.depends
    assert all("accel0" in reading.name for reading in first.readings) and first.readings


def test_across_builds_what_no_wire_carries_is_no_difference(reader: RecordingReader) -> None:
    config = changed_config(recorded_config(reader), ["guard.gain_p_w_per_k=44.0000001"])
    assert again(reader, config=config).differing > 0
    assert again(reader, config=config, is_exact=False).differing == 0


def test_a_gap_ends_the_chain_until_the_next_kept_state(flown: Path, tmp_path: Path) -> None:
    path = tmp_path / RECORDING_NAME
    shutil.copy(flown / RECORDING_NAME, path)
    with sqlite3.connect(path) as database:
        keyframes = [row[0] for row in database.execute(
            "SELECT id FROM block WHERE is_keyframe = 1 ORDER BY id"
        )]  # fmt: skip
        chosen = "FROM block WHERE id >= ? AND id < ?", (keyframes[1], keyframes[2])
        gone = database.execute(f"SELECT sum(rows) {chosen[0]}", chosen[1]).fetchone()
        database.execute(f"DELETE {chosen[0]}", chosen[1])
    assert gone == (600,)
    with RecordingReader(path) as reader:
        report = again(reader)
    assert report.differing == 0, report.first
    assert report.skipped == 1, "the row whose state was kept"
    assert report.cycles + report.late >= 10 * (FLIGHT_S - 3.0) - 600 - 1


def test_without_a_kept_state_nothing_behind_a_gap_is_compared(flown: Path, tmp_path: Path) -> None:
    """Without it a replay would go on with a state of the wrong time, and call it a difference."""
    path = tmp_path / RECORDING_NAME
    shutil.copy(flown / RECORDING_NAME, path)
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT id, cycle_ns FROM block WHERE is_keyframe = 1 ORDER BY id")
        (_, _), (first, begin_ns), (last, end_ns) = found.fetchall()
        assert begin_ns < HOT_S * NS_PER_S < end_ns, "the fault comes unseen"
        database.execute("DELETE FROM block WHERE id >= ? AND id < ?", (first, last))
        database.execute("DELETE FROM state WHERE cycle_ns >= ?", (begin_ns,))
    with RecordingReader(path) as reader:
        rows = [now_ns for block in reader.blocks(end_ns, 1 << 62) for now_ns in block.times_ns]
        report = again(reader)
    assert report.differing == 0, report.first
    assert report.skipped == len(rows) > 0


def test_the_command_says_what_it_found(flown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(flown)]) == 0
    assert ", 0 differ (to the bit)" in capsys.readouterr().out
    change = ["--set", "guard.gain_p_w_per_k=40"]
    assert cli.main(["replay", str(flown), "--from", "70s", *change]) == 1
    out = capsys.readouterr().out
    assert "accel2.cap_w: recorded " in out and "accel2.core_temp_c" in out
    assert "the last cycles:" in out and all(len(line) <= 100 for line in out.splitlines()[1:])
    assert cli.main(["replay", str(flown), "--from", "70s", "--json", *change]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["first"][0]["field"] == "accel2.cap_w" and found["differing"] > 0


def test_a_recording_of_another_build_is_compared_at_wire_resolution(
    flown: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / RECORDING_NAME
    shutil.copy(flown / RECORDING_NAME, path)
    with sqlite3.connect(path) as database:
        body = json.loads(database.execute("SELECT body FROM setup").fetchone()[0])
        body["meta"]["build"] = "another"
        database.execute("UPDATE setup SET body = ?", (json.dumps(body),))
    assert cli.main(["replay", str(path)]) == 0
    assert "at wire resolution" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "guard.gain=1"], "--set 'guard.gain=1': no such key; did you mean 'guard."),
        (["--set", "gain"], "--set 'gain': write SECTION.KEY=VALUE"),
        (
            ["--set", "guard.setpoint_c=hot"],
            "--set: guard.setpoint_c = 'hot': write a plain number",
        ),
        (["--from", "900s"], "holds 0 s to 150 s, nothing of that"),
        (["--from", "90s", "--to", "20s"], "--from '90s' is behind --to '20s': swap them"),
        (["--run", "9"], "holds no run 9; it holds 1"),
    ],
)
def test_what_cannot_be_replayed_is_named(
    flown: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert cli.main(["replay", str(flown), *arguments]) == cli.EXIT_BAD_INPUT
    assert message in capsys.readouterr().err


def test_the_kept_state_is_the_state_to_the_bit(reader: RecordingReader) -> None:
    """What replay goes on from is what the flight had: shown on a whole chain of steps."""
    config: NodeConfig = recorded_config(reader)
    kept = reader.state_before(round(125.0 * NS_PER_S))
    assert kept is not None and kept[0] > 100 * NS_PER_S
    states: dict[int, bytes] = {}
    shipped = replay_module.step

    def witness(step_config: Any, state: State, inputs: Inputs) -> tuple[State, Decision]:
        after, decision = shipped(step_config, state, inputs)
        states[inputs.now_ns] = after.to_bytes()
        return after, decision

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay_module, "step", witness)
        replay(reader, config=config, is_exact=True, to_ns=kept[0])
    assert states[kept[0]] == kept[1].to_bytes()
