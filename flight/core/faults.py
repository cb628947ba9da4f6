"""The faults of a node, as data: what is watched, how long, how severe, which response it calls."""

from collections.abc import Iterator
from typing import Final

from flight.core import compare, faults_node, faults_trends, trends
from flight.core.compare import CompareTable
from flight.core.config import CoreConfig
from flight.core.fault_kinds import KINDS
from flight.core.monitors import Fault, Response
from flight.core.points import PointTable
from flight.core.types import Severity

_W, _C = Severity.WARNING, Severity.CRITICAL

# Conditions that step() computes, because they depend on what was commanded. Per accelerator:
ACCEL_CONDITIONS: Final = (
    "lost",  # in service, but no core temperature
    "lost_alone",  # ... and so are few others: it is the accelerator
    "lost_turn",  # ... as many others: it is what they share, and this one is next
    "blind",  # in service, neither core temperature nor rail power
    "core_stuck",  # in service, its core reading stands still while its power moves
    "memory_lost",  # in service, no memory temperature
    "cap_excess",  # power above the granted cap and its tolerance
    "module_tripped",  # commanded on, power good once, voltage gone
    "aux_tripped",
    "module_closed",  # commanded off for a while, current flows
    "aux_closed",
    "reflex",  # FLAG_REFLEX on the cap
    "lapsed",  # FLAG_LAPSED on the cap
    "uncontrolled",  # power above the granted cap, and the device cannot be told
    "switch_closed",  # commanded off and read open once, a switch reads closed again
    "off_unconfirmed",  # commanded off, but not both switches read open yet
    "off_needed",  # ... its module neither, and safety needs it off
)
NODE_CONDITIONS: Final = (
    "payload_tripped",
    "payload_closed",
    "library_lost",  # more accelerators are lost than fail together by chance
    "allotment_lapsed",  # the node lives on grants, and none is in force
)
# Per device that is written, by the flags of its points:
WRITE_CONDITIONS: Final = ("refused", "write_failed", "abandoned")
# The whole node leans on these drivers: losing one leads to DEGRADED.
VITAL_DRIVERS: Final = ("loop", "eps")


def drivers(table: PointTable) -> tuple[str, ...]:
    """Return the driver names in image order."""
    return tuple(dict.fromkeys(p.driver for p in table))


def conditions(table: PointTable, accelerator_count: int) -> tuple[str, ...]:
    """Return the names of all computed conditions, in the order step() gives them."""
    silent = tuple(f"{name}.silent" for name in drivers(table) if not name.startswith("accel"))
    accel = tuple(f"accel{i}.{c}" for c in ACCEL_CONDITIONS for i in range(accelerator_count))
    devices = writable_devices(table)
    told = tuple(f"{d}.{what}" for what in WRITE_CONDITIONS for d in devices)
    return accel + NODE_CONDITIONS + silent + told


def comparisons(config: CoreConfig, table: PointTable) -> CompareTable:
    """Return what judge compares on this node."""
    per_rpm = config.trends.flow_kg_per_s_nominal / config.loop.pump_speed_rpm_nominal
    return compare.build(config.judge, table, flow_kg_per_rpm=per_rpm)


def signals(config: CoreConfig, table: PointTable, accelerator_count: int) -> tuple[str, ...]:
    """Return the names of all signals, in the order step() gives them."""
    compared = compare.signals(comparisons(config, table), table)
    return trends.names(table, accelerator_count) + compared


def writable_devices(table: PointTable) -> tuple[str, ...]:
    """Return the names of the devices that have writable points, in image order."""
    return tuple(dict.fromkeys(p.device for p in table if p.writable))


def build_faults(
    config: CoreConfig, table: PointTable, accelerator_count: int
) -> tuple[Fault, ...]:
    """Return all faults of a node; the monitor table drops those whose point does not exist."""
    faults: list[Fault] = []
    for i in range(accelerator_count):
        faults += _temperatures(config, i)
        faults += _obedience(config, i)
        faults += _aux_rail(config, i)
        faults += _module_rail(config, i)
        faults += _switching_off(config, i)
    faults += faults_node.build(config, accelerator_count)
    faults += faults_trends.build(config, trends.names(table, accelerator_count), accelerator_count)
    faults += faults_trends.disagreements(compare.signals(comparisons(config, table), table))
    faults += _silent_rails(config, table)
    faults += _drivers(config, table)
    faults += _writes(config, table)
    return tuple(f._replace(off_in=KINDS[f.event_id].off_in) for f in faults)


def over_current_points(table: PointTable) -> frozenset[int]:
    """Return the points whose first sample of a step must be seen: no rate check there."""
    return frozenset(table.match("rail.*_aux.current_a") + table.match("rail.*_54v.current_a"))


def _temperatures(config: CoreConfig, i: int) -> Iterator[Fault]:
    """Temperatures of one accelerator. Their loss is another fault (`_obedience`)."""
    guard, name = config.guard, f"accel{i}"
    off = Response.OVER_TEMPERATURE if config.faults.over_temperature_enabled else Response.NONE

    def hot(what: str, setpoint_c: float) -> Fault:
        return Fault(
            f"accel.{what}_hot",
            name,
            _W,
            unit=i,
            point=f"{name}.{what}_temp_c",
            threshold=setpoint_c + config.faults.setpoint_margin_k,
            hysteresis=2.0,
            persistence_s=config.faults.temperature_confirm_s,
        )

    def over(what: str, limit_c: float) -> Fault:
        # A whole-degree reading of 86 is "at least 85.5": the threshold lies between two readings.
        return Fault(
            f"accel.{what}_over_temperature",
            name,
            _C,
            off,
            i,
            f"{name}.{what}_temp_c",
            threshold=limit_c - 0.5,
            hysteresis=6.0,
            persistence_s=guard.over_temperature_s,
            stale="clear",
        )

    yield hot("core", guard.setpoint_c)
    yield over("core", guard.over_temperature_c)
    yield hot("memory", guard.memory_setpoint_c)
    yield over("memory", guard.memory_over_temperature_c)


def _obedience(config: CoreConfig, i: int) -> Iterator[Fault]:
    """Communication, obedience and health of one accelerator."""
    arbiter, name = config.arbiter, f"accel{i}"

    def when(
        event_id: str,
        severity: Severity,
        condition: str,
        persistence_s: float,
        response: Response = Response.NONE,
        clear_s: float = 1.0,
    ) -> Fault:
        return Fault(
            event_id,
            name,
            severity,
            response,
            i,
            condition=f"{name}.{condition}",
            persistence_s=persistence_s,
            clear_s=clear_s,
        )

    needed, action = "accel.recovery_needed", f"{name}.recovery_action"
    yield Fault(needed, name, _W, unit=i, point=action, stale="clear")
    cycle_s, blind_s = config.rails.lost_power_cycle_s, config.guard.blind_off_s
    yield when("accel.communication_lost", _W, "lost", 0.1)
    yield when("accel.power_cycle_due", _C, "lost_alone", cycle_s, Response.LOST)
    together_s = config.faults.library_lost_s
    yield when("accel.library_power_cycle", _C, "lost_turn", together_s, Response.LOST)
    yield when("accel.core_sensor_stuck", _W, "core_stuck", 0.0)
    hot_s = config.rails.lost_hot_s
    yield when("accel.uncontrolled", _C, "uncontrolled", hot_s, Response.LOST)
    yield when("accel.blind", _C, "blind", blind_s, Response.BLIND)
    yield when("accel.memory_sensor_lost", _W, "memory_lost", 0.1)
    down, off = Response.CLOCK_DOWN, Response.CAP_OFF
    excess_s, off_s = arbiter.cap_excess_s, arbiter.cap_excess_off_s
    yield when("accel.cap_not_obeyed", _C, "cap_excess", excess_s, down, arbiter.cap_obeyed_s)
    yield when("accel.cap_not_enforceable", _C, "cap_excess", off_s, off)
    yield when("accel.reflex_latched", _W, "reflex", 0.0, clear_s=0.0)
    yield when("accel.lease_lapsed", _W, "lapsed", 0.0, clear_s=0.0)


def _aux_rail(config: CoreConfig, i: int) -> Iterator[Fault]:
    """The auxiliary rail of one accelerator."""
    aux, accel = f"accel{i}_aux", f"accel{i}"
    yield Fault(
        "rail.latch_up",
        aux,
        _C,
        Response.LATCH_UP,
        i,
        f"rail.{aux}.current_a",
        threshold=config.latch_up.aux_current_a_max,
        persistence_s=config.latch_up.confirm_s,
        clear_s=0.0,
    )
    yield Fault(
        "rail.micro_latch",
        aux,
        _W,
        unit=i,
        point=f"rail.{aux}.current_a",
        threshold=config.faults.aux_current_a_high,
        hysteresis=0.05,
        persistence_s=config.faults.aux_current_high_s,
    )
    point = f"rail.{aux}.voltage_v"
    yield Fault(
        "rail.over_voltage",
        aux,
        _W,
        unit=i,
        point=point,
        threshold=config.faults.aux_voltage_v_max,
        persistence_s=config.faults.voltage_confirm_s,
    )
    yield Fault(
        "rail.tripped",
        aux,
        _W,
        Response.TRIPPED,
        i,
        condition=f"{accel}.aux_tripped",
        persistence_s=config.faults.rail_confirm_s,
        clear_s=0.0,
        stale="clear",
    )
    yield Fault(
        "rail.failed_closed",
        aux,
        _C,
        unit=i,
        condition=f"{accel}.aux_closed",
        persistence_s=config.faults.failed_closed_s,
    )


def _module_rail(config: CoreConfig, i: int) -> Iterator[Fault]:
    """The module rail of one accelerator."""
    module, accel = f"accel{i}_54v", f"accel{i}"
    yield Fault(
        "rail.over_current",
        module,
        _C,
        Response.OVER_CURRENT,
        i,
        f"rail.{module}.current_a",
        threshold=config.rails.module_current_a_max,
        persistence_s=config.faults.rail_confirm_s,
        clear_s=0.0,
    )
    point = f"rail.{module}.voltage_v"
    yield Fault(
        "rail.over_voltage",
        module,
        _W,
        unit=i,
        point=point,
        threshold=config.faults.module_voltage_v_max,
        persistence_s=config.faults.voltage_confirm_s,
    )
    yield Fault(
        "rail.over_temperature",
        module,
        _W,
        unit=i,
        point=f"rail.{module}.temp_c",
        threshold=config.faults.rail_temp_c_max,
        hysteresis=config.faults.rail_temp_hysteresis_k,
        persistence_s=1.0,
    )
    yield Fault(
        "rail.tripped",
        module,
        _W,
        Response.TRIPPED,
        i,
        condition=f"{accel}.module_tripped",
        persistence_s=config.faults.rail_confirm_s,
        clear_s=0.0,
        stale="clear",
    )
    yield Fault(
        "rail.failed_closed",
        module,
        _C,
        Response.FAILED_CLOSED,
        i,
        condition=f"{accel}.module_closed",
        persistence_s=config.faults.failed_closed_s,
    )


def _switching_off(config: CoreConfig, i: int) -> Iterator[Fault]:
    """A switch-off that is not confirmed: told always, answered when safety needs it."""
    name, module, confirm_s = f"accel{i}", f"accel{i}_54v", config.rails.off_confirm_s
    yield Fault(
        "rail.off_unconfirmed",
        name,
        _W,
        unit=i,
        condition=f"{name}.off_unconfirmed",
        persistence_s=confirm_s,
        clear_s=0.0,
    )
    yield Fault(
        "rail.switch_closed",
        name,
        _W,
        unit=i,
        condition=f"{name}.switch_closed",
        persistence_s=config.faults.switch_closed_s,
        stale="clear",
    )
    yield Fault(
        "rail.cannot_open",
        module,
        _C,
        Response.FAILED_CLOSED,
        i,
        condition=f"{name}.off_needed",
        persistence_s=confirm_s,
    )


def _writes(config: CoreConfig, table: PointTable) -> Iterator[Fault]:
    """What a driver says of its writes. Told only: the caps that count are those read back."""
    for name in writable_devices(table):
        yield Fault("device.write_refused", name, _W, condition=f"{name}.refused")
        yield Fault("device.abandoned", name, _W, condition=f"{name}.abandoned")
        yield Fault(
            "device.write_failed",
            name,
            _W,
            condition=f"{name}.write_failed",
            persistence_s=config.faults.write_failed_s,
        )


def _silent_rails(config: CoreConfig, table: PointTable) -> Iterator[Fault]:
    """A rail's part that does not answer: nothing is known of the rail; the operator is told."""
    for i in table.match("rail.*.status"):
        yield Fault(
            "rail.communication_lost",
            table.points[i].device,
            _W,
            point=table.points[i].name,
            threshold=0xFFFF,  # above every status word: only silence raises it
            persistence_s=config.faults.communication_lost_s,
            stale="trip",
        )


def _drivers(config: CoreConfig, table: PointTable) -> Iterator[Fault]:
    """Silence of the shared drivers; an accelerator's own is `accel.communication_lost`."""
    for name in drivers(table):
        if name.startswith("accel"):
            continue
        vital = name in VITAL_DRIVERS
        yield Fault(
            "driver.communication_lost",
            name,
            _C if vital else _W,
            condition=f"{name}.silent",
            response=Response.DEGRADE if vital else Response.NONE,
        )
        if name == "loop":
            yield Fault(
                "loop.blind",
                name,
                _C,
                Response.SAFE,
                condition=f"{name}.silent",
                persistence_s=config.modes.loop_blind_s,
            )
