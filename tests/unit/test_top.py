"""`nightside top` and `nightside status`: what a person sees of a node, from a document."""

import asyncio
import io
import json

import pytest
from rich.console import Console

from flight.cli import main
from flight.operator_error import OperatorError
from flight.status_text import is_well, render
from flight.top import panels
from flight.top.app import TopApp, page
from flight.top.sources import RecordingSource, RunSource

ACCELERATOR = {
    "name": "accel0", "phase": "in service", "cap_w": 412.0, "cap_reason": "guard",
    "power_w": 410.5, "core_temp_c": 82.0, "memory_temp_c": None, "utilisation_ratio": 1.0,
    "notice": "checkpoint",
}  # fmt: skip
RAIL = {"name": "accel0_aux", "is_on": True, "voltage_v": 3.31, "current_a": 0.8, "temp_c": None}
DOCUMENT = {
    "schema": 1,
    "state": "running",
    "node": "demo/sat1/node1",
    "simulated": True,
    "written_utc": "2030-03-20T12:00:01+00:00",
    "time_trusted": True,
    "pid": 4711,
    "version": "1.2.3",
    "view": {
        "t_s": 61.2, "mode": "NOMINAL", "accelerators": [ACCELERATOR], "rails": [RAIL] * 3,
        "loop": {"pump_a_rpm": 4000.0, "flow_kg_per_s": 0.144},
        "power": {"charge_ratio": 0.62, "draw_w": 410.5}, "bad_points": [],
    },
    "orbit": {"sunlit": True, "change_in_s": 754.0},
    "cycle": {"count": 612, "lateness_p99_ms": 0.4, "lateness_histogram": [[0.5, 600], [5, 12]]},
    "tasks": [
        {"name": "daemon", "depth": 0, "state": "running", "restarts": 0},
        {"name": "link", "depth": 1, "state": "running", "restarts": 2, "last_error": "LinkDown"},
    ],
    "link": {"state": "connected", "lost": [0, 0, 3]},
    "recorder": {"ok": True},
    "faults": [{"id": "loop.flow_low", "subject": "loop", "state": "active", "since_s": 3.0,
                "count": 2, "severity": "warning"}],
    "events": [{"t_s": 60.0 + i, "id": f"event.{i}", "severity": "info", "subject": "node",
                "text": "x" * 200} for i in range(30)],
}  # fmt: skip


def text_of(renderable, width=80):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(renderable, soft_wrap=False)
    return console.export_text()


@pytest.mark.parametrize("lower", ["events", "faults", "rails", "tasks"])
def test_a_page_fits_a_terminal_of_80_by_24(lower):
    rows = text_of(page(DOCUMENT, lower=lower, rows=7)).rstrip().splitlines()
    assert len(rows) <= 23  # and one for the keys
    assert all(len(row) <= 80 for row in rows)


def test_a_page_says_what_matters():
    said = text_of(page(DOCUMENT))
    for word in ("demo/sat1/node1 SIM NOMINAL", "sun, eclipse in 12m34s", "accel0", "412", "guard",
                 "[checkpoint]", "62.0 %", "0.144 kg/s", "link connected", "event.29"):  # fmt: skip
        assert word in said


def test_what_is_not_known_is_a_dash_and_never_a_number():
    empty = {"view": {"accelerators": [{**ACCELERATOR, "power_w": None, "core_temp_c": None}]}}
    line = next(line for line in text_of(page(empty)).splitlines() if line.startswith("accel0 "))
    assert line.split()[2] == panels.DASH and "nan" not in text_of(page(empty)).lower()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (60, "1m00s"), (3661, "1h01m"), (90061, "1d01h"), (None, "-")],
)
def test_durations_are_in_two_units(seconds, text):
    assert panels.duration(seconds) == text


def test_status_shows_tasks_with_restarts_and_lateness():
    said = text_of(render(DOCUMENT), width=120)
    assert "  link" in said and "LinkDown" in said and "up to      5 ms        12" in said


@pytest.mark.parametrize(
    ("change", "well"),
    [
        ({}, True),
        ({"state": "ended"}, False),
        ({"age_s": 60.0}, False),
        ({"tasks": [{"name": "link", "state": "backing_off"}]}, False),
    ],
)
def test_status_is_well_only_while_all_tasks_run(change, well):
    assert is_well(DOCUMENT | change) is well


def test_status_answers_scripts_by_its_exit_code(tmp_path, capsys):
    (tmp_path / "status.json").write_text(json.dumps(DOCUMENT))
    assert main(["status", str(tmp_path)]) == 0
    (tmp_path / "status.json").write_text(json.dumps(DOCUMENT | {"state": "ended"}))
    assert main(["status", str(tmp_path)]) == 1
    assert "ended" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["status", "top"])
@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "no daemon writes there"), ("{", "is not a status"), ("[]", "is not a status")],
)
def test_a_folder_without_a_status_is_an_operator_error(tmp_path, capsys, command, content, says):
    if content is not None:
        (tmp_path / "status.json").write_text(content)
    assert main([command, str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


class ListSource:
    """A recording of a hundred seconds that only knows its times."""

    title = "list"
    span_s = (0.0, 100.0)

    def read(self, t_s):
        return DOCUMENT | {"view": DOCUMENT["view"] | {"t_s": t_s}}

    def event_time(self, t_s, direction):
        return 50.0 if (50.0 - t_s) * direction > 0 else None


def test_keys_move_through_a_recording_and_stay_inside_it():
    async def press():
        app = TopApp(ListSource())
        async with app.run_test(size=(80, 24)) as pilot:
            seen = []
            for key in ("left", "right", "shift+right", "n", "n", "p", "end", "right", "home"):
                await pilot.press(key)
                seen.append(app._t_s)
            await pilot.press("f")
            assert "loop.flow_low" in app.export_screenshot()
            await pilot.press("question_mark")
            assert "previous" in app.export_screenshot()
            return seen

    assert asyncio.run(press()) == [0.0, 1.0, 61.0, 61.0, 61.0, 50.0, 100.0, 100.0, 0.0]


def test_a_node_that_falls_silent_is_said_to(tmp_path):
    (tmp_path / "status.json").write_text(json.dumps(DOCUMENT))
    source = RunSource(tmp_path)

    async def look():
        app = TopApp(source)
        async with app.run_test(size=(80, 24)):
            source.path = tmp_path / "gone"
            app.show()
            return app.export_screenshot()

    assert "cannot&#160;be&#160;read&#160;any&#160;more" in asyncio.run(look())


def test_top_shows_any_time_of_a_recording(tmp_path):
    folder = tmp_path / "flight"
    assert main(["sim", "--duration", "20s", "--out", str(folder), "--json"]) in (0, 1)
    source = RecordingSource(folder / "recording.db")
    early, late = source.read(1.0), source.read(None)
    assert early["view"]["t_s"] == pytest.approx(1.0, abs=0.1)
    assert late["view"]["t_s"] == pytest.approx(20.0, abs=0.2)
    assert late["view"]["accelerators"][3]["cap_w"] >= 200.0


def test_top_of_something_else_is_refused(tmp_path):
    other = tmp_path / "recording.db"
    other.write_bytes(b"not a database at all")
    with pytest.raises(OperatorError, match="is not a recording"):
        RecordingSource(other)
