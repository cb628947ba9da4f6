"""The fault budget, and strategies that draw whole flights inside it.

The budget is the claim: inside it the safety properties hold at every step. docs/safety.md says the
same in the same words; a test compares the two. What is drawn is a scenario, so that a failure is a
file that `nightside sim --scenario FILE` replays.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from sim_hw.faults_bus import BUSES

Fault = dict[str, Any]  # one [[fault]] table; the times are in ms, `at` is written at the end
Scenario = dict[str, Any]

FIRST_FAULT_S = 20.0  # BOOT is over and the rails are up
QUIET_S = 120.0  # S15: this long after the last fault nothing is left of it
FAULTS_MAX = 3
FAULT_S_MAX = 60.0  # of a fault that ends within the window


class Bound(NamedTuple):
    """One row of the budget: how much of a fault the claim covers, and why no more."""

    fault: str
    bound: str
    why: str


BUDGET: tuple[Bound, ...] = (
    Bound(
        "`pump_stop`",
        "one pump in 5 minutes, any torque left, for any time",
        "the second pump is the spare; both dead is a claim of its own (S1 by switching off)",
    ),
    Bound(
        "`latch_up`",
        "one rail at a time and 10 s apart, 0.8 to 8 A",
        "below 0.8 A it is a micro-latch, found by its trend; 10 s see the accelerator back",
    ),
    Bound(
        "`sensor_stuck`",
        "two sensors at once, on different accelerators; a core temperature for at most 30 s",
        "a core that stops reporting while its power is steady looks good: only a change of power"
        " unmasks it, and the coolant may move meanwhile",
    ),
    Bound(
        "`sensor_bias`",
        "counts with `sensor_stuck`; temperatures of core and memory by at most 2 K",
        "the guard holds the core 5 K below its maximum; half of that belongs to the readings",
    ),
    Bound(
        "`sensor_spike`",
        "any number of single samples, 300 ms apart on one sensor; the sensors of a rail are one",
        "a monitor needs two samples that agree; a rail's power is made of voltage and current",
    ),
    Bound(
        "`nvml_call_fails`",
        "counts with `sensor_stuck`; any code, any time",
        "each accelerator is judged alone",
    ),
    Bound(
        "`i2c_nack`",
        "one part at a time, any time, while nothing calls for its rails to open:"
        " no `latch_up`, no shed",
        "a part that is not heard can be switched by nobody but its own silicon",
    ),
    Bound(
        "`i2c_sda_stuck`, `i2c_stretch`, `i2c_last_moment`",
        "as `i2c_nack`, of one bus",
        "the rails of four accelerators are not heard, and keep what they were told",
    ),
    Bound(
        "`i2c_byte_errors`",
        "any bus, at most 1 byte in 500, any time; no `latch_up`",
        "two tries that both fail delay a reading by a cycle, and the second of a latch-up's two",
    ),
    Bound(
        "`rail_trip`",
        "one accelerator, and no other fault on it within 10 s",
        "a rail opened twice in a row may be latched off",
    ),
    Bound(
        "`nvml_hang`, `nvml_no_permission`, `accel_lost`",
        "as `nvml_call_fails`, and no other fault on that accelerator",
        "two faults on one accelerator may hide each other",
    ),
    Bound(
        "`cap_clamped`, `accel_slowdown`",
        "one accelerator, and no other fault on it; a cap of 100 W or more, any time",
        "the accelerator itself is the safer side",
    ),
    Bound(
        "`accel_xid`, `ecc_errors`, `row_remap`, `recovery_action`, `pcie_replays`",
        "any number, any time",
        "they are told, and no law listens to them",
    ),
    Bound(
        "`cap_ignored`",
        "one accelerator, and no other fault on it",
        "two faults on one accelerator may hide each other",
    ),
    Bound("`string_loss`", "two of eight strings", "the array carries the node with six"),
    Bound(
        "`daemon_stall`",
        "at most 3 s, not again within 10 s; no `latch_up`, no deaf library within 1 s of it",
        "only reflexes and leases act, and no lease lowers a cap that cannot be written",
    ),
)


def struck_accelerator(target: str) -> str:
    """Return which accelerator a target belongs to, e.g. `accel3`; empty for none."""
    name = target.removeprefix("rail.")
    return name[:6] if name.startswith("accel") else ""


def _end_ms(fault: Fault) -> float:
    return float(fault["at_ms"]) + 1000.0 * fault["parameters"].get("duration_s", 1e9)


def _overlaps(one: Fault, other: Fault, *, before_ms: float = 0.0, after_ms: float = 0.0) -> bool:
    """Whether `other` is in force during `one`, stretched at both of its ends."""
    starts_late = other["at_ms"] > _end_ms(one) + after_ms
    return not starts_late and _end_ms(other) >= one["at_ms"] - before_ms


_DEAF_BUS = ("i2c_sda_stuck", "i2c_stretch", "i2c_last_moment")
_DEAF = {"i2c_nack", *_DEAF_BUS, "i2c_byte_errors"}
_UNTOLD = {"nvml_call_fails", "nvml_hang", "nvml_no_permission", "accel_lost"}
_ALONE = {"cap_ignored", "cap_clamped", "accel_slowdown", *_UNTOLD} - {"nvml_call_fails"}
_SENSORS = ("sensor_stuck", "sensor_bias", *_UNTOLD)
_SILENCES = {*_DEAF, "daemon_stall"}  # nobody sees or switches a rail meanwhile
_TOLD_ONLY = {"accel_xid", "ecc_errors", "row_remap", "recovery_action", "pcie_replays"}


def _pair_is_allowed(one: Fault, other: Fault) -> bool:
    """Whether two faults of one plan may be as they are; the order does not matter."""
    names = {one["name"], other["name"]}
    accelerator = struck_accelerator(one["target"])
    shared = bool(accelerator) and accelerator == struck_accelerator(other["target"])
    shared = shared or one["target"] == other["target"]
    if names & _TOLD_ONLY:
        return True
    if names in ({"pump_stop"}, {"cap_ignored"}) or (names & _ALONE and shared):
        return False
    if names == {"latch_up"}:
        return abs(one["at_ms"] - other["at_ms"]) >= 10_000
    if "latch_up" in names and names & _SILENCES:
        silence, latch = (one, other) if other["name"] == "latch_up" else (other, one)
        return not _overlaps(silence, {**latch, "parameters": {"duration_s": 1.0}}, before_ms=1000)
    if names <= _DEAF or ("daemon_stall" in names and names & _UNTOLD):
        return not _overlaps(one, other, before_ms=1000, after_ms=1000)
    return not shared or not _overlaps(one, other, before_ms=10_000, after_ms=10_000)


def is_inside_budget(faults: Sequence[Fault]) -> bool:
    """Whether a plan (without spikes) is one that the claim covers."""
    if len(faults) > FAULTS_MAX:
        return False
    for i, fault in enumerate(faults):
        if not all(_pair_is_allowed(fault, other) for other in faults[i + 1 :]):
            return False
    sensors = [fault for fault in faults if fault["name"] in _SENSORS]
    at_once = [sum(_overlaps(one, other) for other in sensors) for one in sensors]
    strings = sum(fault["name"] == "string_loss" for fault in faults)
    return max(at_once, default=0) <= 2 and strings <= 2


ACCELS = st.integers(0, 7)
BUS_NAMES = st.sampled_from(BUSES)
_RAILS = st.sampled_from(("54v", "aux"))


def _durations(longest_s: float = FAULT_S_MAX) -> st.SearchStrategy[float]:
    return st.integers(1, round(longest_s * 10)).map(lambda tenths: tenths / 10.0)


@st.composite
def _parameters(draw: st.DrawFn, forever: bool, **fields: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Draw parameters; None leaves one out. `forever`: the fault may never end."""
    drawn = {name: draw(values) for name, values in fields.items()}
    if forever and draw(st.booleans()):
        drawn.pop("duration_s", None)
    return {name: value for name, value in drawn.items() if value is not None}


def _fault(
    name: str, targets: st.SearchStrategy[str], parameters: st.SearchStrategy[dict[str, Any]]
) -> tuple[str, st.SearchStrategy[Fault]]:
    drawn = {"name": st.just(name), "target": targets, "parameters": parameters}
    return name, st.fixed_dictionaries(drawn)


# Sensors of each group with a range in which a forced value and a bias are drawn.
_ACCEL_SENSORS: Mapping[str, tuple[float, float, float]] = {
    # channel: lowest forced value, highest, largest bias
    "accel{}.power_w": (0.0, 900.0, 200.0),
    "accel{}.core_temp_c": (-20.0, 125.0, 2.0),
    "accel{}.memory_temp_c": (-20.0, 125.0, 2.0),
    "accel{}.utilisation_ratio": (0.0, 1.0, 1.0),
    "rail.accel{}_54v.voltage_v": (0.0, 75.0, 5.0),
    "rail.accel{}_54v.current_a": (0.0, 40.0, 5.0),
    "rail.accel{}_54v.temp_c": (-40.0, 150.0, 20.0),
    "rail.accel{}_aux.voltage_v": (0.0, 5.0, 1.0),
    "rail.accel{}_aux.current_a": (0.0, 10.0, 2.0),
}
_SHARED_SENSORS: Mapping[str, tuple[float, float, float]] = {
    "loop.pump_a.speed_rpm": (0.0, 8000.0, 2000.0),
    "loop.pump_a.current_a": (0.0, 10.0, 2.0),
    "loop.pump_b.speed_rpm": (0.0, 8000.0, 2000.0),
    "loop.flow_kg_per_s": (0.0, 0.5, 0.1),
    "loop.return_temp_c": (-60.0, 120.0, 20.0),
    "plate2.outlet_temp_c": (-60.0, 120.0, 20.0),
    "rail.payload_54v.current_a": (0.0, 200.0, 20.0),
    "eps.battery.temp_c": (-20.0, 60.0, 10.0),
    "eps.string1.current_a": (0.0, 60.0, 10.0),
    "host.cpu_temp_c": (-20.0, 120.0, 20.0),
}


def _core_is_forced(point: str) -> bool:
    return point.endswith((".core_temp_c", ".memory_temp_c"))


@st.composite
def _sensors(draw: st.DrawFn) -> tuple[str, tuple[float, float, float]]:
    sensors = draw(st.sampled_from((_ACCEL_SENSORS, _SHARED_SENSORS)))
    point = draw(st.sampled_from(sorted(sensors)))
    return point.format(draw(ACCELS)), sensors[point]


@st.composite
def _stuck(draw: st.DrawFn) -> Fault:
    """A sensor repeats its last sample, or a value that is far from a plausible one."""
    point, (low, high, _) = draw(_sensors())
    value = None if _core_is_forced(point) else draw(st.none() | _values(low, high))
    longest_s = 30.0 if _core_is_forced(point) else FAULT_S_MAX
    parameters = draw(
        _parameters(
            not _core_is_forced(point), value=st.just(value), duration_s=_durations(longest_s)
        )
    )
    return {"name": "sensor_stuck", "target": point, "parameters": parameters}


@st.composite
def _bias(draw: st.DrawFn) -> Fault:
    point, (_, _, largest) = draw(_sensors())
    parameters = draw(_parameters(True, value=_values(-largest, largest), duration_s=_durations()))
    return {"name": "sensor_bias", "target": point, "parameters": parameters}


def _part(point: str) -> str:
    """What converts a point: the sensors of one rail share a part."""
    return point.rpartition(".")[0] if point.startswith("rail.") else point


def _values(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(0, 100).map(lambda part: round(low + (high - low) * part / 100.0, 3))


_TEMPERATURE_CALLS = ("nvmlDeviceGetTemperature", "nvmlDeviceGetFieldValues")
_FAULTS: tuple[tuple[str, st.SearchStrategy[Fault]], ...] = (
    _fault(
        "pump_stop",
        st.sampled_from(("pump_a", "pump_b")),
        _parameters(
            True,
            torque_ratio=st.sampled_from((0.0, 0.0, 0.3, 0.6, 0.8)),
            breaker_open=st.booleans(),
            duration_s=_durations(),
        ),
    ),
    _fault(
        "latch_up",
        ACCELS.map("accel{}_aux".format),
        _parameters(False, current_a=st.integers(8, 80).map(lambda tenths: tenths / 10.0)),
    ),
    ("sensor_stuck", _stuck()),
    ("sensor_bias", _bias()),
    _fault(
        "nvml_call_fails",
        ACCELS.map("accel{}".format),
        _parameters(
            True,
            code=st.sampled_from((15.0, 10.0, 16.0, 9.0, 999.0)),
            function=st.sampled_from((None, None, *_TEMPERATURE_CALLS)),
            duration_s=_durations(),
        ),
    ),
    _fault(
        "i2c_nack",
        st.builds("accel{}_{}".format, ACCELS, _RAILS)
        | st.just("payload_54v")
        | st.just("host_5v"),
        _parameters(True, duration_s=_durations()),
    ),
    _fault(
        "i2c_sda_stuck",
        BUS_NAMES,
        _parameters(
            True,
            clock_count=st.sampled_from((None, 9.0, 36.0)),
            duration_s=_durations(),
        ),
    ),
    _fault(
        "i2c_stretch",
        BUS_NAMES,
        _parameters(
            True,
            stretch_us=st.sampled_from((1000.0, 25_000.0, 50_000.0)),
            duration_s=_durations(),
        ),
    ),
    _fault("i2c_last_moment", BUS_NAMES, _parameters(True, duration_s=_durations())),
    _fault(
        "i2c_byte_errors",
        BUS_NAMES,
        _parameters(True, rate=st.sampled_from((1e-4, 1e-3, 2e-3)), duration_s=_durations()),
    ),
    _fault("rail_trip", ACCELS.map("accel{}_54v".format), st.just({})),
    _fault("nvml_hang", ACCELS.map("accel{}".format), _parameters(True, duration_s=_durations())),
    _fault(
        "nvml_no_permission",
        ACCELS.map("accel{}".format),
        _parameters(True, duration_s=_durations()),
    ),
    _fault("accel_lost", ACCELS.map("accel{}".format), st.just({})),
    _fault("cap_ignored", ACCELS.map("accel{}".format), _parameters(True, duration_s=_durations())),
    _fault(
        "cap_clamped",
        ACCELS.map("accel{}".format),
        _parameters(
            True, cap_w=st.integers(10, 70).map(lambda tens: tens * 10.0), duration_s=_durations()
        ),
    ),
    _fault(
        "accel_slowdown", ACCELS.map("accel{}".format), _parameters(True, duration_s=_durations())
    ),
    _fault(
        "accel_xid",
        ACCELS.map("accel{}".format),
        _parameters(False, code=st.sampled_from((13.0, 31.0, 48.0, 63.0, 79.0, 119.0))),
    ),
    _fault(
        "ecc_errors",
        ACCELS.map("accel{}".format),
        _parameters(
            True,
            corrected_per_s=st.sampled_from((0.0, 1.0, 1e6)),
            uncorrected_per_s=st.sampled_from((0.0, 1.0, 1000.0)),
            duration_s=_durations(),
        ),
    ),
    _fault(
        "row_remap",
        ACCELS.map("accel{}".format),
        _parameters(True, is_pending=st.booleans(), has_failed=st.booleans()),
    ),
    _fault(
        "recovery_action",
        ACCELS.map("accel{}".format),
        _parameters(True, action=st.sampled_from((1.0, 2.0, 3.0, 4.0)), duration_s=_durations()),
    ),
    _fault(
        "pcie_replays", ACCELS.map("accel{}".format), _parameters(True, duration_s=_durations())
    ),
    _fault(
        "string_loss",
        st.integers(0, 7).map("string{}".format),
        _parameters(True, duration_s=_durations()),
    ),
    _fault(
        "daemon_stall",
        st.just("daemon"),
        _parameters(False, duration_s=st.integers(1, 30).map(lambda tenths: tenths / 10.0)),
    ),
)


@st.composite
def _spikes(draw: st.DrawFn, last_s: float) -> list[Fault]:
    """A few single samples anywhere, 300 ms apart on one sensor."""
    spikes: list[Fault] = []
    for _ in range(draw(st.integers(0, 4))):
        point, (low, high, _) = draw(_sensors())
        at_ms = draw(st.integers(round(FIRST_FAULT_S * 1000), round(last_s * 1000)))
        value = draw(_values(low - 10.0, 1.5 * high))
        if all(
            _part(s["target"]) != _part(point) or abs(s["at_ms"] - at_ms) >= 300 for s in spikes
        ):
            parameters = {"value": value}
            spikes.append(
                {"name": "sensor_spike", "target": point, "parameters": parameters, "at_ms": at_ms}
            )
    return spikes


@st.composite
def fault_plans(draw: st.DrawFn, last_s: float, *, kinds: Sequence[str] = ()) -> list[Fault]:
    """Draw faults inside the budget; all begin between FIRST_FAULT_S and last_s.

    Args:
        kinds: Names to draw from; none: all.
    """
    strategies = [strategy for name, strategy in _FAULTS if not kinds or name in kinds]
    plan: list[Fault] = []
    for _ in range(draw(st.integers(1, FAULTS_MAX))):
        fault = dict(draw(st.one_of(strategies)))
        fault["at_ms"] = draw(st.integers(round(FIRST_FAULT_S * 1000), round(last_s * 1000)))
        if is_inside_budget([*plan, fault]):
            plan.append(fault)
    for spike in draw(_spikes(last_s)):
        if all(fault["target"] != spike["target"] for fault in plan):
            plan.append(spike)
    return sorted(plan, key=lambda fault: int(fault["at_ms"]))


@st.composite
def flights(draw: st.DrawFn, window_s_max: int = 200) -> Scenario:
    """Draw a whole flight: where it starts, what it computes, what goes wrong and when."""
    last_s = float(draw(st.integers(60, window_s_max)))
    faults = draw(fault_plans(last_s))
    ends_s = [_end_ms(fault) / 1000.0 for fault in faults if _end_ms(fault) < 1e9]
    duration_s = max([last_s, *ends_s]) + QUIET_S
    # A deaf switch is claimed only while nothing sheds: enough charge, and budget for all eight.
    is_deaf = any(fault["name"] in _DEAF for fault in faults)
    scenario: Scenario = {
        "title": "Drawn inside the fault budget",
        "shows": "Found by tests/property/test_flight_faults.py.",
        "seed": draw(st.integers(0, 999)),
        "duration": f"{math.ceil(duration_s)} s",
        "start": {
            "orbit_phase": draw(st.integers(0, 99)) / 100.0,
            "charge_ratio": draw(st.integers(65 if is_deaf else 50, 100)) / 100.0,
            "temp_c": float(draw(st.integers(5, 50))),
            "mode": draw(st.sampled_from(("NOMINAL", "NOMINAL", "NOMINAL", "STANDBY", "SAFE"))),
        },
        "action": [{"at": "start", "do": "workload", "parameters": draw(_workloads())}],
    }
    if scenario["start"]["mode"] != "NOMINAL" and draw(st.booleans()):
        command = {"at": "5 s", "do": "set_mode", "parameters": {"mode": "NOMINAL"}}
        scenario["action"].append(command)
    elif draw(st.integers(0, 3)) == 3:
        parameters = {"power_w": float(draw(st.integers(24 if is_deaf else 12, 60)) * 100)}
        at = f"{draw(st.integers(20, round(last_s)))} s"
        scenario["action"].append({"at": at, "do": "node_budget", "parameters": parameters})
    scenario["fault"] = [table(i, fault) for i, fault in enumerate(faults)]
    return scenario


def _workloads() -> st.SearchStrategy[dict[str, Any]]:
    constant = st.fixed_dictionaries(
        {"kind": st.just("constant"), "utilisation_ratio": st.sampled_from((1.0, 1.0, 0.6, 0.0))}
    )
    bursty = st.fixed_dictionaries(
        {
            "kind": st.just("bursty"),
            "utilisation_ratio": st.sampled_from((1.0, 0.7)),
            "busy_s": st.integers(2, 60).map(float),
            "idle_s": st.integers(2, 60).map(float),
        }
    )
    return constant | bursty


def table(index: int, fault: Fault) -> Fault:
    """Return the table of a drawn fault as a scenario has it."""
    return {
        "id": f"f{index}",
        "at": f"{fault['at_ms']} ms",
        "name": fault["name"],
        "target": fault["target"],
        "parameters": dict(fault["parameters"]),
    }
