"""The catalogue of faults: checked ranges, messages that name the mend, and a page that agrees."""

from pathlib import Path

import pytest

from sim_hw.faults import FAULTS, check_parameter, check_target

PAGE = (Path(__file__).parents[2] / "docs/reference/scenario.md").read_text()
ROWS = {
    cells[0].strip("` "): cells[1:]
    for line in PAGE.split("### What the daemon does")[0].splitlines()
    if line.startswith("| `") and len(cells := [cell.strip() for cell in line[1:-1].split("|")]) > 2
}


@pytest.mark.parametrize("kind", FAULTS.values(), ids=lambda kind: kind.name)
def test_the_page_lists_each_fault_with_its_parameters_and_how_it_shows(kind):
    parameters, _where, shows = ROWS[kind.name][1:4]
    assert shows == ("loud" if kind.is_loud else "silent")
    missing = [p.name for p in kind.parameters if f"`{p.name}`" not in parameters]
    assert not missing
    assert f"| `{kind.name}` |" in PAGE.split("### What the daemon does")[1]


@pytest.mark.parametrize("kind", FAULTS.values(), ids=lambda kind: kind.name)
def test_every_default_is_inside_its_own_range(kind):
    for parameter in kind.parameters:
        value = parameter.default
        if isinstance(value, float) and parameter.low <= value <= parameter.high:
            continue
        assert (
            value is None
            or isinstance(value, bool)
            or value in ("", float("inf"), *parameter.choices)
            or value != value
        )
    assert check_target(kind, kind.example, None) is None


@pytest.mark.parametrize(
    ("name", "parameter", "value", "problem"),
    [
        ("i2c_byte_errors", "rate", 2.0, "write 1e-09 to 1 (per byte)"),
        ("i2c_byte_errors", "rate", 0.0, "write 1e-09 to 1 (per byte)"),
        ("i2c_stretch", "stretch_us", 0.5, "write 1 to 1e+06 (us)"),
        ("i2c_sda_stuck", "clock_count", 0.0, "write 1 to 1e+06 (clocks)"),
        ("cap_clamped", "cap_w", 900.0, "write 1 to 700 (W)"),
        ("accel_xid", "code", 1000.0, "write 1 to 999 (Xid)"),
        ("recovery_action", "action", 8.0, "write 1 to 7 (NVML recovery action)"),
        ("ecc_errors", "corrected_per_s", "many", "write a plain number (the unit is part of"),
        ("row_remap", "is_pending", 1.0, "write true or false"),
        ("nvml_hang", "function", "nvmlDeviceGetTemprature",
         "accelerator; did you mean 'nvmlDeviceGetTemperature'?"),
        ("nvml_hang", "function", 3.0, "; one of nvmlDeviceGetClockInfo, nvmlDevice"),
        ("nvml_hang", "funktion", 3.0, "did you mean 'function'?"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_named_with_what_can(name, parameter, value, problem):
    assert problem in check_parameter(FAULTS[name], parameter, value)


@pytest.mark.parametrize(
    ("name", "target", "problem"),
    [
        ("i2c_stretch", "rails_c", "i2c_stretch strikes rails_a or rails_b or rails_host"),
        ("i2c_sda_stuck", "accel2_54v", "such as 'rails_a'"),
        ("controller_silent", "pump_a", "controller_silent strikes loop or eps or host"),
        ("nvml_driver_fails", "accel2", "nvml_driver_fails strikes nvml"),
        ("accel_lost", "accel9", "accel_lost strikes accel[0-7], such as 'accel4'"),
        ("rail_trip", "accel2_aux", "rail_trip strikes accel[0-7]_54v"),
    ],
)
def test_a_target_that_cannot_be_struck_is_named_with_what_can(name, target, problem):
    assert problem in check_target(FAULTS[name], target, None)
