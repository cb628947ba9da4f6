"""A short flight with two faults, for the tests of the report."""

from pathlib import Path

from flight.examples import default_config_path
from sim_hw.fly import FlightRequest, fly

SCENARIO = """
title = "Short <flight> & two faults"
shows = "What a report tells."
seed = 7

[start]
charge_ratio = 0.9
mode = "NOMINAL"

[[action]]
at = "start"
do = "workload"
parameters = { kind = "constant", utilisation_ratio = 1.0 }

[[fault]]
id = "pump_a_stop"
at = "85 s"
name = "pump_stop"
target = "pump_a"
parameters = { torque_ratio = 0.0, breaker_open = true }

[[fault]]
id = "accel3_latch_up"
at = "125 s"
name = "latch_up"
target = "accel3_aux"
parameters = { current_a = 1.2 }

[[expect]]
id = "caps_are_safe"
point = "accel*.cap_w"
max = 200.0
after = "pump_a_stop"
within_s = 2.0
"""


def fly_short(folder: Path, *, seed: int = 7, with_report: bool = False) -> Path:
    """Fly 160 s with a pump stop and a latch-up; return the flight's folder."""
    scenario = folder / "short.toml"
    scenario.write_text(SCENARIO)
    out = folder / f"flight{seed}"
    request = FlightRequest(
        config_path=default_config_path(), scenario_path=scenario, duration="160s", out=out,
        seed=seed, with_report=with_report,
    )  # fmt: skip
    assert fly(request) == 0
    return out
