"""`nightside faults`: the table of a configuration, one fault in full, and what is raised now."""

import json
import time
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from flight.cli import main
from flight.config import load_config
from flight.core.fault_kinds import KINDS, LAWS
from flight.core.fault_states import fault_states
from flight.examples import default_config_path
from flight.fault_list import live_states, print_list, print_one
from flight.fault_table import FaultRow, fold, markdown, rows
from tests.core_node import booted

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
ROWS = rows(load_config(default_config_path()))


def row(event_id: str) -> FaultRow:
    return next(found for found in ROWS if found.id == event_id)


def running(folder: Path) -> Path:
    """Write the status of a node with a hot accelerator and a lost string."""
    node = booted()
    node.forced = {"accel3.core_temp_c": 84.0, "host.disk_free_ratio": 0.01}
    node.fly(9.0)
    node.forced = {"accel3.core_temp_c": 70.0, "host.disk_free_ratio": 0.01}
    node.fly(9.0)
    state = node.state
    found = fault_states(
        node.step_config.monitors,
        state.monitors,
        trusted=state.judge.trusted,
        now_ns=state.now_ns,
    )
    head = {"state": "running", "written_monotonic_ns": time.monotonic_ns()}
    text = json.dumps(head | {"faults": [asdict(item) for item in found]})
    (folder / "status.json").write_text(text)
    return folder


def test_the_page_is_the_table() -> None:
    written = markdown(load_config(default_config_path()))
    assert PAGE.read_text() == written, (
        "write docs/reference/faults.md anew: python -m flight.fault_table"
    )


def test_every_fault_and_every_law_has_one_row() -> None:
    assert {r.id for r in ROWS} == set(KINDS) | {law.event_id for law in LAWS}
    assert len(ROWS) == len(KINDS) + len(LAWS)
    for found in ROWS:
        assert found.watches
        assert found.ladder
        assert found.cause
        assert found.action


def test_a_ladder_says_when_the_next_rung_is_due() -> None:
    ladder = row("accel.cap_not_obeyed").ladder
    assert ladder[0] == "clock lowered; until power below the cap"
    assert ladder[1].startswith("else after 3.5 s accel.cap_not_enforceable: rails off, latched")


def test_the_times_of_a_law_are_those_of_the_configuration() -> None:
    ladder = row("loop.pump_lost").ladder
    assert ladder[1].startswith("else after 4.5 s accelerators off, SAFE")


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("accel3.core_temp_c", "accel*.core_temp_c"),
        ("rail.accel3_54v.voltage_v", "rail.accel*_54v.voltage_v"),
        ("rail.host_12v.voltage_v", "rail.host_12v.voltage_v"),
        ("host.nvme1.temp_c", "host.nvme*.temp_c"),
        ("loop.pump_a.speed_rpm", "loop.pump_a.speed_rpm"),
    ],
)
def test_numbers_are_folded_and_names_are_not(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_the_list_fits_its_terminal_and_names_every_fault(width: int, tmp_path: Path) -> None:
    out = StringIO()
    states = live_states(running(tmp_path), Path("nowhere"))
    print_list(ROWS, states, Console(file=out, width=width, highlight=False))
    text = out.getvalue()
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for event_id in KINDS:
        assert event_id in text
    now = text.splitlines()[1]
    assert now.split()[:4] == ["active", "host.disk_full", "host", "1"] or "host.disk_full" in now


@pytest.mark.parametrize("found", ROWS, ids=lambda found: found.id)
def test_one_fault_in_full_fits_eighty_columns(found: FaultRow) -> None:
    out = StringIO()
    print_one(found, None, Console(file=out, width=80, highlight=False))
    assert max(len(line.rstrip()) for line in out.getvalue().splitlines()) <= 80


def test_what_is_raised_now_comes_first_and_what_was_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = running(tmp_path)
    assert main(["faults", "--run", str(folder), "--json"]) == 0
    states = {s["id"]: s for s in json.loads(capsys.readouterr().out)["states"]}
    assert states["host.disk_full"]["state"] == "active"
    assert states["host.disk_full"]["since_s"] == pytest.approx(12.9, abs=0.2)
    assert states["accel.core_hot"]["state"] == "quiet"
    assert states["accel.core_hot"]["count"] == 1
    assert main(["faults", "--run", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "host.disk_full" in lines[1]


@pytest.mark.parametrize(
    "head",
    [{"state": "ended"}, {"state": "running", "written_monotonic_ns": -(10**18)}],
    ids=["ended", "killed"],
)
def test_the_faults_of_a_daemon_that_is_gone_are_not_told_as_of_now(
    head: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A green "no fault is raised" of a dead daemon would be a lie."""
    (tmp_path / "status.json").write_text(json.dumps(head | {"faults": []}))
    assert main(["faults", "--run", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "The daemon does not run; this is its last word.",
        "No fault was raised at its end.",
    ]
    assert main(["faults", "--run", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_now"] is False


def test_limits_are_those_of_the_node_that_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        default_config_path().read_text().replace("cpu_temp_c_max = 90.0", "cpu_temp_c_max = 77.0")
    )
    (tmp_path / "node.toml").write_text(text)
    out = tmp_path / "flight"
    main(["sim", str(tmp_path / "node.toml"), "--duration", "1s", "--out", str(out), "--json"])
    (out / "status.json").write_text(json.dumps({"state": "ended", "faults": []}))
    capsys.readouterr()
    assert main(["faults", "--run", str(out), "--id", "host.cpu_hot"]) == 0
    assert "host.cpu_temp_c > 77 °C" in capsys.readouterr().out


def test_a_pattern_chooses_and_one_match_is_shown_in_full(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["faults", "--id", "host.*", "--json"]) == 0
    assert {f["id"] for f in json.loads(capsys.readouterr().out)["faults"]} == {
        "host.cpu_hot", "host.disk_full", "host.drive_hot", "host.drive_worn", "host.memory_errors"
    }  # fmt: skip
    assert main(["faults", "--id", "rail.latch_up"]) == 0
    text = capsys.readouterr().out
    assert "rail.accel*_aux.current_a > 1.4 A" in text
    assert "None; more than three in ten minutes latch it off." in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--id", "rail.latchup"],
         "--id rail.latchup: no such fault; did you mean 'rail.latch_up'?"),
        (["--id", "zzz"], "--id zzz: no such fault; nightside faults lists all"),
        (["--run", "nowhere"],
         "nowhere/status.json: no such file; --run names the folder of a node"),
        (["nowhere.toml"], "nowhere.toml: no such config file"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["faults", *arguments]) == 2
    assert capsys.readouterr().err == f"nightside: {message}\n"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"faults": [{"id": 1}]}', '{"faults": 3}'])
def test_a_status_that_cannot_be_read_is_told_when_it_was_asked_for(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "status.json").write_text(text)
    assert main(["faults", "--run", str(tmp_path)]) == 2
    assert "is no status of a node" in capsys.readouterr().err
    assert live_states(None, tmp_path) is None
