"""How `nightside top` and `nightside faults` look: columns, colours, what is not known."""

import io
import json
import re

import pytest
from rich.console import Console

from flight.core.accelerators import AccelPhase
from flight.core.arbiter import CapReason
from flight.core.types import NoticeLevel
from flight.fault_list import live_states, print_list, print_one
from flight.top import panels
from tests.unit.test_command_faults import ROWS


def test_rows_of_top_are_not_bold():
    accelerator = {"name": "accel0", "phase": "", "cap_w": 1.0, "cap_reason": "maximum",
                   "power_w": 1.0, "core_temp_c": 1.0, "memory_temp_c": 1.0,
                   "notice": ""}  # fmt: skip
    event = {"t_s": 1.0, "id": "a.b", "severity": "info", "subject": "s", "text": "t"}
    document = {"view": {"accelerators": [accelerator]}, "events": [event]}
    for text, row in (
        (panels.accelerators(document), "accel0"),
        (panels.events(document, 5), "a.b"),
    ):
        at = text.plain.index(row)
        assert "bold" not in str(text.style)
        assert not [s for s in text.spans if s.start <= at < s.end and "bold" in str(s.style)]


def test_a_recording_that_knows_no_phase_has_no_column_for_it():
    row = {"name": "accel0", "phase": "", "cap_w": 1.0, "cap_reason": "pump", "power_w": 1.0,
           "core_temp_c": 1.0, "memory_temp_c": 1.0, "notice": "open"}  # fmt: skip
    assert "phase" not in panels.accelerators({"view": {"accelerators": [row]}}).plain
    named = panels.accelerators({"view": {"accelerators": [row | {"phase": "in service"}]}}).plain
    assert "phase" in named and "in service" in named


def test_the_longest_words_of_an_accelerator_fit_80_columns():
    phases = [phase.value for phase in AccelPhase]
    row = {"name": "accel15", "phase": max(phases, key=len), "cap_w": 1000.0, "power_w": 1000.0,
           "cap_reason": max(CapReason, key=len), "core_temp_c": 100.0, "memory_temp_c": 100.0,
           "notice": max((level.value for level in NoticeLevel), key=len)}  # fmt: skip
    for line in panels.accelerators({"view": {"accelerators": [row]}}).plain.splitlines():
        assert len(line) <= 80
    assert line.endswith(f"{row['cap_reason']} [{row['notice']}]")


@pytest.mark.parametrize("t_s", [1.0, 5739.0, 31_536_000.0])
@pytest.mark.parametrize("mode", ["NOMINAL", "SURVIVAL"])
def test_the_header_fits_80_columns_after_a_year(t_s, mode):
    text = panels.header({
        "node": "fleet1/sat1/node1", "simulated": True, "mode_since_s": t_s,
        "view": {"mode": mode, "t_s": t_s}, "time_trusted": False,
        "orbit": {"sunlit": True, "change_in_s": 3599.0},
        "written_utc": "2030-03-20T12:00:01+00:00",
    }).plain  # fmt: skip
    assert len(text) <= 80
    assert mode in text and "eclipse in 59m59s" in text and text.endswith("12:00:01Z?")


def test_all_twenty_rails_fit_beneath_each_other_in_a_terminal_of_80_by_24():
    rails = [{"name": f"accel{i}_54v", "is_on": True, "voltage_v": 56.1, "current_a": 104.3}
             for i in range(20)]  # fmt: skip
    lines = panels.rails({"view": {"rails": rails}}, 8).plain.splitlines()
    assert len(lines) == 8 and max(map(len, lines)) <= 80
    assert sorted(re.findall(r"accel\d+_54v", "\n".join(lines))) == sorted(r["name"] for r in rails)


def test_in_the_list_only_the_severity_has_its_colour():
    out = io.StringIO()
    print_list(
        ROWS, None, Console(file=out, width=80, force_terminal=True, color_system="standard")
    )
    for line in out.getvalue().splitlines():
        if "crit\x1b[0m" in line or "warn\x1b[0m" in line:
            assert "\x1b[" not in line.partition("\x1b[0m")[2]
            return
    raise AssertionError("no line of the list begins with a severity that ends its own colour")


@pytest.mark.parametrize(("is_known", "shown"), [(True, "0"), (False, "-")])
def test_a_value_that_is_not_known_is_a_dash(tmp_path, is_known, shown):
    row = ROWS[0]
    fault = {"id": row.id, "subject": "accel1", "state": "active", "since_s": 1.0, "count": 1,
             "value": 0.0, "is_known": is_known}  # fmt: skip
    document = {"schema": 1, "state": "running", "faults": [fault]}
    (tmp_path / "status.json").write_text(json.dumps(document))
    out = io.StringIO()
    print_one(row, live_states(tmp_path, tmp_path), Console(file=out, width=80))
    assert [line.split()[-1] for line in out.getvalue().splitlines() if "active" in line] == [shown]
