"""The node image: samples out, desired values in (csrc/include/nightside/image.h)."""

import math
import mmap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hal._native import ffi, lib
from hal.spec import DriverSpec, PointSpec
from hal.status import check

SnapshotArrays = tuple[
    NDArray[np.float64], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]
]
_FLOAT64 = np.dtype(np.float64)


class DriverHealth(NamedTuple):
    """What a driver counted since it was opened; last_poll_ns is 0 before the first poll."""

    poll_count: int
    transfer_error_count: int
    repair_count: int
    lapse_count: int
    reflex_trip_count: int
    refused_count: int
    last_poll_ns: int


class NodeImage:
    """The shared state of one node, in memory of this process.

    Not thread safe for the daemon's side (write_desired, beat, request_rearm): one thread writes.

    Args:
        points: In image order; points of one driver are contiguous, drivers in ascending order.
        drivers: Served by a DriverSet, here or elsewhere.

    Raises:
        ValueError: A name, limit, lease or order that cannot be; the text names the point.
    """

    def __init__(self, points: Sequence[PointSpec], drivers: Sequence[DriverSpec]) -> None:
        self.points = tuple(points)
        self.drivers = tuple(drivers)
        self.writable_indices = tuple(i for i, point in enumerate(self.points) if point.writable)
        _check_points(self.points, self.drivers)
        count, driver_count = len(self.points), len(self.drivers)
        size = lib.ns_image_size(count, driver_count, len(self.writable_indices))
        if size == 0:
            raise ValueError(f"{count} points of {driver_count} drivers do not make an image")
        self._memory = mmap.mmap(-1, size)
        self._block = ffi.from_buffer(self._memory, require_writable=True)
        self._image = ffi.new("ns_image_t *")
        rows = ffi.new("ns_point_t[]", [_point_row(point) for point in self.points])
        names = [{"name": d.name.encode(), "device_count": len(d.devices)} for d in self.drivers]
        entries = ffi.new("ns_driver_entry_t[]", names)
        status = lib.ns_image_create(
            self._block, size, rows, count, entries, driver_count, self._image
        )
        check(status, "node image")
        self._driver_index = {driver.name: i for i, driver in enumerate(self.drivers)}
        self._prepare_snapshots(count)

    def _prepare_snapshots(self, count: int) -> None:
        """The last copy, which a driver caught writing falls back on."""
        self._last_arrays = [
            ffi.new(f"{kind}[]", count) for kind in ("double", "int64_t", "int32_t", "uint32_t")
        ]
        self._last = ffi.new("ns_samples_t *", self._last_arrays)
        lib.ns_samples_clear(self._last, count)

    @property
    def point_count(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def epoch(self) -> int:
        """The newest epoch that any daemon has used on this image, 0 for none."""
        return int(lib.ns_image_epoch(self.native))

    @property
    def heartbeat(self) -> int:
        """The heartbeat word: epoch << 32 | counter; 0 before the first beat."""
        return int(lib.ns_image_heartbeat(self.native))

    @property
    def native(self) -> Any:
        """The ns_image_t *; for hal only."""
        if self._image is None:
            raise ValueError("the node image is closed")
        return self._image

    def snapshot(self) -> SnapshotArrays:
        """Return new arrays: values, time_ns, status, flags, in point order.

        A value is the last good one, NaN if there never was one; time_ns is that of the last good
        sample, 0 for never; status is that of the last try (Status); flags: 1 lapsed, 2 a reflex
        holds it, 4 desired value refused, 8 last write failed. One C call without the GIL. A driver
        caught writing four times keeps its last copy, with status STALE.
        """
        count = len(self.points)
        values = np.empty(count)
        time_ns = np.empty(count, np.int64)
        status = np.empty(count, np.int32)
        flags = np.empty(count, np.uint32)
        lib.ns_image_snapshot(
            self.native,
            self._last,
            ffi.from_buffer("double[]", values),
            ffi.from_buffer("int64_t[]", time_ns),
            ffi.from_buffer("int32_t[]", status),
            ffi.from_buffer("uint32_t[]", flags),
        )
        return values, time_ns, status, flags

    def write_desired(self, values: NDArray[np.float64], epoch: int) -> None:
        """Write desired values in the order of writable_indices; NaN leaves a slot as it is.

        A value outside the immutable limits of its point is refused later, by the driver, which
        flags the point and keeps the value before.

        Raises:
            ValueError: Not that many float64 values, or an epoch outside 1 .. 2^32 - 1.
        """
        if values.dtype != _FLOAT64:
            raise ValueError(f"desired values are float64, not {values.dtype}")
        buffer = ffi.from_buffer("double[]", values)
        status = lib.ns_image_write_desired(self.native, buffer, len(values), epoch)
        if status != 0:
            check(status, f"{len(values)} desired values of epoch {epoch}")

    def beat(self, epoch: int) -> None:
        """Change the heartbeat word: the last act of a cycle. Leases live on its changes.

        Raises:
            ValueError: An epoch outside 1 .. 2^32 - 1.
        """
        status = lib.ns_image_beat(self.native, epoch)
        if status != 0:
            check(status, f"heartbeat of epoch {epoch}")

    def request_rearm(self, driver_name: str) -> None:
        """Ask a driver to release latched reflexes whose condition is gone at its next poll.

        Raises:
            KeyError: No driver has that name.
        """
        check(lib.ns_image_request_rearm(self.native, self._driver_index[driver_name]), driver_name)

    def health(self, driver_name: str) -> DriverHealth:
        """Return what a driver counted.

        Raises:
            KeyError: No driver has that name.
        """
        health = ffi.new("ns_health_t *")
        index = self._driver_index[driver_name]
        check(lib.ns_image_health(self.native, index, health), driver_name)
        return DriverHealth(*(int(getattr(health, name)) for name in DriverHealth._fields))

    def close(self) -> None:
        """Give the memory back; a DriverSet over it must have been closed. Twice is allowed."""
        if self._image is None:
            return
        self._image = None
        ffi.release(self._block)
        self._memory.close()


def _point_row(point: PointSpec) -> dict[str, Any]:
    return {
        "name": point.name.encode(),
        "driver": point.driver,
        "device": point.device,
        "channel": point.channel,
        "is_writable": int(point.writable),
        "period_ns": point.period_ns,
        "low": point.low,
        "high": point.high,
        "safe": point.safe,
        "lease_ns": point.lease_ns,
        "ramp_per_s": point.ramp_per_s,
        "tolerance": point.tolerance,
        "abandon_ns": point.abandon_ns,
        "abandon_value": point.abandon_value,
    }


def _check_points(points: Sequence[PointSpec], drivers: Sequence[DriverSpec]) -> None:
    """Say by name what ns_image_create would only refuse."""
    for driver in drivers:
        _check_name("driver", driver.name)
    if len({driver.name for driver in drivers}) != len(drivers):
        raise ValueError("two drivers have the same name")
    before = 0
    for point in points:
        _check_name("point", point.name)
        if not before <= point.driver < len(drivers):
            raise ValueError(f"{point.name}: driver {point.driver} is out of order or not there")
        before = point.driver
        if not 0 <= point.device < len(drivers[point.driver].devices):
            raise ValueError(f"{point.name}: its driver has no device {point.device}")
        if point.period_ns <= 0 or point.lease_ns < 0:
            raise ValueError(f"{point.name}: period_ns must be > 0 and lease_ns >= 0")
        if point.writable and not point.low <= point.high:
            raise ValueError(f"{point.name}: limits {point.low}..{point.high} are empty")
        is_held = math.isnan(point.safe)  # a lapse keeps what is applied
        is_inside = is_held or point.low <= point.safe <= point.high
        if point.writable and point.lease_ns > 0 and not is_inside:
            raise ValueError(f"{point.name}: leased, but safe {point.safe} is outside its limits")


def _check_name(kind: str, name: str) -> None:
    if not 0 < len(name.encode()) < lib.NS_NAME_SIZE or "\0" in name:
        raise ValueError(f"{kind} name {name!r} must have 1 to {lib.NS_NAME_SIZE - 1} bytes")
