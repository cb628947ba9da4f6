"""The faults of a node, as data: what is watched, how long, how severe, and which response it
calls.
"""

from collections.abc import Iterator
from typing import Final

from flight.core.config import CoreConfig
from flight.core.monitors import Fault, Response
from flight.core.points import PointTable
from flight.core.types import Severity

_W, _C = Severity.WARNING, Severity.CRITICAL

# Conditions that step() computes, because they depend on what was commanded. Per accelerator:
ACCEL_CONDITIONS: Final = (
    "lost",  # in service, but no core temperature
    "blind",  # in service, neither core temperature nor rail power
    "memory_lost",  # in service, no memory temperature
    "cap_excess",  # power above the granted cap and its tolerance
    "module_tripped",  # commanded on, power good once, voltage gone
    "aux_tripped",
    "module_closed",  # commanded off for a while, current flows
    "aux_closed",
    "reflex",  # FLAG_REFLEX on the cap
    "lapsed",  # FLAG_LAPSED on the cap
)
NODE_CONDITIONS: Final = ("payload_tripped", "payload_closed")
# The whole node leans on these drivers: losing one leads to DEGRADED.
VITAL_DRIVERS: Final = ("loop", "eps")


def drivers(table: PointTable) -> tuple[str, ...]:
    """Return the driver names in image order."""
    return tuple(dict.fromkeys(p.driver for p in table))


def conditions(table: PointTable, accelerator_count: int) -> tuple[str, ...]:
    """Return the names of all computed conditions, in the order step() gives them."""
    silent = tuple(f"{name}.silent" for name in drivers(table) if not name.startswith("accel"))
    accel = tuple(f"accel{i}.{c}" for c in ACCEL_CONDITIONS for i in range(accelerator_count))
    return accel + NODE_CONDITIONS + silent


def build_faults(
    config: CoreConfig, table: PointTable, accelerator_count: int
) -> tuple[Fault, ...]:
    """Return all faults of a node; those whose point does not exist are dropped by the monitor
    table.
    """
    faults: list[Fault] = []
    for i in range(accelerator_count):
        faults += _temperatures(config, i)
        faults += _obedience(config, i)
        faults += _aux_rail(config, i)
        faults += _module_rail(config, i)
    faults += _payload(config)
    faults += _host_rails(config)
    faults += _loop(config, accelerator_count)
    faults += _power(config)
    faults += _host(config)
    faults += _silent_rails(config, table)
    faults += _drivers(config, table)
    return tuple(faults)


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
            threshold=setpoint_c + 1.5,
            hysteresis=2.0,
            persistence_s=2.0,
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

    def counted(event_id: str, channel: str) -> Fault:
        return Fault(event_id, name, _W, unit=i, point=f"{name}.{channel}", stale="clear")

    def when(
        event_id: str,
        severity: Severity,
        condition: str,
        persistence_s: float,
        response: Response = Response.NONE,
        clear_s: float = 1.0,
        rearm: str = "auto",
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
            rearm=rearm,
        )

    yield counted("accel.uncorrected_error", "ecc_uncorrected_count")
    yield counted("accel.xid", "xid")
    yield counted("accel.recovery_needed", "recovery_action")
    cycle_s, blind_s = config.rails.lost_power_cycle_s, config.guard.blind_off_s
    yield when("accel.communication_lost", _W, "lost", 0.1)
    yield when("accel.power_cycle_due", _C, "lost", cycle_s, Response.LOST)
    yield when("accel.blind", _C, "blind", blind_s, Response.BLIND)
    yield when("accel.memory_sensor_lost", _W, "memory_lost", 0.1)
    down, off = Response.CLOCK_DOWN, Response.CAP_OFF
    excess_s, off_s = arbiter.cap_excess_s, arbiter.cap_excess_off_s
    yield when("accel.cap_not_obeyed", _C, "cap_excess", excess_s, down, 0.0, "command")
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
    point = f"rail.{aux}.voltage_v"
    yield Fault("rail.over_voltage", aux, _W, unit=i, point=point, threshold=3.6, persistence_s=0.2)
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
        "rail.over_voltage", module, _W, unit=i, point=point, threshold=57.5, persistence_s=0.2
    )
    yield Fault(
        "rail.over_temperature",
        module,
        _W,
        unit=i,
        point=f"rail.{module}.temp_c",
        threshold=config.faults.rail_temp_c_max,
        hysteresis=5.0,
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


def _payload(config: CoreConfig) -> Iterator[Fault]:
    rail, confirm = "payload_54v", config.faults.rail_confirm_s
    yield Fault(
        "rail.over_current",
        rail,
        _C,
        point=f"rail.{rail}.current_a",
        persistence_s=confirm,
        threshold=config.rails.payload_current_a_max,
    )
    yield Fault(
        "rail.over_temperature",
        rail,
        _W,
        point=f"rail.{rail}.temp_c",
        hysteresis=5.0,
        threshold=config.faults.rail_temp_c_max,
        persistence_s=1.0,
    )
    yield Fault(
        "rail.tripped",
        rail,
        _C,
        Response.PAYLOAD_TRIPPED,
        persistence_s=confirm,
        clear_s=0.0,
        condition="payload_tripped",
        stale="clear",
    )
    yield Fault(
        "rail.failed_closed",
        rail,
        _C,
        condition="payload_closed",
        persistence_s=config.faults.failed_closed_s,
    )


def _host_rails(config: CoreConfig) -> Iterator[Fault]:
    """Host rails have no switch of ours: the operator is told."""
    for rail, volts in (("host_12v", 12.0), ("host_5v", 5.0), ("host_3v3", 3.3), ("host_1v8", 1.8)):
        point = f"rail.{rail}.voltage_v"
        yield Fault(
            "rail.under_voltage",
            rail,
            _C,
            point=point,
            comparison="<",
            threshold=0.92 * volts,
            hysteresis=-0.01 * volts,
            persistence_s=0.2,
        )
        yield Fault(
            "rail.over_voltage", rail, _C, point=point, threshold=1.08 * volts, persistence_s=0.2
        )
        yield Fault(
            "rail.over_temperature",
            rail,
            _W,
            point=f"rail.{rail}.temp_c",
            hysteresis=5.0,
            threshold=config.faults.rail_temp_c_max,
            persistence_s=1.0,
        )


def _loop(config: CoreConfig, accelerator_count: int) -> Iterator[Fault]:
    """Coolant temperatures and pressure. Pump loss has its own law (pumps.py)."""
    loop = config.loop

    def at(
        event_id: str, severity: Severity, channel: str, comparison: str, threshold: float
    ) -> Fault:
        return Fault(
            event_id,
            "loop",
            severity,
            point=f"loop.{channel}",
            comparison=comparison,
            threshold=threshold,
            hysteresis=1.0,
            persistence_s=2.0,
        )

    yield at("loop.supply_cold", _W, "supply_temp_c", "<", loop.supply_temp_c_min)
    yield at("loop.supply_hot", _W, "supply_temp_c", ">", loop.supply_temp_c_max)
    yield at("loop.return_hot", _W, "return_temp_c", ">", loop.return_temp_c_max)
    yield at("loop.radiator_cold", _W, "radiator_out_temp_c", "<", loop.radiator_temp_c_min)
    yield at("loop.pressure_high", _W, "pressure_kpa", ">", loop.pressure_kpa_max)
    yield at(
        "loop.accumulator_low", _C, "accumulator_ratio", "<", loop.accumulator_ratio_min
    )._replace(hysteresis=0.02)
    yield at("loop.flow_low", _W, "flow_kg_per_s", "<", loop.flow_kg_per_s_min)._replace(
        hysteresis=0.005, persistence_s=loop.spin_up_s
    )
    for i in range(accelerator_count):
        yield Fault(
            "plate.hot",
            f"plate{i}",
            _W,
            point=f"plate{i}.outlet_temp_c",
            hysteresis=2.0,
            threshold=config.faults.plate_temp_c_max,
            persistence_s=2.0,
        )


def _power(config: CoreConfig) -> Iterator[Fault]:
    faults, arbiter = config.faults, config.arbiter
    yield Fault(
        "eps.bus54_low",
        "eps",
        _C,
        Response.BUS_LOW,
        point="eps.bus54.voltage_v",
        comparison="<",
        threshold=arbiter.bus54_voltage_v_min,
        hysteresis=0.5,
        persistence_s=0.09,
        clear_s=arbiter.bus_recover_s,
    )
    yield Fault(
        "eps.bus54_high",
        "eps",
        _W,
        point="eps.bus54.voltage_v",
        threshold=57.5,
        hysteresis=0.3,
        persistence_s=0.5,
    )
    yield Fault(
        "eps.bus28_low",
        "eps",
        _W,
        point="eps.bus28.voltage_v",
        comparison="<",
        threshold=25.0,
        hysteresis=0.5,
        persistence_s=0.5,
    )
    yield Fault(
        "eps.battery_hot",
        "eps",
        _W,
        point="eps.battery.temp_c",
        hysteresis=2.0,
        threshold=faults.battery_temp_c_max,
        persistence_s=5.0,
    )
    yield Fault(
        "eps.battery_cold",
        "eps",
        _W,
        point="eps.battery.temp_c",
        comparison="<",
        threshold=faults.battery_temp_c_min,
        hysteresis=2.0,
        persistence_s=5.0,
    )


def _host(config: CoreConfig) -> Iterator[Fault]:
    faults = config.faults
    yield Fault(
        "host.cpu_hot",
        "host",
        _W,
        point="host.cpu_temp_c",
        threshold=faults.cpu_temp_c_max,
        hysteresis=3.0,
        persistence_s=5.0,
    )
    for drive in ("nvme0", "nvme1"):
        yield Fault(
            "host.drive_hot",
            drive,
            _W,
            point=f"host.{drive}.temp_c",
            hysteresis=3.0,
            threshold=faults.nvme_temp_c_max,
            persistence_s=5.0,
        )
        yield Fault(
            "host.drive_worn",
            drive,
            _W,
            point=f"host.{drive}.wear_ratio",
            threshold=0.9,
            hysteresis=0.01,
            persistence_s=5.0,
        )
    yield Fault(
        "host.disk_full",
        "host",
        _W,
        point="host.disk_free_ratio",
        comparison="<",
        threshold=faults.disk_free_ratio_min,
        hysteresis=0.02,
        persistence_s=5.0,
    )


def _silent_rails(config: CoreConfig, table: PointTable) -> Iterator[Fault]:
    """A rail's part that does not answer: nothing is known of the rail, and the operator is told."""
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
