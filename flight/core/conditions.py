"""Conditions: facts for the monitors that depend on what was commanded, not on a reading alone."""

from math import nan
from typing import NamedTuple

import numpy as np

from flight.core.config import CoreConfig, RailsConfig
from flight.core.faults import ACCEL_CONDITIONS, NODE_CONDITIONS, WRITE_CONDITIONS
from flight.core.judge import JudgeState
from flight.core.rails import (
    AUX_ON,
    COMMANDED_OFF,
    GOOD_ONCE,
    MODULE_ON,
    SERVED,
    Pair,
    Payload,
    PayloadPhase,
    Phase,
)
from flight.core.readings import Readings
from flight.core.types import (
    FLAG_ABANDONED,
    FLAG_LAPSED,
    FLAG_REFLEX,
    FLAG_REFUSED,
    FLAG_WRITE_FAILED,
    Bools,
    Uint32s,
)
from flight.core.wiring import Wiring

_ON = Phase.ON
_PLACE = {name: k for k, name in enumerate(ACCEL_CONDITIONS)}
_SLACK_W = 5.0  # meter resolution; assumed


def all_quiet(config: CoreConfig, readings: Readings, caps_w: tuple[float, ...]) -> bool:
    """A quick look: powers below their caps, voltages good.

    When it says yes while every accelerator is in service, the payload bus has its voltage, every
    reading is good and no flag is set, `compute` would return `quiet`.
    """
    rails = config.rails
    if not min(readings.module_voltage_v) >= rails.module_voltage_v_min:  # or it is unknown
        return False
    if not min(readings.aux_voltage_v) >= rails.aux_voltage_v_min:
        return False
    excess = 1.0 + config.arbiter.cap_tolerance_ratio
    for power_w, module_power_w, cap_w in zip(
        readings.power_w, readings.module_power_w, caps_w, strict=True
    ):
        limit_w = cap_w * excess
        if not (power_w <= limit_w and module_power_w <= limit_w):
            return False
    return True


def compute(
    config: CoreConfig,
    wiring: Wiring,
    quiet: tuple[float, ...],
    *,
    readings: Readings,
    values: list[float],
    judge: JudgeState,
    pairs: tuple[Pair, ...],
    payload: Payload,
    caps_w: tuple[float, ...],
    cap_flags: tuple[float, ...] | None,
    flags: Uint32s,
    no_flow: bool,
    has_lapsed: bool,
    now_ns: int,
) -> tuple[float, ...]:
    """Return all conditions in the order of `faults.conditions`: 1 true, 0 false, NaN unknown.

    Args:
        quiet: The result when nothing is the matter; returned itself in that case.
        caps_w: Caps in force since the last cycle.
        cap_flags: Flags of the cap points; None when no flag of any point is set. flags: All.
        no_flow: The coolant stands still: modules must be off.
        has_lapsed: No grant is in force on a node that lives on them.
    """
    out: list[float] | None = None
    off: _OffReadings | None = None
    rails, excess = config.rails, 1.0 + config.arbiter.cap_tolerance_ratio
    module_v_min, aux_v_min = rails.module_voltage_v_min, rails.aux_voltage_v_min
    for i, (pair, power, core, memory, aux_v, module_v, module_power, granted) in enumerate(
        zip(pairs, *readings, caps_w, strict=True)
    ):
        limit_w = granted * excess
        if (
            pair[0] is _ON
            and module_v >= module_v_min
            and aux_v >= aux_v_min
            and power <= limit_w
            and module_power <= limit_w
            and core == core
            and memory == memory
            and cap_flags is None
        ):
            continue
        if pair.open_ns and module_v < module_v_min and cap_flags is None:
            off = off or _off_readings(wiring, values)
            if _is_plainly_off(rails, pair, off, i):
                continue
        out = out or list(quiet)
        found = _accelerator(config, wiring, i, pair, readings, values, limit_w, judge, no_flow)
        found |= _held(int(cap_flags[i])) if cap_flags is not None else {}
        for name, value in found.items():
            out[_PLACE[name] * wiring.accelerator_count + i] = value
    base = len(ACCEL_CONDITIONS) * wiring.accelerator_count
    on_payload = _payload(config, wiring, payload, values)
    is_quiet = out is None and cap_flags is None and on_payload == (0.0, 0.0) and not has_lapsed
    if is_quiet and (judge.all_good or _all_speak(config, wiring, judge, now_ns)):
        return quiet
    out = out or list(quiet)
    together = _lost_together(config, wiring.accelerator_count, out)
    out[base : base + len(NODE_CONDITIONS)] = (*on_payload, together, float(has_lapsed))
    if not judge.all_good:
        base += len(NODE_CONDITIONS)
        out[base : base + len(wiring.shared_drivers)] = _silent(config, wiring, judge, now_ns)
    if cap_flags is not None:
        out[-len(WRITE_CONDITIONS) * len(wiring.device_starts) :] = _writes(wiring, flags)
    return tuple(out)


def _held(flags: int) -> dict[str, float]:
    """What the driver says of a cap."""
    return {
        "reflex": float(flags & FLAG_REFLEX != 0),
        "lapsed": float(flags & FLAG_LAPSED != 0),
    }


class _OffReadings(NamedTuple):
    """What tells an accelerator that is off, in accelerator order."""

    aux_current_a: tuple[float, ...]
    aux_enable: tuple[float, ...]
    module_enable: tuple[float, ...]


def _off_readings(wiring: Wiring, values: list[float]) -> _OffReadings:
    accel = wiring.accel
    return _OffReadings(
        accel.aux_current_a(values), accel.aux_enable(values), accel.module_enable(values)
    )


def _is_plainly_off(rails: RailsConfig, pair: Pair, off: _OffReadings, i: int) -> bool:
    """A quick look, right when it says yes: commanded off, confirmed, and nothing conducts.

    The module has no voltage. Without a flag each condition of this accelerator is then false.
    """
    return (
        pair[0] in COMMANDED_OFF
        and off.aux_current_a[i] <= rails.zero_current_a
        and off.aux_enable[i] < 0.5
        and off.module_enable[i] < 0.5
    )


def _all_speak(config: CoreConfig, wiring: Wiring, judge: JudgeState, now_ns: int) -> bool:
    """A quick look, right when it says yes: the first point of each shared driver is not old."""
    oldest_ns = now_ns - round(config.faults.communication_lost_s * 1e9)
    newest_ns: list[int] = judge.good_time_ns.take(wiring.shared_starts).tolist()
    return min(newest_ns) >= oldest_ns if newest_ns else True


def _silent(config: CoreConfig, wiring: Wiring, judge: JudgeState, now_ns: int) -> list[float]:
    """Per shared driver: its newest good sample is too old."""
    oldest_ns = now_ns - round(config.faults.communication_lost_s * 1e9)
    newest = np.maximum.reduceat(judge.good_time_ns, wiring.driver_starts).tolist()
    return [float(newest[ordinal] < oldest_ns) for _, ordinal in wiring.shared_drivers]


def _writes(wiring: Wiring, flags: Uint32s) -> list[float]:
    """Per device with writable points: all that refused, then that failed, then abandoned."""
    found = np.bitwise_or.reduceat(flags.take(wiring.writable), wiring.device_starts)

    def have(flag: int) -> list[float]:
        has: Bools = found & flag != 0
        return [float(h) for h in has.tolist()]

    return have(FLAG_REFUSED) + have(FLAG_WRITE_FAILED) + have(FLAG_ABANDONED)


def _core_is_stuck(judge: JudgeState, i: int, wiring: Wiring) -> bool:
    """The core reading of an accelerator stands still; only cores have a stuck check."""
    stuck = judge.stuck.stuck
    return len(stuck) == wiring.accelerator_count and bool(stuck[i])


def _lost_together(config: CoreConfig, count: int, out: list[float]) -> float:
    """Tell one lost accelerator from a lost library, and return whether it is the library.

    More of them at once than fail by chance share a cause: no power-cycle mends it, and a
    power-cycle of all costs every job. They wait for the library, and then take turns.
    """
    lost, alone = _PLACE["lost"] * count, _PLACE["lost_alone"] * count
    turn, uncontrolled = _PLACE["lost_turn"] * count, _PLACE["uncontrolled"] * count
    out[alone : alone + count] = out[lost : lost + count]
    silent = [i for i in range(count) if out[lost + i] == 1.0]
    if len(silent) <= config.faults.lost_together_count:
        return 0.0
    for place, i in enumerate(silent):
        out[alone + i] = out[uncontrolled + i] = 0.0
        out[turn + i] = float(place < config.faults.lost_together_count)
    return 1.0


def _accelerator(
    config: CoreConfig,
    wiring: Wiring,
    i: int,
    pair: Pair,
    readings: Readings,
    values: list[float],
    limit_w: float,
    judge: JudgeState,
    no_flow: bool,
) -> dict[str, float]:
    """The conditions of one accelerator that are not false."""
    found: dict[str, float] = {}
    phase, module_v_min = pair.phase, config.rails.module_voltage_v_min
    if phase in SERVED:
        core, power = readings.core_temp_c[i], readings.power_w[i]
        module_power = readings.module_power_w[i]
        found["lost"] = float(core != core)
        found["blind"] = float(core != core and module_power != module_power)
        found["core_stuck"] = float(judge.stuck.any_stuck and _core_is_stuck(judge, i, wiring))
        memory = readings.memory_temp_c[i]
        found["memory_lost"] = float(memory != memory and core == core)
        told = core == core and _has_taken_its_cap(wiring, i, values, judge, limit_w + _SLACK_W)
        excess = _excess(power, module_power, limit_w + _SLACK_W)
        found["uncontrolled"] = 0.0 if told else excess
        if phase is _ON:
            found["cap_excess"] = excess if told else nan  # who cannot be told does not disobey
    if phase in GOOD_ONCE:
        found["module_tripped"] = _below(readings.module_voltage_v[i], module_v_min)
        found["aux_tripped"] = _below(readings.aux_voltage_v[i], config.rails.aux_voltage_v_min)
    elif phase is not Phase.UNKNOWN:
        # A switch that conducts shows at its output too: one lying meter never costs the whole bus.
        if phase not in MODULE_ON and not readings.module_voltage_v[i] < module_v_min:
            current = wiring.accel.module_current_a(values)[i]
            found["module_closed"] = _above(current, config.rails.zero_current_a)
        if phase not in AUX_ON and not pair.aux_held:
            current = wiring.accel.aux_current_a(values)[i]
            found["aux_closed"] = _above(current, config.rails.zero_current_a)
        if phase in COMMANDED_OFF and pair.open_ns:
            found["switch_closed"] = float(
                readings.module_voltage_v[i] >= module_v_min
                or wiring.accel.module_enable(values)[i] >= 0.5
                or wiring.accel.aux_enable(values)[i] >= 0.5
            )
        elif phase in COMMANDED_OFF:
            found["off_unconfirmed"] = 1.0
            is_open = (
                wiring.accel.module_enable(values)[i] < 0.5
                or readings.module_voltage_v[i] < module_v_min
                or values[wiring.payload_voltage] < module_v_min
            )
            found["off_needed"] = float((pair.urgent or no_flow) and not is_open)
    return found


def _has_taken_its_cap(
    wiring: Wiring, i: int, values: list[float], judge: JudgeState, limit_w: float
) -> bool:
    """The device has just answered, and the cap that it reads back is at most the granted one."""
    point = wiring.accel.caps[i]
    return values[point] <= limit_w and judge.is_good(point)


def _excess(power_w: float, module_power_w: float, limit_w: float) -> float:
    """Either meter above the limit; NaN when both are unknown."""
    if power_w > limit_w or module_power_w > limit_w:
        return 1.0
    return nan if power_w != power_w and module_power_w != module_power_w else 0.0


def _below(value: float, limit: float) -> float:
    return float(value < limit) if value == value else nan


def _above(value: float, limit: float) -> float:
    return float(value > limit) if value == value else nan


def _payload(
    config: CoreConfig, wiring: Wiring, payload: Payload, values: list[float]
) -> tuple[float, float]:
    if payload.phase is PayloadPhase.ON:
        return _below(values[wiring.payload_voltage], config.rails.module_voltage_v_min), 0.0
    if payload.phase in (PayloadPhase.OFF, PayloadPhase.LATCHED_OFF):
        return 0.0, _above(values[wiring.payload_current], config.rails.zero_current_a)
    return 0.0, 0.0
