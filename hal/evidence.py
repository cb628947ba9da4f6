"""Evidence, requests and statistics of a driver as the daemon sees them: plain data, no ffi."""

from enum import IntEnum
from typing import Any, NamedTuple

NOBODY = 0xFFFFFFFF  # UINT32_MAX: no device, no point


class Cause(IntEnum):
    """What made a driver keep evidence (enum ns_evidence_cause in image.h)."""

    REFLEX = 0
    DEVICE_FAULT = 1
    SILENCE = 2
    WRITE_FAILED = 3
    REPAIR = 4
    LAPSE = 5
    ABANDONMENT = 6
    REQUEST = 7


class RequestKind(IntEnum):
    """An edge that a driver can be asked for (ns_request_kind_t in device.h)."""

    REARM = 1
    CLEAR = 2
    RESET = 3
    POWER_CYCLE = 4


class Evidence(NamedTuple):
    """One record of evidence.

    Args:
        sequence: Of its driver, from 1. What is missing between two records is lost.
        time_ns: On the clock of the driver.
        device: Index in the driver's devices, None for the driver itself.
        point: Index in the image, None where no point is concerned.
        status: A Status; a number of its own only from a driver of another version.
        value: What was read or reached; NaN for none.
        limit: What it was held against; NaN for none.
        repeat_count: How often the same came again, folded into this record.
        data: The device's own bytes.
    """

    sequence: int
    time_ns: int
    cause: Cause
    device: int | None
    point: int | None
    status: int
    value: float
    limit: float
    repeat_count: int
    data: bytes


class BusStatistics(NamedTuple):
    """What the bus of a driver did since since_ns; times in ns on the clock of the bus."""

    transfer_count: int
    nack_count: int
    pec_error_count: int
    timeout_count: int
    other_error_count: int
    retry_count: int
    recovery_count: int
    busy_ns: int
    since_ns: int
    p50_ns: int
    p99_ns: int
    max_ns: int
    overrun_count: int


def evidence_of(record: Any) -> Evidence:
    """Return an ns_evidence_t of the binding as plain data."""
    return Evidence(
        sequence=int(record.sequence),
        time_ns=int(record.time_ns),
        cause=Cause(record.cause),
        device=None if record.device == NOBODY else int(record.device),
        point=None if record.point == NOBODY else int(record.point),
        status=int(record.status),
        value=float(record.value),
        limit=float(record.limit),
        repeat_count=int(record.repeat_count),
        data=bytes(record.bytes)[: record.size],
    )
