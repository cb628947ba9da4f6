"""What a node image and its drivers are built from: plain data, checked once, no ffi."""

import math
from dataclasses import dataclass
from typing import Literal

PmbusPart = Literal[
    "generic", "adm1272", "adm1275", "lm25066", "lm5066", "ltc2978", "ltc3887", "isl68137",
    "raa228", "mp2975", "ucd90xxx",
]  # fmt: skip
Ina2xxPart = Literal["ina219", "ina226", "ina228"]
Tmp4xxPart = Literal["tmp421", "tmp422", "tmp423", "tmp464"]
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
        repairs_down: A read-back below the desired value is left, only one above is written again:
            a switch that opened by itself is not closed by a scrub.
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
    repairs_down: bool = False
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

    Limits (0 or NaN: none) are programmed where the part has the command, rounded toward safe, and
    verified by value before the output may be enabled, and again after each time the part was found
    power-cycled. What each part can do: docs/reference/pmbus-parts.md.

    Args:
        current_limit_a: IOUT_OC_FAULT_LIMIT; the warning of a hot-swap, whose fault limit is
            strapped.
        shunt_uohm: Of a hot-swap.
        sense_range: Of an LM25066 or LM5066 whose range is set by its pin (pmbus.h).
        phase: Of a multiphase regulator: 0 .. 31, or 255 for all; None: PHASE is left alone.
        vid: Table of VID codes (csrc/include/nightside/pmbus.h), 0 where the part needs none.
    """

    address: int
    page: int | None = None
    pec: bool = True
    current_limit_a: float = 0.0
    part: PmbusPart = "generic"
    shunt_uohm: int = 0
    sense_range: int = 0
    voltage_limit_v_high: float = 0.0
    voltage_limit_v_low: float = 0.0
    temp_limit_c: float = 0.0
    power_limit_w: float = 0.0
    phase: int | None = None
    vid: int = 0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ina2xxDevice:
    """A current and power monitor. `current_limit_a` (0: none) sets the alert of INA226 and
    INA228.
    """

    part: Ina2xxPart
    address: int
    shunt_ohm: float
    current_limit_a: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tmp4xxDevice:
    """A temperature sensor with remote diodes. `temp_limit_c` (NaN: none) is for the TMP464."""

    part: Tmp4xxPart
    address: int
    temp_limit_c: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class HwmonAttribute:
    """One file of a chip, e.g. "temp1_input" with a scale of 1e-3 for degrees Celsius."""

    name: str
    scale: float = 1.0
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HwmonDevice:
    """One chip of the kernel's, found by its name and by what it hangs on, never by its number.

    `device` is the last part of where the chip's `device` link points, e.g. "0000:41:00.0"; empty
    where the name is enough. The channel of an attribute is its place in the tuple.
    """

    name: str
    attributes: tuple[HwmonAttribute, ...]
    device: str = ""
    root: str = "/sys/class/hwmon"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogDevice:
    """A watchdog of the kernel's. The first stroke arms it, and only a disarm stops it then
    (watchdog.h, DriverSet.disarm_watchdogs).
    """

    path: str
    timeout_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GpioLine:
    """One line of a GPIO chip; an input unless `output` is given its first value (gpio.h)."""

    offset: int
    output: bool | None = None
    active_low: bool = False
    open_drain: bool = False
    edges: bool = False
    debounce_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GpioDevice:
    """Lines of one GPIO chip; the channel of a line is its place in the tuple, 32 + n its edges."""

    chip_path: str
    lines: tuple[GpioLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsgDevice:
    """The kernel log as a source of Xids, from its end on (kmsg.h).

    `accelerators`: PCI bus id and UUID of each, in the order of the channels. An accelerator that
    is a device of the same driver shares its Xids with the log, so that each counts once.
    `path` is a character device; with `is_stand_in` a FIFO or a plain file will do, for tests.
    """

    accelerators: tuple[tuple[str, str], ...]
    path: str = "/dev/kmsg"
    is_stand_in: bool = False


Device = (
    PmbusDevice
    | NvmlDevice
    | ControllerDevice
    | Ina2xxDevice
    | Tmp4xxDevice
    | HwmonDevice
    | WatchdogDevice
    | GpioDevice
    | KmsgDevice
)


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
