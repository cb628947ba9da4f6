"""What the drivers send to poll a device, transfer by transfer, as csrc/device/*.c sends it.

Once a device is identified, programmed and learnt, each round is: begin, then one read per due
point. What comes seldom (a check each tenth round) has a part of a transfer here. Left out, and
held against buses.occupancy_ratio_max: writes, retries, repairs, evidence, and learning anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from hal.spec import (
    ControllerDevice,
    Device,
    Ina2xxDevice,
    PmbusDevice,
    PointSpec,
    Tmp4xxDevice,
)

# I2C: nine clocks a byte, and START, repeated START, STOP as one clock each. A word read with PEC
# (address, command, address, two data bytes, PEC) is 57 clocks, 0.57 ms at 100 kHz.
_CLOCKS_PER_BYTE = 9
_WRITE_EDGES, _READ_EDGES = 2, 3

# Serial: ten bits a byte (8N1). Frames of csrc/include/nightside/frame.h: header 4, CRC-32C 4,
# COBS 1, delimiter 1; a reply also has count and flags, and a float32 a channel.
_BITS_PER_BYTE = 10
_FRAME_BYTES, _REPLY_BYTES, _CHANNEL_BYTES = 10, 12, 4

_NS_PER_S = 1e9
_CHECK_PART = 0.1  # csrc/device/pmbus.c, CHECK_PERIOD: each tenth round
# enum ns_pmbus_channel (csrc/include/nightside/device.h)
_STATUS, _ENABLE, _ENERGY = 4, 5, 9
_ENERGY_BYTES = 8  # csrc/device/pmbus_energy.c
_LIMITS = (
    "current_limit_a", "voltage_limit_v_high", "voltage_limit_v_low", "temp_limit_c",
    "power_limit_w",
)  # fmt: skip
# csrc/device/pmbus_parts.c: no WRITE_PROTECT; MFR_COMMON is asked before each transfer. Parts that
# are asked whether they have the one or turn out not to need the other are taken to have both.
_WITHOUT_PROTECT = ("adm1272", "adm1275", "lm25066", "lm5066", "ucd90xxx")
_ASKED_WHETHER_READY = ("ltc2978", "ltc3887")
# csrc/device/pmbus_learn.c: bytes of the register that decides the range, read each round, and of
# what is learnt again in each tenth round: VOUT_MODE, MFR_SPECIAL_ID, PMON_CONTROL, DEVICE_CONFIG.
_RANGE_BYTES = {"adm1272": 2, "adm1275": 1, "lm25066": 1, "lm5066": 1, "mp2975": 2}
_LEARNT_AGAIN = {
    "adm1272": (1,), "adm1275": (1, 1), "ltc2978": (2,), "ltc3887": (1,), "isl68137": (1,),
    "raa228": (1,), "mp2975": (1,), "ucd90xxx": (1,),
}  # fmt: skip

# csrc/device/ina2xx.c: bytes of the registers behind each channel; the alert needs none.
_INA_WIDE = {0: (3,), 1: (3,), 2: (3,), 3: (3, 3), 4: (5,), 5: (5,), 6: (2,), 7: ()}
_INA_NARROW = {0: (2,), 1: (2,), 2: (2,), 3: (2, 2), 4: (), 5: (), 6: (), 7: ()}
# csrc/device/tmp4xx.c: a narrow value is its high byte, its low byte, its high byte again.
_TMP_ALERT = 5
_TMP_NARROW = (1, 1, 1)


@dataclass(frozen=True, slots=True)
class Transfers:
    """Some transfers of one kind: how many (a part: not in each round), and clocks of each."""

    count: float
    clocks: float


def rounds_per_s(points: Sequence[PointSpec]) -> float:
    """Return how often some of the points are due, each time once; at most, where their polls do
    not fall on one grid.
    """
    grids: list[tuple[int, int]] = []
    for period, phase in sorted((point.period_ns, point.phase_ns) for point in points):
        if not any(period % other == 0 and (phase - at) % other == 0 for other, at in grids):
            grids.append((period, phase))
    return sum(_NS_PER_S / period for period, _ in grids)


def begin_transfers(device: Device, points: Sequence[PointSpec]) -> list[Transfers]:
    """Return what a round begins with: once, whichever of the points are due."""
    if isinstance(device, ControllerDevice):
        size = _FRAME_BYTES + _REPLY_BYTES + _CHANNEL_BYTES * device.channel_count
        return [Transfers(1, size * _BITS_PER_BYTE)]
    if isinstance(device, PmbusDevice):
        return _ready(device, _pmbus_begin(device, points))
    if isinstance(device, Ina2xxDevice):
        return [_register(2)] * (2 if device.current_limit_a > 0.0 else 1)
    if isinstance(device, Tmp4xxDevice):
        if device.part != "tmp464":
            return [_register(1)]
        return [_register(2)] * (2 if isnan(device.temp_limit_c) else 3)
    return []


def read_transfers(device: Device, point: PointSpec) -> list[Transfers]:
    """Return what the read of one due point sends."""
    if isinstance(device, PmbusDevice):
        return _ready(device, _pmbus_read(device, point.channel))
    if isinstance(device, Ina2xxDevice):
        sizes = _INA_WIDE if device.part == "ina228" else _INA_NARROW
        return [_register(size) for size in sizes.get(point.channel, ())]
    if isinstance(device, Tmp4xxDevice) and point.channel != _TMP_ALERT:
        sizes_of_one = (2,) if device.part == "tmp464" else _TMP_NARROW
        return [_register(size) for size in sizes_of_one]
    return []


def _register(size: int) -> Transfers:
    return Transfers(1, _CLOCKS_PER_BYTE * (3 + size) + _READ_EDGES)


def _pmbus_begin(device: PmbusDevice, points: Sequence[PointSpec]) -> list[Transfers]:
    found = []
    if device.page is not None:
        found += [_write(device, 1), _read(device, 1)]
    if device.phase is not None:
        found.append(_read(device, 1))
        if device.page is not None:  # verified once more
            found.append(_read(device, 1))
    if device.part in _RANGE_BYTES:
        found.append(_read(device, _RANGE_BYTES[device.part]))
    found += [_read(device, size, _CHECK_PART) for size in _LEARNT_AGAIN.get(device.part, ())]
    limits = (getattr(device, name) for name in _LIMITS)
    limit_count = sum(1 for limit in limits if limit < 0.0 or limit > 0.0)
    if limit_count:
        found.append(_read(device, 2, _CHECK_PART * limit_count))
    if device.part not in _WITHOUT_PROTECT:
        found.append(_read(device, 1, _CHECK_PART))
    found.append(_read(device, 2, _status_part(points)))
    return found


def _status_part(points: Sequence[PointSpec]) -> float:
    """STATUS_WORD is read when its point is due and at each check, once where both are."""
    own = [point for point in points if point.channel == _STATUS]
    return min(1.0, _CHECK_PART + rounds_per_s(own) / rounds_per_s(points))


def _pmbus_read(device: PmbusDevice, channel: int) -> list[Transfers]:
    if channel == _STATUS:
        return []  # from begin
    if channel == _ENERGY:  # the length alone carries no check code
        length = Transfers(1, _CLOCKS_PER_BYTE * 4 + _READ_EDGES)
        return [length, _read(device, 1 + _ENERGY_BYTES)]
    return [_read(device, 1 if channel == _ENABLE else 2)]


def _pec_bytes(device: PmbusDevice) -> int:
    """A generic part may say and prove that it has PEC."""
    return int(device.pec or device.part == "generic")


def _read(device: PmbusDevice, size: int, count: float = 1) -> Transfers:
    clocks = _CLOCKS_PER_BYTE * (3 + size + _pec_bytes(device)) + _READ_EDGES
    return Transfers(count, clocks)


def _write(device: PmbusDevice, size: int) -> Transfers:
    return Transfers(1, _CLOCKS_PER_BYTE * (2 + size + _pec_bytes(device)) + _WRITE_EDGES)


def _ready(device: PmbusDevice, transfers: list[Transfers]) -> list[Transfers]:
    """Put a read of MFR_COMMON before each transfer to a part that may be busy."""
    if device.part not in _ASKED_WHETHER_READY:
        return transfers
    count = sum(item.count for item in transfers)
    return [*transfers, _read(device, 1, count)]
