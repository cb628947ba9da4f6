"""Configuration of the core: impossible combinations are refused in an operator's words."""

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from flight.core.config import CoreConfig
from flight.core.faults import build_faults
from flight.dictionary.channels import build_point_table

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("guard", {"setpoint_c": 90.0}, "must be below over_temperature_c"),
        ("guard", {"over_temperature_c": 88.0}, "must be below core_temp_c_max"),
        ("guard", {"memory_setpoint_c": 105.0}, "must be below memory_over_temperature_c"),
        ("guard", {"reflex_release_c": 83.0}, "released into the heat"),
        ("arbiter", {"cap_w_min": 800.0}, "the cap range is empty"),
        ("arbiter", {"cap_w_safe": 100.0}, "cap_w_safe = 100.0 must lie between"),
        ("arbiter", {"clock_low_mhz": 2000.0}, "clock_low_mhz = 2000.0 must be below"),
        ("arbiter", {"cap_excess_s": 9.0}, "the clock is lowered first"),
        ("arbiter", {"overhead_w": 9000.0}, "nothing would be left"),
        ("ladder", {"shed_ratio": 0.58}, "the rungs must fall"),
        ("ladder", {"cap_w": 900.0}, "[ladder] cap_w = 900.0 must lie between"),
        ("latch_up", {"aux_current_a_max": 0.7}, "every rail would trip"),
        ("latch_up", {"confirm_s": 0.25}, "later than 250 ms"),
        ("loop", {"pump_speed_rpm_max": 3000.0}, "must not exceed pump_speed_rpm_max"),
        ("loop", {"heater_on_c": 20.0}, "must be below heater_off_c"),
        ("loop", {"battery_heater_on_c": 20.0}, "must be below battery_heater_off_c"),
        ("loop", {"supply_temp_c_min": 11.0}, "must lie between supply_temp_c_min"),
        ("loop", {"no_flow_off_s": 2.0}, "standby pump would have no chance"),
        ("loop", {"bypass_setpoint_c": 60.0, "unknown": 1}, "Extra inputs"),
        ("rails", {"aux_zero_current_a": 1.0}, "must not exceed zero_current_a"),
        ("rails", {"spurious_off_time_s": 0.1}, "must not be shorter than off_time_s"),
        ("modes", {"boot_s": 60.0}, "must be shorter than boot_s_max"),
        ("modes", {"autostart_mode": "FAST"}, "STANDBY"),
        ("cycle", {"gap_s_max": 0.1}, "must be longer than period_s"),
        ("guard", {"setpoint_c": float("nan")}, "finite"),
    ],
)
def test_an_impossible_combination_is_refused_with_its_reason(
    section: str, values: dict[str, float | str], message: str
) -> None:
    with pytest.raises(ValidationError) as error:
        CoreConfig.model_validate({section: values})
    assert message in str(error.value).replace("\n", " ")


def test_every_key_has_a_description() -> None:
    for name, section in CoreConfig.model_fields.items():
        for key, field in section.annotation.model_fields.items():
            assert field.description, f"[{name}] {key}"


def test_ref1_sets_the_core_tables_that_it_shows() -> None:
    tables = tomllib.loads((ROOT / "examples/configs/ref1.toml").read_text())
    core = {name: tables[name] for name in CoreConfig.model_fields if name in tables}
    assert core
    CoreConfig.model_validate(core)


def test_limits_of_the_monitors_come_from_the_configuration() -> None:
    table = build_point_table()
    changed = CoreConfig.model_validate(
        {"faults": {"host_voltage_ratio_min": 0.97, "module_voltage_v_max": 60.0,
                    "nvme_wear_ratio_max": 0.5, "bus28_voltage_v_min": 26.0}}
    )  # fmt: skip
    before, after = (build_faults(config, table, 8) for config in (CoreConfig(), changed))
    moved = {b.point for a, b in zip(before, after, strict=True) if a != b}
    assert moved == {
        *(f"rail.accel{i}_54v.voltage_v" for i in range(8)),
        *(f"rail.host_{rail}.voltage_v" for rail in ("12v", "5v", "3v3", "1v8")),
        "host.nvme0.wear_ratio", "host.nvme1.wear_ratio", "eps.bus28.voltage_v",
    }  # fmt: skip
