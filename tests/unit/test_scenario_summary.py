"""The summary: its schema, its text at 80 columns, the progress line, and the story of a fault."""

import io
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from flight.core.types import Decision, Event, Inputs, Mode, Severity, Snapshot
from flight.dictionary.channels import build_point_table
from sim_hw.expectations import ExpectationResult
from sim_hw.fault_injector import AppliedFault
from sim_hw.fault_story import FaultStories
from sim_hw.meter import FlightMeter
from sim_hw.progress import FlightView, Progress
from sim_hw.scenario import StartTable
from sim_hw.scenario_times import FOREVER_NS, FlightPlan, PlannedFault
from sim_hw.summary import OrbitFacts, RunFacts, build_summary, write_summary
from sim_hw.summary_text import print_summary, render_summary
from tests.unit.truth_stand_in import World

S = 1_000_000_000
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "summary.schema.json").read_text()
)
TABLE = build_point_table()
LATCH = PlannedFault(
    id="latch", name="latch_up", target="accel3_aux", parameters={"current_a": 1.2},
    start_ns=43_037_000_000, end_ns=FOREVER_NS,
)  # fmt: skip


def follow_latch_up():
    """A latch-up at 43.037 s: noticed at 43.2, rails open at 43.3, back at 70.0."""
    applied = []
    stories = FaultStories(TABLE, applied)
    values = np.zeros(len(TABLE))
    values[list(TABLE.match("rail.*.enable"))] = 1.0
    values[list(TABLE.match("accel*.cap_w"))] = 700.0
    snapshot = Snapshot(values, values.astype(np.int64), values.astype(np.int32), values)
    warning = ("rail.latch_up", Severity.CRITICAL, "accel3_aux")
    course = [
        (43.0, "maximum", 1.0, ()),
        (43.1, "maximum", 1.0, [("accel.xid", Severity.WARNING, "accel4")]),
        (43.2, "rail", 1.0, [warning]),
        (43.3, "rail", 0.0, []),
        (60.0, "ramp", 1.0, [("accel.in_service", Severity.INFO, "accel3")]),
        (70.0, "maximum", 1.0, []),
    ]
    for time_s, reason, enable, events in course:
        if time_s > 43.05 and not applied:
            applied.append(AppliedFault(LATCH.start_ns, LATCH, is_start=True))
        values[TABLE.index["rail.accel3_54v.enable"]] = enable
        reasons = ("maximum",) * 3 + (reason,) + ("maximum",) * 4
        now_ns = round(time_s * S)
        happened = tuple(Event(now_ns, name, level, what, "") for name, level, what in events)
        decision = Decision(
            mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(700.0,) * 8, cap_reason=reasons,
            events=happened,
        )  # fmt: skip
        stories.record(Inputs(now_ns=now_ns, snapshot=snapshot), decision)
    return stories.stories


@pytest.fixture
def flown():
    world = World()
    world.truth.battery_temp_c = np.array([20.0])
    world.truth.array_power_w = np.array([10_000.0])
    world.truth.accel_utilisation_ratio = np.ones(8)
    meter = FlightMeter(world)
    world.fly(2.0, lambda w: meter.sample(w.now_ns))
    world.truth.accel_core_temp_c[4] = 96.0
    world.step()
    plan = FlightPlan(
        title="A title", shows="something", seed=7, duration_ns=2 * S, start=StartTable()
    )
    results = [
        ExpectationResult(id="a" * 48, ok=True, value=83.0, unit="degC", low=None, high=87.0,
                          margin=4.0, text="accel*.core_temp_c <= 87 degC"),
        ExpectationResult(id="unjudged", ok=False, value=None, unit="ratio", low=0.94, high=None,
                          margin=None, text="eps.battery.charge_ratio >= 0.94 ratio: never judged"),
    ]  # fmt: skip
    return {
        "plan": plan,
        "run": RunFacts(
            simulated_s=5739.0, wall_s=10.0, cpu_s=9.5, config_hash="c0", trace_hash="7a"
        ),
        "orbit": OrbitFacts(
            source="circular 550 km, beta 0 deg", period_s=5739.0, eclipse_s=2136.7
        ),
        "checker": world.checker,
        "expectations": results,
        "stories": follow_latch_up(),
        "meter": meter,
    }


@pytest.fixture
def summary(flown):
    return build_summary(**flown, properties={"S14": True})


def test_the_summary_follows_its_schema(summary, tmp_path):
    write_summary(summary, tmp_path / "summary.json")
    read = json.loads((tmp_path / "summary.json").read_text())
    jsonschema.validate(read, SCHEMA)
    assert read == summary


def test_the_summary_is_good_only_when_all_is(summary):
    assert summary["ok"] is False
    assert summary["properties"]["S1"]["ok"] is False
    assert summary["properties"]["S2"]["ok"] is True
    assert summary["violations"][0]["property"] == "S1"


def test_the_summary_tells_which_properties_were_put_to_the_test(summary):
    tested = {name for name, result in summary["properties"].items() if result["tested"]}
    assert tested == {"S1", "S2", "S3", "S6", "S14"}
    assert summary["properties"]["S12"] == {"ok": True, "tested": False, "closest": None}


def test_what_was_checked_elsewhere_and_not_put_to_the_test_is_not_held(flown):
    untested = build_summary(**flown, properties={"S14": None})
    assert untested["properties"]["S14"] == {"ok": True, "tested": False, "closest": None}
    assert "properties: 3 held, 1 violated, 5 not put to the test" in render_summary(untested)
    assert build_summary(**flown, properties={"S14": False})["properties"]["S14"]["ok"] is False


def test_work_and_peaks_are_those_of_the_plant(summary):
    assert summary["work"]["accelerator_joules"] == pytest.approx(8 * 600.0 * 2.0)
    assert summary["work"]["utilisation_seconds"] == pytest.approx(16.0)
    assert summary["peaks"]["core_temp_c_max"] == 70.0  # the meter was not asked in the last step


def test_the_story_of_a_fault_tells_when_it_was_noticed_safe_and_over(summary):
    (fault,) = summary["faults"]
    assert (fault["detected_s"], fault["detected_by"]) == (43.2, "rail.latch_up accel3_aux")
    assert (fault["safe_s"], fault["back_s"]) == (43.3, 70.0)
    assert [step["event"] for step in fault["done"]] == ["rail.latch_up", "accel.in_service"]


def test_the_text_has_eighty_columns_and_no_colour(summary):
    text = render_summary(summary)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    stream = io.StringIO()
    print_summary(summary, stream)
    assert stream.getvalue() == text


def test_the_text_says_what_matters(summary):
    text = " ".join(render_summary(summary).split())
    assert "latch_up accel3_aux at 43.037 s" in text
    assert "noticed +0.163 s rail.latch_up accel3_aux" in text
    assert "FAIL unjudged" in text
    assert "eps.battery.charge_ratio >= 0.94 ratio: never judged" in text
    assert "! S1 at 2.100 s, accel4 core: core at shutdown temperature (96 °C, limit 95 °C)" in text
    assert "NOT GOOD: 1 of 2 expectations met" in text
    assert text.endswith("properties: 4 held, 1 violated, 4 not put to the test")
    assert "ok S14 same seed, same trace - every tenth cycle decided twice" in text
    assert "- S12 silence: leases - not put to the test" in text


def test_a_terminal_gets_colour(summary, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")  # a dumb one gets none, wherever the test runs
    monkeypatch.delenv("NO_COLOR", raising=False)

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    print_summary(summary, stream)
    assert "\x1b[" in stream.getvalue()


def progress_lines(is_terminal, wall_step_s):
    class Stream(io.StringIO):
        def isatty(self):
            return is_terminal

    view = FlightView(
        orbit_phase=0.5, is_sunlit=True, mode="NOMINAL", core_temp_c=81.26, draw_w=5600.0,
        charge_ratio=0.934,
    )  # fmt: skip
    wall = iter(np.arange(0.0, 1e6, wall_step_s))
    stream = Stream()
    progress = Progress(
        duration_s=1000.0, view=lambda: view, stream=stream, clock_s=lambda: float(next(wall))
    )
    for step in range(1, 10_001):
        progress.step(step * S // 10)
    progress.finish()
    return stream.getvalue()


def test_progress_on_a_terminal_is_one_line_redrawn_at_most_five_times_a_second():
    slow = progress_lines(is_terminal=True, wall_step_s=0.01)  # about 1.6 s of wall time
    assert "\n" not in slow
    assert 0 < slow.count("NOMINAL") <= 9
    line = slow.split("\r")[1]
    assert len(line.rstrip()) <= 80
    assert "NOMINAL   81.3 °C  5.60 kW   93%" in line


def test_progress_elsewhere_is_a_line_each_tenth():
    text = progress_lines(is_terminal=False, wall_step_s=1.0)
    assert text.count("\n") == 9
    assert "\r" not in text
