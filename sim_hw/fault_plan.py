"""Draws long plans of faults from the table of kinds, as scenario tables, by seed.

Each kind strikes once per round, in a drawn order, in a slot of time of its own: so late in it
that nothing is aligned with anything, so early that its stated time (sim_hw/fault_recovery.py)
is over before the slot is. Each fault comes with an expectation that the node is back by then.
"""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from sim_hw.fault_recovery import RECOVERY
from sim_hw.faults_bus import BUSES
from sim_hw.scenario_toml import scenario_toml

DAY_S = 86_400.0
THREE_DAYS_SEED = 1

FIRST_S = 120.0  # the node is in service and loaded
HOLD_S = 60.0  # it must then stay so for as long
LAST_S = 10.0  # of a slot, left over
CUT_AFTER_S = 10.0
CUT_W = 3500.0  # less than eight accelerators want: caps must go down
FULL_W = 6200.0  # what the node may draw by its configuration (REF-1)

Value = float | bool | str


class Draw(NamedTuple):
    """What is drawn for a kind: one target, one value of each parameter.

    needs_cut: it shows only while caps change, so the node's budget is cut meanwhile.
    needs_clear: its target is left off until an operator has looked and clears it, as here.
    """

    targets: Sequence[str]
    parameters: Mapping[str, Sequence[Value]] = {}
    needs_cut: bool = False
    needs_clear: bool = False


def _each(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.format(i) for i in range(8))


_ACCELS = _each("accel{}")
_SHORT_S = (1.0, 2.0, 3.0)  # over before a deaf accelerator is power-cycled a second time
_LONG_S = (20.0, 60.0, 300.0)
_CUT_LASTS_S = 18.0  # as _SHORT_S, from the cut on

DRAWS: Mapping[str, Draw] = {
    "pump_stop": Draw(
        ("pump_a", "pump_b"),
        {"torque_ratio": (0.0, 0.3), "duration_s": (120.0, 900.0)},
        needs_clear=True,
    ),
    "latch_up": Draw(_each("accel{}_aux"), {"current_a": (0.8, 1.2, 3.0, 8.0)}),
    "sensor_stuck": Draw(
        (*_each("accel{}.core_temp_c"), *_each("rail.accel{}_54v.current_a")),
        {"duration_s": (10.0, 30.0)},
    ),
    "sensor_spike": Draw(_each("rail.accel{}_aux.current_a"), {"value": (9.0, -3.0)}),
    "sensor_bias": Draw(
        _each("accel{}.core_temp_c"), {"value": (-2.0, 2.0), "duration_s": _LONG_S}
    ),
    "string_loss": Draw(_each("string{}"), {"duration_s": (600.0, 1800.0)}),
    "daemon_stall": Draw(("daemon",), {"duration_s": (0.5, 1.8, 3.0)}),
    "i2c_nack": Draw((*_each("accel{}_54v"), *_each("accel{}_aux")), {"duration_s": _LONG_S}),
    "i2c_sda_stuck": Draw(BUSES, {"clock_count": (9.0, 36.0), "duration_s": _LONG_S}),
    "i2c_stretch": Draw(BUSES, {"stretch_us": (25_000.0, 50_000.0), "duration_s": _LONG_S}),
    "i2c_last_moment": Draw(BUSES, {"duration_s": (20.0, 60.0)}),
    "i2c_byte_errors": Draw(BUSES, {"rate": (1e-4, 1e-3, 2e-3), "duration_s": _LONG_S}),
    "part_brown_out": Draw(_each("accel{}_aux")),  # of a module switch: outside the claim
    "rail_trip": Draw(_each("accel{}_54v")),
    "switch_closed": Draw(_each("accel{}_54v"), {"duration_s": _LONG_S}),
    "controller_silent": Draw(("loop", "eps", "host"), {"duration_s": (2.0, 10.0, 20.0)}),
    "nvml_call_fails": Draw(_ACCELS, {"code": (10.0, 15.0, 999.0), "duration_s": _SHORT_S}),
    "nvml_hang": Draw(_ACCELS, {"duration_s": _SHORT_S}),
    "nvml_slow": Draw(_ACCELS, {"duration_s": _LONG_S}),
    "nvml_no_permission": Draw(_ACCELS, {"duration_s": (_CUT_LASTS_S,)}, needs_cut=True),
    "nvml_driver_fails": Draw(("nvml",), {"code": (9.0, 999.0), "duration_s": _SHORT_S}),
    "cap_ignored": Draw(_ACCELS, {"duration_s": (_CUT_LASTS_S,)}, needs_cut=True),
    "cap_clamped": Draw(_ACCELS, {"cap_w": (100.0, 300.0, 500.0), "duration_s": _LONG_S}),
    "accel_slowdown": Draw(_ACCELS, {"duration_s": _LONG_S}),
    "accel_lost": Draw(_ACCELS),
    "accel_xid": Draw(_ACCELS, {"code": (13.0, 31.0, 48.0, 63.0, 79.0, 119.0)}),
    "ecc_errors": Draw(
        _ACCELS,
        {
            "corrected_per_s": (1.0, 1e6),
            "uncorrected_per_s": (0.0, 1.0, 1000.0),
            "duration_s": _LONG_S,
        },
    ),
    "row_remap": Draw(
        _ACCELS, {"is_pending": (False, True), "has_failed": (False, True), "duration_s": _LONG_S}
    ),
    "recovery_action": Draw(_ACCELS, {"action": (1.0, 2.0, 3.0, 4.0), "duration_s": _LONG_S}),
    "pcie_replays": Draw(_ACCELS, {"duration_s": _LONG_S}),
}
"""By the name of the kind; inside the fault budget (docs/safety.md) where it has a bound."""


def draw_plan(
    *, seed: int, duration_s: float, rounds: int = 1, kinds: Sequence[str] = tuple(DRAWS)
) -> dict[str, Any]:
    """Return the tables of a scenario in which each of the kinds strikes `rounds` times.

    Args:
        seed: Of the drawing, and of the flight.

    Raises:
        ValueError: A fault and its stated time do not fit into their share of the duration.
    """
    random = Random(seed)
    names = [name for _ in range(rounds) for name in random.sample(list(kinds), len(kinds))]
    slot_s = (duration_s - FIRST_S) / len(names)
    tables: dict[str, Any] = {
        "title": f"{len(names)} faults in {duration_s / 3600.0:g} hours",
        "shows": "Each kind of fault strikes; the node is back at NOMINAL in its stated time.",
        "seed": seed,
        "duration": f"{round(duration_s)} s",
        "start": {"orbit_phase": 0.0, "charge_ratio": 0.95, "temp_c": 35.0, "mode": "NOMINAL"},
        "action": [{"at": "start", "do": "workload", "parameters": {"kind": "constant"}}],
        "fault": [],
        "expect": _always(),
    }
    for i, name in enumerate(names):
        _add(tables, random, name, f"f{i + 1:02}_{name}", FIRST_S + i * slot_s, slot_s)
    return tables


def plan_text(
    *, seed: int = THREE_DAYS_SEED, duration_s: float = 3.0 * DAY_S, rounds: int = 2
) -> str:
    """Return a plan with all kinds as the text of a scenario file; by default three_days.toml.

    Raises:
        ValueError: As draw_plan.
    """
    head = (
        f"# Drawn, not written: seed {seed}, {duration_s:g} s, each kind {rounds} times.\n"
        "# Make it anew with: python tools/draw_fault_plan.py > FILE\n"
    )
    return head + scenario_toml(draw_plan(seed=seed, duration_s=duration_s, rounds=rounds))


def _add(
    tables: dict[str, Any], random: Random, name: str, fault_id: str, from_s: float, slot_s: float
) -> None:
    draw, recovery = DRAWS[name], RECOVERY[name]
    target = random.choice(draw.targets)
    parameters = {key: random.choice(values) for key, values in draw.parameters.items()}
    lasts_s = float(parameters.get("duration_s", 0.0))
    room_s = slot_s - lasts_s - recovery.within_s - HOLD_S - LAST_S
    if room_s < 0.0:
        raise ValueError(f"{name} needs {slot_s - room_s:.0f} s, but its slot has {slot_s:.0f} s")
    at_s = math.ceil(from_s) + random.randrange(max(1, int(room_s)))
    fault = {"id": fault_id, "at": f"{at_s} s", "name": name, "target": target}
    tables["fault"].append({**fault, "parameters": parameters} if parameters else fault)
    if draw.needs_cut:
        tables["action"] += [
            _budget(f"{fault_id} + {CUT_AFTER_S:g} s", CUT_W),
            _budget(f"{fault_id} + {lasts_s - 1.0:g} s", FULL_W),
        ]
    if draw.needs_clear:
        back_s = lasts_s + recovery.within_s + HOLD_S
        tables["action"].append(_clear(f"{fault_id} + {back_s:g} s", target))
    tables["expect"].append(
        {
            "id": f"back_{fault_id}",
            "back_to": "NOMINAL",
            "after": f"{fault_id} + {lasts_s:g} s" if lasts_s else fault_id,
            "within_s": recovery.within_s,
            "hold_s": HOLD_S,
        }
    )


def _budget(at: str, power_w: float) -> dict[str, Any]:
    return {"at": at, "do": "node_budget", "parameters": {"power_w": power_w}}


def _clear(at: str, subject: str) -> dict[str, Any]:
    return {"at": at, "do": "clear_latched", "parameters": {"subject": subject}}


def _always() -> list[dict[str, Any]]:
    """What holds from the first to the last second, whatever strikes."""
    return [
        {"id": "none_is_latched_off", "event": "rail.latched_off", "max": 0, "always": True},
        {"id": "never_too_hot", "point": "accel*.core_temp_c", "max": 87.0, "always": True},
        {
            "id": "battery_never_low",
            "point": "eps.battery.charge_ratio",
            "min": 0.6,
            "always": True,
        },
        {"id": "all_compute_at_the_end", "point": "accel*.power_w", "min": 300.0, "at": "end"},
    ]
