"""Assembly of a node: the only place that turns a configuration into concrete drivers."""

from dataclasses import dataclass, replace
from typing import Protocol

from flight.config import NodeConfig, point_phases_s
from flight.core.points import Point, PointTable
from flight.dictionary.channels import ACCELERATORS_PER_BUS, HOST_RAILS
from hal.spec import (
    BusHandle,
    ControllerDevice,
    Device,
    DriverSpec,
    NvmlDevice,
    PmbusDevice,
    PointSpec,
    ReflexSpec,
)

NS_PER_S = 1_000_000_000

# Where each rail's part answers: (address, page). One multi-page auxiliary part per bus.
PAYLOAD_ADDRESS = 0x10
MODULE_ADDRESS_FIRST = 0x11
AUX_ADDRESS = 0x20
HOST_RAIL_ADDRESS = 0x30

# Published peak-power mask of an OAM-class module (check case 22): a draw of `multiple` x nominal
# may last `limit_ms`. A rule's threshold is half-way to the next lower step, so that quantisation
# of a legal step never crosses it; its persistence is the limit and one 1 ms poll and a half.
TRANSIENT_MASK = ((1.1, 20.0), (1.2, 10.0), (1.5, 5.0), (1.6, 2.0))
MODULE_NOMINAL_W = 700.0  # of REF-1; [reflex] module_power_w_nominal says another
MASK_POLL_MARGIN_MS = 1.5


class Hardware(Protocol):
    """Where buses and accelerators come from: real ones in service, simulated ones in sim_hw."""

    def bus(self, driver: str) -> BusHandle:
        """Return the opened bus of a driver."""

    def accelerator(self, index: int) -> NvmlDevice:
        """Return where accelerator `index` is found."""


@dataclass(frozen=True)
class HalSpecs:
    """What hal.NodeImage is built from."""

    points: tuple[PointSpec, ...]
    drivers: tuple[DriverSpec, ...]


def build_hal_specs(config: NodeConfig, table: PointTable, hardware: Hardware) -> HalSpecs:
    """Return drivers, devices, points and reflexes of the configured node, in image order."""
    phases_s = point_phases_s(config, table)
    driver_names = list(dict.fromkeys(point.driver for point in table))
    backoff_max_ns = round(config.buses.backoff_s_max * NS_PER_S)
    points: list[PointSpec] = []
    drivers: list[DriverSpec] = []
    for driver_index, driver in enumerate(driver_names):
        members = [(i, point) for i, point in enumerate(table) if point.driver == driver]
        device_names = list(dict.fromkeys(point.device for _, point in members))
        points += [
            _point_spec(point, driver_index, device_names.index(point.device), phases_s[i])
            for i, point in members
        ]
        devices = tuple(
            _device(config, name, hardware, [p for _, p in members if p.device == name])
            for name in device_names
        )
        is_accelerator = isinstance(devices[0], NvmlDevice)
        drivers.append(
            DriverSpec(
                name=driver,
                bus=None if is_accelerator else hardware.bus(driver),
                devices=devices,
                reflexes=_reflexes(config, table, driver, device_names),
                backoff_max_ns=0 if is_accelerator else backoff_max_ns,
            )
        )
    return HalSpecs(tuple(points), tuple(drivers))


def _point_spec(point: Point, driver: int, device: int, phase_s: float) -> PointSpec:
    spec = PointSpec(
        name=point.name,
        driver=driver,
        device=device,
        channel=point.channel,
        period_ns=round(point.period_s * NS_PER_S),
        phase_ns=round(phase_s * NS_PER_S),
    )
    writable = point.writable
    if writable is None:
        return spec
    return replace(
        spec,
        writable=True,
        low=writable.low,
        high=writable.high,
        safe=writable.safe,
        lease_ns=round(writable.lease_s * NS_PER_S),
        ramp_per_s=writable.ramp_per_s,
        tolerance=writable.tolerance,
        repairs_down=writable.repairs_down,
        abandon_ns=round(writable.abandon_s * NS_PER_S),
        abandon_value=writable.abandon_value,
    )


def _device(config: NodeConfig, name: str, hardware: Hardware, points: list[Point]) -> Device:
    if name in ("loop", "eps", "host"):
        return ControllerDevice(channel_count=len(points))
    silicon = config.silicon
    if name == "payload_54v":
        return PmbusDevice(address=PAYLOAD_ADDRESS, current_limit_a=silicon.payload_current_a_max)
    if name.startswith("host_"):
        page = HOST_RAILS.index(name)
        return PmbusDevice(address=HOST_RAIL_ADDRESS, page=page)
    index = int(name.removeprefix("accel").split("_")[0])
    if name.endswith("_54v"):
        return PmbusDevice(
            address=MODULE_ADDRESS_FIRST + index % ACCELERATORS_PER_BUS,
            current_limit_a=silicon.module_current_a_max,
        )
    if name.endswith("_aux"):
        return PmbusDevice(
            address=AUX_ADDRESS,
            page=index % ACCELERATORS_PER_BUS,
            current_limit_a=silicon.aux_current_a_max,
        )
    return hardware.accelerator(index)


def _reflexes(
    config: NodeConfig, table: PointTable, driver: str, devices: list[str]
) -> tuple[ReflexSpec, ...]:
    if not config.reflex.enabled:
        return ()
    if driver.startswith("accel"):
        hot = core_temperature_rule(config, table, driver)
        if not config.node.has_loop:
            return (hot,)
        return (hot, lost_flow_rule(config, table, driver))
    modules = [name for name in devices if name.startswith("accel") and name.endswith("_54v")]
    auxiliaries = [name for name in devices if name.endswith("_aux")]
    nominal_w = config.reflex.module_power_w_nominal
    return (
        *(rule for name in modules for rule in transient_mask(table, f"rail.{name}", nominal_w)),
        *(latch_up_rule(config, table, f"rail.{name}") for name in auxiliaries),
    )


def core_temperature_rule(config: NodeConfig, table: PointTable, accel: str) -> ReflexSpec:
    """Return the reflex that lowers an accelerator's cap while its core is too hot."""
    cap, lowest_w = _lowest_cap(table, accel)
    return ReflexSpec(
        point=table.index[f"{accel}.core_temp_c"],
        threshold=config.reflex.core_temp_c,
        persistence_ns=round(config.reflex.persistence_s * NS_PER_S),
        action_point=cap,
        action_value=lowest_w,
    )


def lost_flow_rule(config: NodeConfig, table: PointTable, accel: str) -> ReflexSpec:
    """Return the reflex that lowers an accelerator's cap while coolant stands.

    The flow is a point of the loop's driver: one that is silent neither trips nor releases it.
    """
    cap, lowest_w = _lowest_cap(table, accel)
    return ReflexSpec(
        point=table.index["loop.flow_kg_per_s"],
        comparison="below",
        threshold=config.reflex.flow_kg_per_s,
        persistence_ns=round(config.reflex.flow_persistence_s * NS_PER_S),
        max_age_ns=round(config.reflex.flow_age_s * NS_PER_S),
        action_point=cap,
        action_value=lowest_w,
    )


def latch_up_rule(config: NodeConfig, table: PointTable, rail: str) -> ReflexSpec:
    """Return the reflex that opens an auxiliary rail whose current has stepped up."""
    return ReflexSpec(
        point=table.index[f"{rail}.current_a"],
        threshold=config.reflex.aux_current_a,
        persistence_ns=round(config.reflex.aux_persistence_s * NS_PER_S),
        action_point=table.index[f"{rail}.enable"],
        action_value=0.0,
    )


def _lowest_cap(table: PointTable, accel: str) -> tuple[int, float]:
    cap = table.index[f"{accel}.cap_w"]
    writable = table.points[cap].writable
    assert writable is not None
    return cap, writable.low


def transient_mask(
    table: PointTable, rail: str, nominal_w: float = MODULE_NOMINAL_W
) -> tuple[ReflexSpec, ...]:
    """Return the reflexes that open a module rail outside the published peak-power mask.

    Power is compared, not current: at a low bus voltage the rated power draws more current.
    """
    power, enable = table.index[f"{rail}.power_w"], table.index[f"{rail}.enable"]
    below = (1.0, *(multiple for multiple, _ in TRANSIENT_MASK))
    return tuple(
        ReflexSpec(
            point=power,
            threshold=nominal_w * (multiple + lower) / 2.0,
            persistence_ns=round((limit_ms + MASK_POLL_MARGIN_MS) * 1e6),
            action_point=enable,
            action_value=0.0,
        )
        for (multiple, limit_ms), lower in zip(TRANSIENT_MASK, below, strict=False)
    )
