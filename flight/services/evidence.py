"""Evidence of the drivers: read from the image, stored for good, marked durable, then cleared.

The order is the whole point (S8): a record leaves the image only after the disk has it, and a
device's latched fault is cleared only after its record is marked. A crash between two steps repeats
a step and skips none: what is not marked is read again.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from flight.core.types import FLAG_REFLEX, Decision, DeviceRequest, Inputs
from flight.services.nap import Nap
from flight.services.recorder_queue import EVIDENCE_WAITING_MAX, EvidenceStore
from hal import Cause, Evidence, RequestKind

EVERY_S = 1.0
CLEAR_DEADLINE_NS = 10_000_000_000  # of a request to a driver; it is asked again after that
WAITING_MAX = 256  # clear requests that wait for their evidence; the oldest goes first
CLEAR_EVERY_NS = 60_000_000_000  # of one device unasked: a fault that stays is not cleared at 1 Hz
CLEARED_AFTER = frozenset({Cause.DEVICE_FAULT})  # causes that leave a latch in the device


class EvidenceImage(Protocol):
    """What the service needs of the node image."""

    def evidence(self, driver_name: str, after_sequence: int | None = None) -> list[Evidence]:
        """Return the evidence behind the durable mark."""

    def evidence_losses(self, driver_name: str) -> dict[Cause, int]:
        """Return what was overwritten before it was durable."""

    def mark_durable(self, driver_name: str, sequence: int) -> None:
        """Say that all evidence up to a sequence is stored."""

    def durable(self, driver_name: str) -> int:
        """Return up to which sequence evidence is durable."""

    def send_request(
        self,
        driver_name: str,
        kind: RequestKind,
        *,
        device: int | None = None,
        epoch: int,
        deadline_ns: int,
    ) -> int | None:
        """Ask a driver for an edge; None when it has not taken its last requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceHealth:
    """How the service is.

    stored: records marked durable. waiting: read and not durable yet. lost: overwritten in the
    image before they were. cleared: requests sent. refused: clear requests dropped, because too
    many waited. error: of the last round, "" for none.
    """

    stored: int
    waiting: int
    lost: int
    cleared: int
    refused: int
    error: str


class _Given(NamedTuple):
    """All records behind the durable mark at one time; last: the sequence of the last."""

    ticket: int
    last: int
    record_count: int


@dataclass(slots=True)
class _Watched:
    """What is known of one driver.

    given: what the store was given and has not on the disk yet, on a slow disk again and again.
    clears: devices to be cleared, by the sequence that must be durable first. cleared_ns: when a
    device was cleared unasked.
    """

    name: str
    given: deque[_Given] = field(default_factory=lambda: deque(maxlen=EVIDENCE_WAITING_MAX))
    clears: dict[int | None, int] = field(default_factory=dict)
    cleared_ns: dict[int, int] = field(default_factory=dict)
    newest: int = 0
    waiting: int = 0


class EvidenceService:
    """Keeps the evidence of all drivers. A service of the supervisor, and a CycleSink.

    Args:
        image: The node image.
        store: The recorder.
        drivers: Names, in image order.
        device_of: Device index of each point by name; a request for a point clears its device.
        epoch: Of the cycle, now.
        now_ns: Clock of the drivers.
        clears: Causes after which the device is cleared without being asked for; empty: only on
            request of a decision.
    """

    def __init__(
        self,
        *,
        image: EvidenceImage,
        store: EvidenceStore,
        drivers: Sequence[str],
        device_of: dict[str, int],
        epoch: Callable[[], int],
        now_ns: Callable[[], int],
        clears: frozenset[Cause] = CLEARED_AFTER,
    ) -> None:
        self.progress = 0
        self._image = image
        self._store = store
        self._drivers = {name: _Watched(name) for name in drivers}
        self._points: tuple[str, ...] = tuple(device_of)
        self._device_of = device_of
        self._epoch = epoch
        self._now_ns = now_ns
        self._clears = clears
        self._requests: dict[DeviceRequest, None] = {}
        self._stored = self._cleared = self._refused = 0
        self._error = ""
        self._ending = False
        self._had_reflex = False
        self._nap = Nap()

    @property
    def health(self) -> EvidenceHealth:
        """How the service is."""
        lost = sum(sum(self._image.evidence_losses(name).values()) for name in self._drivers)
        return EvidenceHealth(
            stored=self._stored,
            waiting=sum(driver.waiting for driver in self._drivers.values()),
            lost=lost,
            cleared=self._cleared,
            refused=self._refused,
            error=self._error,
        )

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take clear requests of a decision, and see new reflexes. Implements CycleSink."""
        for request in decision.requests:
            if request.kind == "clear":
                self._requests[request] = None
        while len(self._requests) > WAITING_MAX:
            del self._requests[next(iter(self._requests))]
            self._refused += 1
        flags = inputs.snapshot.flags
        has_reflex = bool(np.count_nonzero(flags)) and bool((flags & FLAG_REFLEX).any())
        if has_reflex and not self._had_reflex:
            self._nap.wake()
        self._had_reflex = has_reflex

    def request_end(self) -> None:
        """End `run` after the present round."""
        self._ending = True
        self._nap.wake()

    async def run(self) -> None:
        """Keep evidence each second, and at once when a reflex has tripped, until request_end()."""
        while not self._ending:
            self.keep()
            await self._nap.sleep(EVERY_S)
        self._ending = False
        self.keep()

    def keep(self) -> None:
        """One round over all drivers: store, mark what is stored, clear what is marked."""
        self._error = ""
        for driver in self._drivers.values():
            try:
                self._keep_driver(driver)
            except (OSError, ValueError) as error:  # the image is closed or being replaced
                self._error = f"{driver.name}: {error}"
        self._take_requests()
        self.progress += 1

    def _keep_driver(self, driver: _Watched) -> None:
        self._mark(driver)
        records = self._image.evidence(driver.name)
        driver.waiting = len(records)
        if records:
            self._note_clears(driver, records)
            rows = [self._row(driver, record) for record in records]
            ticket = self._store.put_evidence(rows)
            driver.given.append(_Given(ticket, records[-1].sequence, len(records)))
            self._mark(driver)
        self._send_clears(driver)

    def _mark(self, driver: _Watched) -> None:
        """Mark what was given to the store, when the disk has it and not before."""
        if not driver.given:
            return
        durable = [given for given in driver.given if self._store.is_durable(given.ticket)]
        if not durable:
            return
        newest = durable[-1]
        while driver.given and driver.given[0].ticket <= newest.ticket:
            driver.given.popleft()
        if newest.last > self._image.durable(driver.name):
            self._image.mark_durable(driver.name, newest.last)
            self._stored += newest.record_count
            driver.waiting = max(0, driver.waiting - newest.record_count)

    def _note_clears(self, driver: _Watched, records: list[Evidence]) -> None:
        for record in records:
            driver.newest = max(driver.newest, record.sequence)
            device = record.device
            if record.cause not in self._clears or device is None:
                continue
            cleared_ns = driver.cleared_ns.get(device)
            if cleared_ns is None or self._now_ns() - cleared_ns >= CLEAR_EVERY_NS:
                driver.clears[device] = record.sequence

    def _take_requests(self) -> None:
        """Turn requests of decisions into clears behind the evidence known so far."""
        for request in list(self._requests):
            del self._requests[request]
            driver = self._drivers.get(request.driver)
            if driver is None or (request.point and request.point not in self._device_of):
                self._refused += 1
                continue
            device = self._device_of[request.point] if request.point else None
            driver.clears.setdefault(device, driver.newest)
            self._send_clears(driver)

    def _send_clears(self, driver: _Watched) -> None:
        """Clear devices whose evidence is durable; what the driver cannot take now comes again."""
        if not driver.clears:
            return
        durable = self._image.durable(driver.name)
        if durable < driver.newest:  # of what is known, all must be stored
            return
        for device, sequence in list(driver.clears.items()):
            if sequence > durable:
                continue
            ticket = self._image.send_request(
                driver.name, RequestKind.CLEAR, device=device, epoch=max(self._epoch(), 1),
                deadline_ns=self._now_ns() + CLEAR_DEADLINE_NS,
            )  # fmt: skip
            if ticket is None:
                return
            del driver.clears[device]
            if device is not None:
                driver.cleared_ns[device] = self._now_ns()
            self._cleared += 1

    def _row(self, driver: _Watched, record: Evidence) -> tuple[object, ...]:
        """Return a record in the order of table `evidence`."""
        point = "" if record.point is None else self._points[record.point]
        return (
            record.time_ns, driver.name, record.sequence, record.cause.name.lower(),
            record.device, point, record.status, record.value, record.limit,
            record.repeat_count, record.data,
        )  # fmt: skip
