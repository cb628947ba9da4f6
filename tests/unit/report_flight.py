"""Flights for the tests of the report: a short one with two faults, and nodes of other shapes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from flight.core.points import Point, PointTable
from flight.core.types import Decision, Inputs, Mode, Snapshot
from flight.examples import default_config_path
from flight.services.recorder import Recorder
from flight.services.recording_schema import RecordingInfo
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


UNITS = {"_c": "degC", "_w": "W", "_v": "V", "_a": "A", "_per_s": "kg/s", "_rpm": "rpm"}


def record_node(
    folder: Path, *, accelerators: int, more: Sequence[str] = (), seconds: float = 60.0
) -> Path:
    """Record a made-up node: accelerators that each draw a level of their own, and more channels.

    Returns the folder, which has a recording and no summary.
    """
    names = [f"accel{i}.{n}" for i in range(accelerators) for n in ("core_temp_c", "power_w")]
    names += more
    points = PointTable(
        tuple(
            Point(
                name=name, unit=next(u for tail, u in UNITS.items() if name.endswith(tail)),
                driver="d", device="x", channel=i, low=-1e4, high=1e4,
            )
            for i, name in enumerate(names)
        )
    )  # fmt: skip
    info = RecordingInfo(
        points=points, accelerators=accelerators, config_text="{}", config_hash="c", seed=7
    )
    folder.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(folder / "recording.db", info)
    size = len(names)
    for n in range(1, round(10.0 * seconds) + 1):
        now_ns = n * 100_000_000
        values = 30.0 + 4.0 * np.arange(size) + np.sin(0.05 * n + np.arange(size))
        decision = Decision(
            mode=Mode.NOMINAL,
            desired=np.zeros(0),
            cap_w=tuple(700.0 - 5.0 * i for i in range(accelerators)),
            cap_reason=("maximum", *("guard",) * (accelerators - 1)),
        )
        snapshot = Snapshot(
            values, np.full(size, now_ns), np.zeros(size, np.int32), np.zeros(size, np.uint32)
        )
        recorder.record(Inputs(now_ns=now_ns, snapshot=snapshot), decision)
    recorder.close()
    return folder
