"""`nightside top` and `nightside status`: what a person sees of a node, from a document."""

import asyncio
import io
import json
from typing import ClassVar

import pytest
from rich.console import Console

from flight.cli import main
from flight.core.types import OrbitForecast
from flight.operator_error import OperatorError
from flight.recorded_state import RecordedStates
from flight.services.recording import Loss, RecordingReader
from flight.services.typed_codec import pack
from flight.status_text import is_well, render
from flight.top import panels
from flight.top.app import HELP, TopApp, page, print_once
from flight.top.sources import RecordingSource, RunSource, _start_time
from flight.view import orbit_view

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
    "link": {"state": "up", "lost": [0, 0, 3]},
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
                 "[checkpoint]", "62.0 %", "0.144 kg/s", "link up", "event.29"):  # fmt: skip
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
    ("run_count", "was_planned", "text"),
    [
        (1, True, "run 1 of boot 1, the first"),
        (2, True, "run 2 of boot 1, last end planned"),
        (1, False, "run 1 of boot 1, last end unplanned"),  # a store that could not be read
    ],
)
def test_status_tells_a_first_run_from_one_after_an_end_in_order(run_count, was_planned, text):
    start = {"run_count": run_count, "boot_count": 1, "was_planned": was_planned}
    assert text in text_of(render(DOCUMENT | {"start": start}), width=120)


def test_status_counts_the_runs_of_a_task_that_were_left_behind():
    task = {"name": "plan", "depth": 1, "state": "abandoned", "abandoned": 2}
    assert "runs left behind: 2" in text_of(render(DOCUMENT | {"tasks": [task]}))


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


@pytest.fixture(scope="module")
def loop_fault_flight(tmp_path_factory):
    """Ninety seconds with a sensor that is off for a while, which raises a fault."""
    folder = tmp_path_factory.mktemp("top") / "flight"
    plan = folder.parent / "plan.toml"
    plan.write_text(
        'title = "T"\nshows = "S."\n[[fault]]\nid = "cpu"\nname = "sensor_bias"\n'
        'target = "host.cpu_temp_c"\nat = "20s"\n'
        "parameters = { value = 80.0, duration_s = 30.0 }\n"
    )
    main(["sim", "--scenario", str(plan), "--duration", "90s", "--out", str(folder), "--json"])
    return folder / "recording.db"


def test_a_recording_shows_orbit_phases_and_faults_as_they_were(loop_fault_flight):
    source = RecordingSource(loop_fault_flight)
    document = source.read(40.0)
    assert document["node"] == "demo/sat1/node1"
    assert document["orbit"]["sunlit"] is False
    assert document["orbit"]["change_in_s"] == pytest.approx(2096.0, abs=20.0)
    assert [row["phase"] for row in document["view"]["accelerators"]] == ["in service"] * 8
    (fault,) = [row for row in document["faults"] if row["id"] == "host.cpu_hot"]
    assert fault["state"] == "active" and fault["severity"] == "warning"
    assert fault["since_s"] == pytest.approx(15.0, abs=2.0)
    assert document["mode_since_s"] == pytest.approx(37.6, abs=0.5)
    assert document["written_utc"] == "2030-03-20T12:00:40+00:00"
    late = {row["id"]: row["state"] for row in source.read(85.0)["faults"]}
    assert late["host.cpu_hot"] == "quiet"
    assert "host.cpu_hot" in text_of(page(source.read(40.0), lower="faults"))


def test_a_recording_says_the_same_whichever_way_one_comes(loop_fault_flight):
    """Going forward steps on from where one was; going back starts from a kept state."""
    forward, back = RecordingSource(loop_fault_flight), RecordingSource(loop_fault_flight)
    times = (3.0, 21.0, 30.0, 58.0, 61.0, 75.0)
    seen = [forward.read(t_s) for t_s in times]
    assert seen == [back.read(t_s) for t_s in reversed(times)][::-1]


def test_the_states_of_a_recording_are_those_that_were_flown(tmp_path):
    """Stepped from the first kept state over a stall, with its late cycle, to the next kept one."""
    folder, plan = tmp_path / "flight", tmp_path / "plan.toml"
    plan.write_text(
        'title = "T"\nshows = "S."\n[[fault]]\nid = "stall"\nname = "daemon_stall"\n'
        'target = "daemon"\nat = "15s"\nparameters = { duration_s = 2.0 }\n'
    )
    main(["sim", "--scenario", str(plan), "--duration", "80s", "--out", str(folder), "--json"])
    with RecordingReader(folder / "recording.db") as reader:
        assert any(event.event_id == "cycle.late" for event in reader.events())
        states = RecordedStates(reader)
        first, later = reader.state_after(-1), reader.state_after(30_000_000_000)
        stepped = states._step(states.config, first[1], later[0])
        assert first[0] < 15_000_000_000 < later[0]
        assert pack(stepped) == pack(later[1])
        assert states.at(5_000_000_000) is states.at(5_000_000_000), "no cycle is stepped twice"


def test_the_hour_of_a_recording_is_not_told_when_its_begin_is_lost():
    class Reader:
        run = 2
        meta: ClassVar = {"start_utc": "2030-03-20T12:00:00+00:00"}

        def __init__(self, **losses):
            self.losses = lambda: losses

    assert _start_time(Reader()).hour == 12
    assert _start_time(Reader(block=Loss(9, 1, 0))).hour == 12, "of the run before"
    assert _start_time(Reader(block=Loss(9, 2, 0))) is None


@pytest.mark.parametrize(
    ("now_s", "sunlit", "change_in_s"),
    [(1.0, True, 9.0), (10.0, False, 10.0), (19.0, False, 1.0), (20.0, True, 30.0),
     (60.0, True, None), (100.0, None, None), (101.0, None, None)],
)  # fmt: skip
def test_the_orbit_is_told_as_far_as_the_forecast_goes(now_s, sunlit, change_in_s):
    forecast = OrbitForecast(
        spans_ns=((10_000_000_000, 20_000_000_000), (50_000_000_000, 60_000_000_000)),
        valid_until_ns=100_000_000_000,
    )
    assert orbit_view(forecast, round(now_s * 1e9)) == {
        "sunlit": sunlit, "change_in_s": change_in_s
    }  # fmt: skip
    assert orbit_view(None, 0)["sunlit"] is None


def test_services_of_a_daemon_that_has_ended_are_closed_and_not_failing():
    ended = DOCUMENT | {"state": "ended", "recorder": {"ok": False}, "store": {"ok": False}}
    said = text_of(render(ended))
    assert "FAILING" not in said and said.count("closed,") == 2
    assert text_of(render(ended | {"state": "running"})).count("FAILING") == 2


def test_a_recording_that_this_version_cannot_step_is_shown_all_the_same(
    loop_fault_flight, monkeypatch
):
    def cannot(_reader):
        raise OperatorError("its configuration cannot be used by this version")

    monkeypatch.setattr("flight.recorded_state.recorded_config", cannot)
    document = RecordingSource(loop_fault_flight).read(40.0)
    assert document["view"]["accelerators"][0]["phase"] == ""
    assert "faults" not in document
    assert "faults  not known from here" in text_of(page(document, lower="faults"))


@pytest.mark.parametrize(
    ("change", "says", "not_says"),
    [
        ({"recorder": {"ok": False}}, "recorder failing", "closed"),
        ({"recorder": {"ok": False}, "state": "ended"}, "recorder closed", "failing"),
        ({"state": "ended"}, "the daemon has ended", "no news"),
        ({"age_s": 3700.0}, "no news for 1h01m: is it running?", "ended"),
        ({}, "recorder ok", "no news"),
    ],
)
def test_one_page_says_how_old_it_is_and_who_has_ended(tmp_path, change, says, not_says):
    class Given:
        def read(self, _t_s):
            return DOCUMENT | change

    console = Console(width=80, record=True, file=io.StringIO())
    print_once(Given(), console)
    said = console.export_text()
    assert says in said and not_says not in said


@pytest.mark.parametrize(("state", "style"), [("up", "green"), ("pausing", "yellow")])
def test_a_link_that_is_up_is_green(state, style):
    line = panels.daemon(DOCUMENT | {"link": {"state": state}})
    (span,) = [span for span in line.spans if "link" in line.plain[span.start : span.end]]
    assert span.style == style


def test_active_faults_stand_before_those_that_are_over():
    rows = [
        {"id": f"fault.{state}", "subject": "x", "state": state, "since_s": 1.0, "count": 1}
        for state in ("quiet", "pending", "inhibited", "active")
    ]
    said = text_of(panels.faults({"faults": rows}, 3))
    assert [line.split()[0] for line in said.splitlines()[1:]] == [
        "fault.active", "fault.inhibited", "fault.pending"
    ]  # fmt: skip


@pytest.mark.parametrize("span_s", [(0.0, 100.0), (0.0, 10.0 * 86400.0)])
def test_the_slider_and_its_keys_fit_eighty_columns(span_s):
    class Long(ListSource):
        pass

    Long.span_s = span_s
    app = TopApp(Long())
    app._t_s = span_s[1]
    foot = app._foot("")
    assert foot.cell_len <= 80
    assert "█" * 16 in foot.plain and foot.plain.endswith("q")


def test_the_help_names_every_key():
    for binding in TopApp.BINDINGS:
        key = {"question_mark": "?"}.get(binding.key, binding.key).replace("shift+", "shift+")
        assert key in HELP, f"{binding.key}: {binding.description}"


def test_no_line_of_status_is_wider_than_a_terminal_and_nothing_is_cut():
    error = "LinkDown: " + "the broker said no and no again, " * 8 + "the end"
    long = DOCUMENT | {
        "tasks": [{"name": "link", "depth": 1, "state": "running", "restarts": 2,
                   "budget_left": 1, "lateness_p99_ms": 3.25, "last_error": error}],
        "link": {"state": "pausing", "made": [1, 2], "sent": [1, 1], "lost": [0, 1],
                 "waiting": [0, 0], "connects": 3, "failure": error, "oldest_age_s": 3661.0},
        "recorder": {"ok": False, "rows_written": 12, "size_bytes": 3 << 20, "error": "EIO"},
        "workload": {"is_open": False, "problem": "no such folder"},
        "parameters": {"active": {"guard.setpoint_c": 80.0}, "is_confirmed": False},
        "loop": {"blocks": 2, "last_block": "held for 0.61 s by flight/x.py:12 in read"},
    }  # fmt: skip
    said = text_of(render(long), width=200)
    assert max(len(line.rstrip()) for line in said.splitlines()) <= 80
    whole = " ".join(said.split())
    for word in ("the end", "messages sent 2 of 3, lost 1, waiting 0, the oldest for 1h01m",
                 "FAILING, 12 rows, 3.0 MiB", "error: EIO", "problem: no such folder",
                 "held by a call 2 times", "last by: held for 0.61 s by flight/x.py:12",
                 "1 active: guard.setpoint_c=80; not confirmed, they will go back",
                 "last error: LinkDown", "3.2"):  # fmt: skip
        assert word in whole


def test_memory_beyond_its_bound_stands_out():
    memory = {"rss_mib": 70.86, "rss_mib_peak": 402.0, "is_high": True}
    assert "RSS 70.9 MiB, peak 402.0, HIGH" in text_of(render(DOCUMENT | {"memory": memory}))
    calm = text_of(render(DOCUMENT | {"memory": memory | {"is_high": False}}))
    assert "peak 402.0" in calm and "HIGH" not in calm


def test_top_of_something_else_is_refused(tmp_path):
    other = tmp_path / "recording.db"
    other.write_bytes(b"not a database at all")
    with pytest.raises(OperatorError, match="is not a recording"):
        RecordingSource(other)
