"""The faults of what all accelerators share: payload bus, host, loop, power."""

from collections.abc import Iterator

from flight.core.config import CoreConfig
from flight.core.monitors import Fault, Response
from flight.core.types import Severity

_W, _C = Severity.WARNING, Severity.CRITICAL
_HOST_RAILS = (("host_12v", 12.0), ("host_5v", 5.0), ("host_3v3", 3.3), ("host_1v8", 1.8))  # V


def build(config: CoreConfig, accelerator_count: int) -> Iterator[Fault]:
    """Yield the faults of the shared parts of a node."""
    yield from _payload(config)
    yield from _host_rails(config)
    yield from _loop(config, accelerator_count)
    yield from _power(config)
    yield from _host(config)


def _payload(config: CoreConfig) -> Iterator[Fault]:
    rail, confirm = "payload_54v", config.faults.rail_confirm_s
    yield Fault("driver.library_lost", "nvml", _C, condition="library_lost", persistence_s=0.1)
    yield Fault(
        "rail.over_current",
        rail,
        _C,
        Response.PAYLOAD_OVER_CURRENT,
        point=f"rail.{rail}.current_a",
        persistence_s=confirm,
        clear_s=config.arbiter.bus_recover_s,
        threshold=config.rails.payload_current_a_max,
        hysteresis=0.1 * config.rails.payload_current_a_max,
    )
    yield Fault(
        "rail.over_temperature",
        rail,
        _W,
        point=f"rail.{rail}.temp_c",
        hysteresis=config.faults.rail_temp_hysteresis_k,
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
    faults = config.faults
    for (rail, volts), amperes in zip(_HOST_RAILS, faults.host_rail_current_a, strict=True):
        point = f"rail.{rail}.voltage_v"
        yield Fault(
            "rail.under_voltage",
            rail,
            _C,
            point=point,
            comparison="<",
            threshold=faults.host_voltage_ratio_min * volts,
            hysteresis=0.01 * volts,
            persistence_s=faults.voltage_confirm_s,
        )
        yield Fault(
            "rail.over_voltage",
            rail,
            _C,
            point=point,
            threshold=faults.host_voltage_ratio_max * volts,
            persistence_s=faults.voltage_confirm_s,
        )
        yield Fault(
            "rail.over_current",
            rail,
            _C,
            point=f"rail.{rail}.current_a",
            threshold=faults.host_current_ratio_max * amperes,
            hysteresis=0.1 * amperes,
            persistence_s=faults.voltage_confirm_s,
        )
        yield Fault(
            "rail.over_temperature",
            rail,
            _W,
            point=f"rail.{rail}.temp_c",
            hysteresis=config.faults.rail_temp_hysteresis_k,
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
            persistence_s=config.faults.temperature_confirm_s,
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
            persistence_s=config.faults.temperature_confirm_s,
        )


def _power(config: CoreConfig) -> Iterator[Fault]:
    faults, arbiter = config.faults, config.arbiter
    yield Fault("eps.allotment_lapsed", "eps", _W, condition="allotment_lapsed", clear_s=0.0)
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
        threshold=faults.bus54_voltage_v_max,
        hysteresis=0.3,
        persistence_s=0.5,
    )
    yield Fault(
        "eps.bus28_low",
        "eps",
        _W,
        point="eps.bus28.voltage_v",
        comparison="<",
        threshold=faults.bus28_voltage_v_min,
        hysteresis=0.5,
        persistence_s=0.5,
    )
    yield Fault(
        "eps.bus28_high",
        "eps",
        _W,
        point="eps.bus28.voltage_v",
        threshold=faults.bus28_voltage_v_max,
        hysteresis=0.5,
        persistence_s=0.5,
    )
    yield from _battery(config)


def _battery(config: CoreConfig) -> Iterator[Fault]:
    """The battery. Its state of charge has a law of its own (ladder.py)."""
    faults = config.faults
    for event_id, comparison, limit_a in (
        ("eps.charge_high", ">", faults.battery_current_a_max),
        ("eps.discharge_high", "<", -faults.battery_current_a_max),
    ):
        yield Fault(
            event_id,
            "eps",
            _W,
            point="eps.battery.current_a",
            comparison=comparison,
            threshold=limit_a,
            hysteresis=10.0,
            persistence_s=2.0,
        )
    yield Fault(
        "eps.battery_low",
        "eps",
        _W,
        point="eps.battery.voltage_v",
        comparison="<",
        threshold=faults.battery_voltage_v_min,
        hysteresis=1.0,
        persistence_s=1.0,
    )
    yield Fault(
        "eps.charge_unknown",
        "eps",
        _W,
        point="eps.battery.charge_ratio",
        threshold=2.0,  # above every charge: only silence raises it
        persistence_s=faults.charge_unknown_s,
        stale="trip",
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
            threshold=faults.nvme_wear_ratio_max,
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
