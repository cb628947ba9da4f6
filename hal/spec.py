"""What a node image and its drivers are built from: plain data, checked once, no ffi."""

import math
from dataclasses import dataclass
from typing import Literal

ControllerRole = Literal["loop", "eps", "host"]
Comparison = Literal["above", "below"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSpec:
    """One scalar on one device of one driver. Points of a driver are contiguous in the image.

    Args:
        driver: Index into the drivers given to the image.
        device: Index into that driver's devices.
        channel: The device class's own channel number (csrc/include/nightside/device.h).
        period_ns: Poll period, > 0.
        phase_ns: Polled at each k * period_ns + phase_ns of the drivers' clock; 0 .. period_ns - 1.
        low, high: Immutable limits of a write; ignored for a read-only point.
        safe: Value applied when a lease lapses. NaN: what is applied stays.
        lease_ns: Lease length counted by the driver; 0 for a point that is not leased.
        ramp_per_s: Slope from the safe value after a lapse ended; 0 for a step.
        tolerance: A read-back within it equals the desired value (encoding, quantum).
        abandon_ns: After so long without a heartbeat `abandon_value` holds, until it is
            itself desired; then another may be. 0: never.
    """

    name: str
    driver: int
    device: int
    channel: int
    period_ns: int
    writable: bool = False
    low: float = -math.inf
    high: float = math.inf
    safe: float = math.nan
    lease_ns: int = 0
    ramp_per_s: float = 0.0
    tolerance: float = 0.0
    abandon_ns: int = 0
    abandon_value: float = 0.0
    phase_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BusHandle:
    """A bus as two addresses, so that another extension module can supply it: ns_bus_ops_t *, void
    *.
    """

    ops_address: int
    ctx_address: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PmbusDevice:
    """One rail of one PMBus part. `page` is None for a part with a single page.

    `current_limit_a` (0: none) is programmed into IOUT_OC_FAULT_LIMIT and verified by value before
    the output may be enabled, and again after each time the part was found power-cycled.
    """

    address: int
    page: int | None = None
    pec: bool = True
    current_limit_a: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NvmlDevice:
    """One accelerator, opened by PCI bus id through a library at an absolute path; the UUID is then
    verified.
    """

    library_path: str
    pci_bus_id: str
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerDevice:
    """A microcontroller on the framed serial protocol (frame.h) with `channel_count` channels."""

    channel_count: int


Device = PmbusDevice | NvmlDevice | ControllerDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflexSpec:
    """While `point` is beyond `threshold` for `persistence_ns`, hold `action_value` on
    `action_point`; latched.

    Points are named by their index in the image. The driver of the action point runs the rule. At
    least two samples are needed whatever the persistence, so one sample never trips.

    Args:
        comparison: Which side of the threshold is beyond it; the threshold itself is not.
        max_age_ns: For a point of another driver, > 0: how long ago its sample may have changed
            for a re-arm to believe it. Not used for a point of the same driver.
    """

    point: int
    threshold: float
    persistence_ns: int
    action_point: int
    action_value: float
    comparison: Comparison = "above"
    max_age_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpec:
    """One driver: one bus (None for nvml), its devices in write order, its reflexes.

    Args:
        retries: Tries after a transient failure (NACK, PEC, TIMEOUT, BUSY).
        call_deadline_ns: Of one call into a device: begin and its reads, or one write.
        backoff_max_ns: Longest pause between tries of a device that is silent; 0: no pauses.
    """

    name: str
    bus: BusHandle | None
    devices: tuple[Device, ...]
    reflexes: tuple[ReflexSpec, ...] = ()
    retries: int = 1
    call_deadline_ns: int = 100_000_000
    backoff_max_ns: int = 0
