"""The node image: samples and evidence out, desired values and requests in (image.h)."""

import mmap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hal import image_file
from hal._native import ffi, lib
from hal.evidence import NOBODY, BusStatistics, Cause, Evidence, RequestKind, evidence_of
from hal.image_file import ImageFileError
from hal.image_tables import Tables, refused_row
from hal.spec import DriverSpec, PointSpec
from hal.status import Status, check

SnapshotArrays = tuple[
    NDArray[np.float64], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32]
]
_FLOAT64 = np.dtype(np.float64)
_KINDS = ("double", "int64_t", "int32_t", "uint32_t")  # of the arrays of a snapshot
SNAPSHOT_ROWS = 16  # share one allocation: 96 KB of REF-1 that the last of them keeps alive


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
    """The shared state of one node: new, in memory of this process or in a file.

    Not thread safe for the daemon's side (what writes: desired values, heartbeat, requests, durable
    marks): one thread writes.

    Args:
        points: In image order; points of one driver are contiguous, drivers in ascending order.
        drivers: Served by a DriverSet, here or elsewhere.
        path: Create this file, mode 0600, and hold it against other daemons until close(). None:
            memory of this process alone.

    Raises:
        ValueError: A name, limit, lease, rule or order that cannot be; the text names it.
        ImageFileError: The file is held by another daemon, is an image already, or cannot be made.
    """

    def __init__(
        self,
        points: Sequence[PointSpec],
        drivers: Sequence[DriverSpec],
        path: Path | None = None,
    ) -> None:
        tables = Tables(points, drivers)
        if path is None:
            memory = mmap.mmap(-1, tables.size)
            self._use(points, drivers, memory, memory.close)
        else:
            file = image_file.create(path, tables.size)
            self._use(points, drivers, file.memory, file.close)
        status = lib.ns_image_create(self._block, tables.size, tables.config, self._image)
        if status != 0:
            self.close()
            check(status, "node image", refused_row(points))

    @classmethod
    def attach(
        cls,
        path: Path,
        points: Sequence[PointSpec],
        drivers: Sequence[DriverSpec],
        *,
        hold: bool = False,
    ) -> Self:
        """Return the image in a file that another process made; nothing in it is changed.

        Args:
            hold: Take over as its daemon: hold the file against other daemons until close().

        Raises:
            ValueError: As for a new image.
            ImageFileError: The file is not there, is held by another daemon, is damaged, or was
                laid out for other points, drivers, rules or by another version.
        """
        layout = Tables(points, drivers)
        file = image_file.attach(path, hold=hold)
        self = cls.__new__(cls)
        self._use(points, drivers, file.memory, file.close)
        status = lib.ns_image_attach(self._block, file.size, self._image)
        if status != 0 or not _is_laid_out_as(self._block, layout):
            self.close()
            raise ImageFileError(
                f"{path}: was laid out for another configuration or version, or is damaged; "
                "end the daemon and the drivers that use it, remove it, and start again"
            )
        return self

    def _use(
        self,
        points: Sequence[PointSpec],
        drivers: Sequence[DriverSpec],
        memory: mmap.mmap,
        release: Callable[[], None],
    ) -> None:
        self.points = tuple(points)
        self.drivers = tuple(drivers)
        self.writable_indices = tuple(i for i, point in enumerate(self.points) if point.writable)
        self._driver_index = {driver.name: i for i, driver in enumerate(self.drivers)}
        self._release = release
        self._block = ffi.from_buffer(memory, require_writable=True)
        self._image = ffi.new("ns_image_t *")
        self._prepare_snapshots(len(self.points))

    def _prepare_snapshots(self, count: int) -> None:
        """The last copy, which a driver caught writing falls back on; room for evidence."""
        self._last_arrays = [ffi.new(f"{kind}[]", count) for kind in _KINDS]
        self._last = ffi.new("ns_samples_t *", self._last_arrays)
        lib.ns_samples_clear(self._last, count)
        self._rows: Iterator[tuple[int, SnapshotArrays]] = iter(())
        self._records = ffi.new(
            "ns_evidence_t[]", lib.NS_CAUSE_COUNT * lib.NS_EVIDENCE_PER_CAUSE_DEFAULT
        )
        self._record_count, self._records_lost = ffi.new("uint32_t *"), ffi.new("uint64_t *")

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
        row, arrays = next(self._rows, None) or self._new_rows()
        lib.hal_image_snapshot(self.native, self._last, self._room, len(self.points), row)
        return arrays

    def _new_rows(self) -> tuple[int, SnapshotArrays]:
        """Return the first of a number of rows that share their memory, and keep the others."""
        shape = SNAPSHOT_ROWS, len(self.points)
        values, time_ns = np.empty(shape), np.empty(shape, np.int64)
        status, flags = np.empty(shape, np.int32), np.empty(shape, np.uint32)
        self._room_arrays = [
            ffi.from_buffer(f"{kind}[]", array)
            for kind, array in zip(_KINDS, (values, time_ns, status, flags), strict=True)
        ]
        self._room = ffi.new("ns_samples_t *", self._room_arrays)
        self._rows = enumerate(zip(values, time_ns, status, flags, strict=True))
        return next(self._rows)

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

        A driver that has not taken its last requests is not asked once more.

        Raises:
            KeyError: No driver has that name.
        """
        status = lib.ns_image_request_rearm(self.native, self._driver_index[driver_name])
        if status != Status.FULL:
            check(status, driver_name)

    def send_request(
        self,
        driver_name: str,
        kind: RequestKind,
        *,
        device: int | None = None,
        epoch: int,
        deadline_ns: int,
    ) -> int | None:
        """Ask a driver for an edge, which is done at most once, or dropped.

        Args:
            device: Index in the driver's devices; None for the driver itself.
            epoch: Of this daemon; a request of an older one than the heartbeat's is dropped.
            deadline_ns: On the clock of the driver, at most 60 s ahead: then it is dropped.

        Returns:
            The ticket for request_status; None when the driver has not taken its last requests.

        Raises:
            KeyError: No driver has that name.
            ValueError: No such device, or an epoch outside 1 .. 2^32 - 1.
        """
        index = self._driver_index[driver_name]
        request = {
            "kind": int(kind),
            "device": NOBODY if device is None else device,
            "epoch": epoch,
            "deadline_ns": deadline_ns,
        }
        ticket = ffi.new("uint64_t *")
        status = lib.ns_image_send_request(
            self.native, index, ffi.new("ns_request_t *", request), ticket
        )
        if status == Status.FULL:
            return None
        check(status, f"{driver_name}: request {kind!r} for device {device} of epoch {epoch}")
        return int(ticket[0])

    def request_status(self, driver_name: str, ticket: int) -> Status | None:
        """Return what became of a request: None while it waits or is being carried out.

        STALE: it was dropped, or is too long ago. Anything else is what the driver ended it with.

        Raises:
            KeyError: No driver has that name.
            ValueError: The ticket was never given.
        """
        answer = ffi.new("int32_t *")
        index = self._driver_index[driver_name]
        status = lib.ns_image_request_status(self.native, index, ticket, answer)
        if status == Status.BUSY:
            return None
        if status == Status.STALE:
            return Status.STALE
        check(status, f"{driver_name}: ticket {ticket}")
        try:
            return Status(answer[0])
        except ValueError:  # of a driver of another version, or damaged
            return Status.PROTOCOL

    def evidence(self, driver_name: str, after_sequence: int | None = None) -> list[Evidence]:
        """Return the evidence of a driver in the order of its sequence.

        What is missing in the sequence was overwritten before it was durable. A record that is not
        durable yet may still gain repeats.

        Args:
            after_sequence: Only what comes behind it; None: behind the durable mark.

        Raises:
            KeyError: No driver has that name.
        """
        index = self._driver_index[driver_name]
        after = lib.ns_image_durable(self.native, index)
        after = after if after_sequence is None else after_sequence
        count = self._record_count
        capacity = len(self._records)
        status = lib.ns_image_read_evidence(
            self.native, index, after, self._records, capacity, count, self._records_lost
        )
        check(status, driver_name)
        return [evidence_of(self._records[i]) for i in range(count[0])]

    def evidence_losses(self, driver_name: str) -> dict[Cause, int]:
        """Return how many records were overwritten before they were durable, by cause.

        Raises:
            KeyError: No driver has that name.
        """
        counts = ffi.new("uint64_t[]", len(Cause))
        index = self._driver_index[driver_name]
        check(lib.ns_image_evidence_losses(self.native, index, counts), driver_name)
        return {cause: int(counts[cause]) for cause in Cause}

    def mark_durable(self, driver_name: str, sequence: int) -> None:
        """Say that all evidence up to `sequence` is stored: its slots are free, and the faults
        behind it may be cleared. A mark never goes back.

        Raises:
            KeyError: No driver has that name.
            ValueError: The driver has not given that sequence yet.
        """
        index = self._driver_index[driver_name]
        status = lib.ns_image_mark_durable(self.native, index, sequence)
        check(status, f"{driver_name}: evidence {sequence} marked as durable")

    def durable(self, driver_name: str) -> int:
        """Return the sequence up to which the evidence of a driver is durable, 0 for none.

        Raises:
            KeyError: No driver has that name.
        """
        return int(lib.ns_image_durable(self.native, self._driver_index[driver_name]))

    def statistics(self, driver_name: str) -> BusStatistics:
        """Return what the bus of a driver did; each number is current by itself.

        Raises:
            KeyError: No driver has that name.
        """
        told = ffi.new("ns_bus_statistics_t *")
        index = self._driver_index[driver_name]
        check(lib.ns_image_statistics(self.native, index, told), driver_name)
        return BusStatistics(*(int(getattr(told, name)) for name in BusStatistics._fields))

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
        """Give the memory back; a DriverSet over it must have been closed. Twice is allowed.

        A file stays, for drivers that live on and for the next daemon.
        """
        if self._image is None:
            return
        self._image = None
        ffi.release(self._block)
        self._release()


def _is_laid_out_as(block: Any, tables: Tables) -> bool:
    """Compare with an image made for the purpose: one hash covers all tables."""
    with mmap.mmap(-1, tables.size) as memory:
        fresh = ffi.from_buffer(memory, require_writable=True)
        try:
            status = lib.ns_image_create(fresh, tables.size, tables.config, ffi.new("ns_image_t *"))
            return status == 0 and _layout_hash(block) == _layout_hash(fresh)
        finally:
            ffi.release(fresh)


def _layout_hash(block: Any) -> bytes:
    """Bytes 8 to 15 of every version of the header."""
    return bytes(ffi.buffer(block, 16)[8:])
