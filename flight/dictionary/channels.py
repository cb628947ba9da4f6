"""Channels: every point of a node from templates per device class. One name in all layers.

A template is one row: channel number, name, unit, range of true readings, and what else the class
knows. The order of rows is the device's channel order (csrc/include/nightside/device.h). Ranges are
what the
sensor and the quantity can be, not operating limits: those are fault monitors
(flight/core/faults.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from flight.core.points import Point, PointTable, Writable

ACCELERATORS_PER_BUS = 4  # REF-1: accelerators 0-3 on rails_a, 4-7 on rails_b
LOOP_PUMPS = ("pump_a", "pump_b")
HOST_RAILS = ("host_12v", "host_5v", "host_3v3", "host_1v8")
STRING_COUNT = 8

LEASE_S = 1.5  # docs/design/node-image.md: default lease of caps, clocks and pump speed
CAP_W_MIN = 200.0  # smallest settable limit of the H100-class module (REF-1)
CAP_W_MAX = 700.0
CLOCK_MHZ_MAX = 1980.0
PUMP_RPM_MAX = 6000.0
LAPSE_RAMP_W_PER_S = 25.0  # 200 W/s per node over eight accelerators (docs/models.md, fault P10)

_SWITCH = Writable(low=0.0, high=1.0, tolerance=0.1)
# A rail has an off-time and an order: its driver never closes it by itself.
_RAIL_SWITCH = replace(_SWITCH, repairs_down=True)
# A node that nobody commands for so long is not computing for anybody: accelerators go off, the
# module before its auxiliary, because a driver writes in point order.
ABANDON_S = 600.0
_ACCELERATOR_SWITCH = replace(_RAIL_SWITCH, abandon_s=ABANDON_S, abandon_value=0.0)
_CAP = Writable(
    low=CAP_W_MIN,
    high=CAP_W_MAX,
    safe=CAP_W_MIN,
    lease_s=LEASE_S,
    ramp_per_s=LAPSE_RAMP_W_PER_S,
    tolerance=0.5,
)
# A clock lock holds back an accelerator that ignores its cap: a lapse must not lift it.
_CLOCK = Writable(low=210.0, high=CLOCK_MHZ_MAX, lease_s=LEASE_S, tolerance=0.5)
_PUMP_TARGET = Writable(
    low=0.0, high=PUMP_RPM_MAX, safe=PUMP_RPM_MAX, lease_s=LEASE_S, tolerance=1.0
)


@dataclass(frozen=True, slots=True)
class Template:
    """One channel of a device class; `Point` says what the fields mean."""

    name: str
    unit: str
    low: float
    high: float
    rate_max_per_s: float = inf
    age_s_max: float = 0.5
    period_s: float = 0.1
    stuck_after_s: float = 0.0
    stuck_reference: str = ""
    stuck_reference_delta: float = inf
    stuck_lag_s: float = 0.0
    writable: Writable | None = None


NVML = (  # channel order: ns_nvml_channel
    Template("power_w", "W", 0.0, 1500.0),
    Template(
        "core_temp_c",
        "degC",
        -20.0,
        125.0,
        rate_max_per_s=30.0,
        # Whole degrees: at the turning point of a 25 W/s ramp a reading stays for up to 12 s.
        # A core follows its power with 0.05 K/W x 600 J/K = 30 s: 60 W of that are 2.4 K or more.
        # A step from 200 to 700 W is that far after 3.9 s; 53 flights whose bursts and budgets
        # moved, and no sensor stuck, came to 41 W.
        stuck_after_s=0.5,
        stuck_reference="power_w",
        stuck_reference_delta=60.0,
        stuck_lag_s=30.0,
    ),
    Template("memory_temp_c", "degC", -20.0, 125.0, rate_max_per_s=30.0),
    Template("margin_c", "degC", -60.0, 120.0),
    Template("utilisation_ratio", "ratio", 0.0, 1.0),
    Template("clock_mhz", "MHz", 0.0, 2500.0),
    Template("energy_j", "J", 0.0, 1e12),
    Template("event_reasons", "bits", 0.0, 4294967295.0),
    Template("ecc_corrected_count", "count", 0.0, 1e12),
    Template("ecc_uncorrected_count", "count", 0.0, 1e12),
    Template("xid", "code", 0.0, 1000.0),
    Template("recovery_action", "code", 0.0, 16.0),
    Template("pcie_replay_count", "count", 0.0, 1e12),
    Template("cap_w", "W", 0.0, 1500.0, writable=_CAP),
    Template("clock_max_mhz", "MHz", 0.0, 2500.0, writable=_CLOCK),
)

HOT_SWAP = (  # channel order: ns_pmbus_channel
    Template("voltage_v", "V", 0.0, 75.0),
    Template("current_a", "A", -1.0, 40.0),
    Template("power_w", "W", -20.0, 2500.0),
    Template("temp_c", "degC", -40.0, 150.0, rate_max_per_s=50.0),
    Template("status", "bits", 0.0, 65534.0),
    Template("enable", "switch", 0.0, 1.0, writable=_ACCELERATOR_SWITCH),
)
_PAYLOAD: dict[str, dict[str, Any]] = {
    "current_a": {"high": 200.0},
    "power_w": {"high": 12000.0},
    "enable": {"writable": _RAIL_SWITCH},
}
PAYLOAD_HOT_SWAP = tuple(replace(t, **_PAYLOAD.get(t.name, {})) for t in HOT_SWAP)
_PMBUS_CHANNELS = {t.name: i for i, t in enumerate(HOT_SWAP)}

AUX = (
    Template("voltage_v", "V", 0.0, 5.0),
    Template("current_a", "A", -0.5, 10.0),
    Template("status", "bits", 0.0, 65534.0),
    Template("enable", "switch", 0.0, 1.0, writable=_ACCELERATOR_SWITCH),
)
HOST_RAIL = (
    Template("voltage_v", "V", 0.0, 15.0),
    Template("current_a", "A", -0.5, 60.0),
    Template("temp_c", "degC", -40.0, 150.0, rate_max_per_s=50.0),
    Template("status", "bits", 0.0, 65534.0),
)

_PUMP = (
    Template("speed_rpm", "rpm", -100.0, 8000.0),
    Template("current_a", "A", -0.5, 10.0),
    Template("speed_target_rpm", "rpm", 0.0, PUMP_RPM_MAX, writable=_PUMP_TARGET),
)
_LOOP_REST = (
    Template("flow_kg_per_s", "kg/s", -0.05, 0.5),
    Template("supply_temp_c", "degC", -60.0, 120.0, rate_max_per_s=20.0),
    Template("return_temp_c", "degC", -60.0, 120.0, rate_max_per_s=20.0),
    Template("radiator_out_temp_c", "degC", -100.0, 120.0, rate_max_per_s=20.0),
    Template("pressure_kpa", "kPa", -10.0, 600.0),
    Template("accumulator_ratio", "ratio", -0.02, 1.02),
    Template(
        "bypass_ratio", "ratio", 0.0, 1.0, writable=Writable(low=0.0, high=1.0, tolerance=0.005)
    ),
    Template("heater_a.enable", "switch", 0.0, 1.0, writable=_SWITCH),
    Template("heater_b.enable", "switch", 0.0, 1.0, writable=_SWITCH),
)
_PLATE = Template("outlet_temp_c", "degC", -60.0, 130.0, rate_max_per_s=20.0)

_BUSES = (
    Template("bus54.voltage_v", "V", 0.0, 75.0),
    Template("bus28.voltage_v", "V", 0.0, 40.0),
)
EPS = (
    # In the dark its noise, 5 W assumed, must stay inside: a zero is no fault of the meter.
    Template("array_power_w", "W", -50.0, 20000.0),
    *(Template(f"string{i}.current_a", "A", -0.5, 60.0) for i in range(STRING_COUNT)),
    Template("battery.voltage_v", "V", 0.0, 80.0),
    Template("battery.current_a", "A", -300.0, 300.0),
    Template("battery.temp_c", "degC", -60.0, 90.0, rate_max_per_s=10.0),
    Template("battery.charge_ratio", "ratio", -0.02, 1.02, rate_max_per_s=0.02),
    *_BUSES,
    Template("battery_heater.enable", "switch", 0.0, 1.0, writable=_SWITCH),
)
EPS_FED = _BUSES  # fed by the spacecraft: the node meters what comes in
HOST = (
    Template("cpu_temp_c", "degC", -40.0, 125.0, rate_max_per_s=50.0),
    Template("edac_corrected_count", "count", 0.0, 1e12),
    Template("nvme0.temp_c", "degC", -40.0, 125.0, rate_max_per_s=50.0),
    Template("nvme0.wear_ratio", "ratio", 0.0, 2.0),
    Template("nvme1.temp_c", "degC", -40.0, 125.0, rate_max_per_s=50.0),
    Template("nvme1.wear_ratio", "ratio", 0.0, 2.0),
    Template("disk_free_ratio", "ratio", 0.0, 1.0),
)
# Without a loop its controller is missing too: the host reads the radiator's thermistor.
HOST_OF_CONDUCTION = (
    *HOST,
    Template("radiator_temp_c", "degC", -100.0, 120.0, rate_max_per_s=20.0),
)


def build_point_table(
    accelerator_count: int = 8, *, eps: bool = True, loop: bool = True
) -> PointTable:
    """Return all points of a node in image order.

    Args:
        accelerator_count: 1 to 8.
        eps: False for a node whose spacecraft owns array and battery.
        loop: False for a node that conducts its heat into a radiator.

    Raises:
        ValueError: accelerator_count is out of range.
    """
    if not 1 <= accelerator_count <= 8:
        raise ValueError(f"accelerator_count is {accelerator_count}, must be 1 to 8")
    points: list[Point] = []
    for i in range(accelerator_count):
        points += _device_points(NVML, driver=f"accel{i}", device=f"accel{i}", prefix=f"accel{i}.")
    points += _rail_points("rails_a", range(min(accelerator_count, ACCELERATORS_PER_BUS)))
    if accelerator_count > ACCELERATORS_PER_BUS:
        points += _rail_points("rails_b", range(ACCELERATORS_PER_BUS, accelerator_count))
    for rail in HOST_RAILS:
        points += _pmbus_points(HOST_RAIL, "rails_host", rail)
    if loop:
        points += _loop_points(accelerator_count)
    templates = EPS if eps else EPS_FED
    points += _device_points(templates, driver="eps", device="eps", prefix="eps.")
    templates = HOST if loop else HOST_OF_CONDUCTION
    points += _device_points(templates, driver="host", device="host", prefix="host.")
    return PointTable(tuple(points))


def _rail_points(driver: str, accelerators: Iterable[int]) -> list[Point]:
    """Hot-swaps before auxiliary pages: within one write round modules open before their
    auxiliaries.
    """
    members = list(accelerators)
    points: list[Point] = []
    if driver == "rails_a":
        points += _pmbus_points(PAYLOAD_HOT_SWAP, driver, "payload_54v")
    for i in members:
        points += _pmbus_points(HOT_SWAP, driver, f"accel{i}_54v")
    for i in members:
        points += _pmbus_points(AUX, driver, f"accel{i}_aux")
    return points


def _loop_points(plate_count: int) -> list[Point]:
    rows = [(f"loop.{pump}.{template.name}", template) for pump in LOOP_PUMPS for template in _PUMP]
    rows += [(f"loop.{template.name}", template) for template in _LOOP_REST]
    rows += [(f"plate{i}.{_PLATE.name}", _PLATE) for i in range(plate_count)]
    return [
        _point(template, name=name, driver="loop", device="loop", channel=channel, prefix="")
        for channel, (name, template) in enumerate(rows)
    ]


def _pmbus_points(templates: Iterable[Template], driver: str, rail: str) -> list[Point]:
    return [
        _point(
            template,
            name=f"rail.{rail}.{template.name}",
            driver=driver,
            device=rail,
            channel=_PMBUS_CHANNELS[template.name],
            prefix=f"rail.{rail}.",
        )
        for template in templates
    ]


def _device_points(
    templates: Iterable[Template], *, driver: str, device: str, prefix: str
) -> list[Point]:
    return [
        _point(t, name=prefix + t.name, driver=driver, device=device, channel=i, prefix=prefix)
        for i, t in enumerate(templates)
    ]


def _point(
    template: Template, *, name: str, driver: str, device: str, channel: int, prefix: str
) -> Point:
    return Point(
        name=name,
        unit=template.unit,
        driver=driver,
        device=device,
        channel=channel,
        low=template.low,
        high=template.high,
        period_s=template.period_s,
        age_s_max=template.age_s_max,
        rate_max_per_s=template.rate_max_per_s,
        stuck_after_s=template.stuck_after_s,
        stuck_reference=prefix + template.stuck_reference if template.stuck_reference else "",
        stuck_reference_delta=template.stuck_reference_delta,
        stuck_lag_s=template.stuck_lag_s,
        writable=template.writable,
    )
