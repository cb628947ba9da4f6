"""The default flight, from the command line to the last file: one orbit, a pump stop, a latch-up.

Flown once; every test looks at another side of it. The figures are those that the project promises
of its default run.
"""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from flight import cli
from flight.services.recording import RecordingReader

ROOT = Path(__file__).parents[2]
ACCELS = range(8)
STOP, LATCH = "pump_a_stop", "accel3_latch_up"
SERVED_S = (100.0, 5738.0)  # all eight in service, the end of the orbit


@dataclass(frozen=True)
class Flown:
    """What the flight left behind."""

    exit_code: int
    text: str
    folder: Path
    summary: dict[str, Any]
    reader: RecordingReader

    def time_of(self, fault_id: str) -> float:
        """Return the instant of a fault in s."""
        return float(next(f["injected_s"] for f in self.summary["faults"] if f["id"] == fault_id))

    def values(self, pattern: str, from_s: float, to_s: float) -> np.ndarray:
        """Return the samples of accel0 .. accel7 or one point, [cycle, point]."""
        names = [pattern.format(i) for i in ACCELS] if "{}" in pattern else [pattern]
        return self.reader.series(names, from_s, to_s)[1]


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flown]:
    folder = tmp_path_factory.mktemp("flights") / "first_orbit"
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        exit_code = cli.main(["sim", "--out", str(folder)])
    summary = json.loads((folder / "summary.json").read_text())
    with RecordingReader(folder / "recording.db") as reader:
        yield Flown(exit_code, text.getvalue(), folder, summary, reader)


def test_everything_is_good(flown: Flown) -> None:
    assert flown.exit_code == cli.EXIT_OK, flown.text
    assert flown.summary["ok"] and not flown.summary["interrupted"]
    assert flown.summary["violations"] == [] and flown.summary["violation_count"] == 0
    assert [e["id"] for e in flown.summary["expectations"] if not e["ok"]] == []
    checked = {name for name, result in flown.summary["properties"].items() if result["ok"]}
    assert checked >= {"S1", "S2", "S3", "S4", "S5", "S6", "S12", "S13", "S14"}


def test_its_report_is_the_last_line_and_fits_into_an_e_mail(flown: Flown) -> None:
    path = flown.folder / "report.html"
    assert flown.text.splitlines()[-1] == str(path)
    assert "ALL GOOD" in path.read_text()
    assert path.stat().st_size < 3_000_000


def test_the_energy_of_the_orbit_closes(flown: Flown) -> None:
    energy = flown.summary["energy"]
    assert energy["ok"]
    assert energy["electrical_error_ratio"] <= 1e-3 and energy["thermal_error_ratio"] <= 1e-3
    assert energy["load_joules"] > 1e7


def test_the_summary_is_as_its_schema_says(flown: Flown) -> None:
    schema = json.loads((ROOT / "docs/reference/summary.schema.json").read_text())
    jsonschema.validate(flown.summary, schema)
    assert flown.summary["seed"] == 7
    assert flown.summary["simulated_s"] == pytest.approx(flown.summary["orbit"]["period_s"], abs=1)
    assert flown.summary["orbit"]["eclipse_s"] == pytest.approx(2136.0, abs=30.0)
    assert flown.summary["work"]["accelerator_joules"] > 30e6


def test_the_text_is_readable_on_80_columns_without_colour(flown: Flown) -> None:
    assert max(len(line) for line in flown.text.splitlines()) <= 80
    assert "\x1b" not in flown.text and "\r" not in flown.text
    assert "ALL GOOD" in flown.text
    assert flown.summary["trace_hash"] in flown.text


def test_the_node_is_hot_loaded_and_in_the_sun_when_the_pump_stops(flown: Flown) -> None:
    now_s = (2599.95, 2600.05)
    assert flown.values("accel{}.core_temp_c", *now_s).max() >= 78.0
    assert flown.values("accel{}.power_w", *now_s).sum() >= 5200.0
    assert flown.values("eps.array_power_w", *now_s).min() > 9000.0


def test_after_the_pump_stop_the_enforced_caps_are_at_most_200_w_within_2_s(flown: Flown) -> None:
    stop_s = flown.time_of(STOP)
    assert flown.values("accel{}.cap_w", stop_s + 2.0, stop_s + 10.0).max() <= 200.0
    assert flown.values("accel{}.cap_w", stop_s - 1.0, stop_s).min() == 700.0


def test_pump_b_is_at_speed_within_3_s_and_stays(flown: Flown) -> None:
    stop_s = flown.time_of(STOP)
    speeds_rpm = flown.values("loop.pump_b.speed_rpm", stop_s + 3.0, 5738.0)
    assert speeds_rpm.min() >= 0.9 * 4000.0


def test_no_core_is_ever_above_87_degrees(flown: Flown) -> None:
    assert flown.values("accel{}.core_temp_c", *SERVED_S).max() <= 87.0
    assert flown.summary["properties"]["S1"]["closest"]["value"] <= 87.0  # plant truth


def test_the_caps_go_back_to_what_the_arbiter_grants(flown: Flown) -> None:
    stop_s = flown.time_of(STOP)
    assert flown.values("accel{}.cap_w", stop_s + 60.0, stop_s + 60.05).min() >= 690.0
    cycle = flown.reader.at(stop_s + 60.0)
    assert set(cycle.decision.cap_reason) <= {"maximum", "guard"}


def test_only_the_latched_accelerator_loses_its_rails_once_and_long_enough(flown: Flown) -> None:
    latch_s = flown.time_of(LATCH)
    for rail in ("54v", "aux"):
        enabled = flown.values(f"rail.accel{{}}_{rail}.enable", *SERVED_S) > 0.5
        changes = (enabled[1:] != enabled[:-1]).sum(axis=0).tolist()
        assert changes == [0, 0, 0, 2, 0, 0, 0, 0], rail
        off_s = 0.1 * float((~enabled[:, 3]).sum())
        assert 0.5 <= off_s <= 5.0, rail
        assert not (
            flown.values("rail.accel3_" + rail + ".enable", latch_s + 0.3, latch_s + 0.5)
        ).any()
    others = [i for i in ACCELS if i != 3]
    powers_w = flown.values("accel{}.power_w", latch_s - 1.0, latch_s + 30.0)[:, others]
    assert powers_w.min() >= 600.0


def test_the_latched_accelerator_is_back_in_service(flown: Flown) -> None:
    latch_s = flown.time_of(LATCH)
    assert flown.values("accel3.power_w", latch_s + 60.0, latch_s + 120.0).min() >= 600.0
    back = [
        event
        for event in flown.reader.events(latch_s, latch_s + 120.0)
        if event.event_id == "accel.in_service"
    ]
    assert [event.subject for event in back] == ["accel3"]


def test_the_guard_limits_power_at_some_time_and_no_further_than_needed(flown: Flown) -> None:
    cycle = flown.reader.at(4200.0)
    guarded = [i for i in ACCELS if cycle.decision.cap_reason[i] == "guard"]
    assert guarded
    draw_w = flown.values("accel{}.power_w", 3200.0, 4290.0).sum(axis=1)
    assert draw_w.min() >= 5200.0  # it trims, it does not throttle
    hottest_c = flown.values("accel{}.core_temp_c", 4000.0, 4290.0).max(axis=1)
    assert hottest_c.min() >= 81.0 and hottest_c.max() <= 84.0


def test_the_battery_ends_the_orbit_at_most_1_percent_lower(flown: Flown) -> None:
    charge = flown.values("eps.battery.charge_ratio", *SERVED_S)
    assert charge[-1] >= 0.95 - 0.01
    assert charge.min() >= 0.60


def test_events_are_the_same_in_both_files(flown: Flown) -> None:
    lines = [json.loads(line) for line in (flown.folder / "events.jsonl").read_text().splitlines()]
    stored = flown.reader.events(0.0, 5740.0)
    assert [(e["id"], e["subject"], e["t_s"]) for e in lines] == [
        (e.event_id, e.subject, e.time_ns / 1e9) for e in stored if e.event_id in _ids(lines)
    ]
    assert {"loop.pump_lost", "rail.latch_up", "mode.changed"} <= _ids(lines)


def _ids(lines: list[dict[str, Any]]) -> set[str]:
    return {str(line["id"]) for line in lines}


def test_explain_says_why_the_caps_were_low(
    flown: Flown, capsys: pytest.CaptureFixture[str]
) -> None:
    stop_s = flown.time_of(STOP)
    assert cli.main(["explain", str(flown.folder), "--at", f"{stop_s + 1.0:.1f}s"]) == cli.EXIT_OK
    text = capsys.readouterr().out
    assert "pump: coolant flow was lost" in text
    assert "loop.pump_lost" in text
    path_line, *lines = text.splitlines()
    assert str(flown.folder) in path_line
    assert max(map(len, lines)) <= 80
