"""When each telemetry packet is due, and its body.

In a cycle in which nothing is due the whole plan costs one comparison of times and one of modes.
Monotonic time only.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from flight.core.points import PointTable
from flight.core.types import Decision, Float64s, Inputs, Mode
from flight.dictionary.packets import DEADBANDS, PACKETS, Packet, present
from flight.dictionary.rates import Rate, RateLogic
from flight.link.outbox import Priority
from flight.link.topics import Topics

NS_PER_S = 1_000_000_000
NEVER_NS = 2**63 - 1  # later than any monotonic clock

Body = dict[str, object]


class _Sent(NamedTuple):
    """What was sent last."""

    time_ns: int
    values: Float64s
    wire: bytes
    bad: bytes
    phases: tuple[str, ...]


class PacketSchedule:
    """A packet, when it is looked at next, and the indices and buffers to pack it with.

    `due_ns`: before it neither a packet nor a look for changes is due.
    """

    def __init__(self, packet: Packet, points: PointTable, topics: Topics) -> None:
        self.topic = topics.telemetry(packet.name)
        self.priority = Priority.SLOW if packet.is_slow else Priority.FAST
        self.due_ns = 0
        self._packet = packet
        channels = packet.channels(points)
        self._index = np.array(channels, np.intp)
        self._dtype = np.dtype(packet.encoding)
        self._deadbands = np.array([DEADBANDS.get(points.points[i].unit, 0.0) for i in channels])
        self._sent: _Sent | None = None
        self._rates = {mode: packet.rate(mode) for mode in Mode}
        self._mode = Mode.BOOT
        self._rate = self._rates[Mode.BOOT]
        if self._rate.logic is RateLogic.SILENT:
            self.due_ns = NEVER_NS

    def due(self, now_ns: int, mode: Mode) -> bool:
        """Whether to call `pack` in this cycle. A change of mode brings its rate at once."""
        if mode is not self._mode:
            self._enter(now_ns, mode)
        return now_ns >= self.due_ns

    def _enter(self, now_ns: int, mode: Mode) -> None:
        self._mode, before = mode, self._rate
        self._rate = rate = self._rates[mode]
        if rate == before:
            return
        if rate.logic is RateLogic.SILENT:
            self.due_ns = NEVER_NS
        elif self._sent is None:
            self.due_ns = now_ns
        else:  # counted from the last packet: modes that alternate make no more of them
            self.due_ns = self._sent.time_ns + _interval_ns(rate)

    def pack(self, inputs: Inputs, decision: Decision) -> Body | None:
        """Return the body of the packet of this cycle, None when nothing has changed.

        Moves on to the next due time.
        """
        now_ns, rate = inputs.now_ns, self._rate
        snapshot = inputs.snapshot
        values = snapshot.values.take(self._index)
        wire = values.astype(self._dtype, copy=False).tobytes()
        bad = np.packbits(snapshot.status.take(self._index) != 0).tobytes()
        self.due_ns += _interval_ns(rate)
        if self.due_ns <= now_ns:  # first packet, or cycles were missed: no burst
            self.due_ns = now_ns + _interval_ns(rate)
        phases = decision.accel_phases if self._packet.with_decision else ()
        found = _Sent(now_ns, values, wire, bad, phases)
        if rate.logic is RateLogic.ON_CHANGE and not self._must_send(found):
            return None
        self._sent = found
        return self._body(decision, wire, bad)

    def _must_send(self, found: _Sent) -> bool:
        sent = self._sent
        if sent is None or found.bad != sent.bad or found.phases != sent.phases:
            return True
        if (found.time_ns - sent.time_ns) / NS_PER_S >= self._rate.period_s:
            return True
        return found.wire != sent.wire and _has_left(found.values, sent.values, self._deadbands)

    def _body(self, decision: Decision, wire: bytes, bad: bytes) -> Body:
        body: Body = {"v": wire, "bad": bad}
        if self._packet.with_decision or self._packet.with_mode:
            body["mode"] = decision.mode.value
        if self._packet.with_decision:
            body["cap_w"] = decision.cap_w
            body["cap_reason"] = decision.cap_reason
            body["phase"] = decision.accel_phases
        return body


class PacketPlan:
    """All packets of a link."""

    def __init__(
        self, points: PointTable, topics: Topics, packets: Sequence[Packet] = PACKETS
    ) -> None:
        self.schedules = tuple(
            PacketSchedule(packet, points, topics) for packet in present(packets, points)
        )
        self._due_ns = 0
        self._mode: Mode | None = None

    def take(self, inputs: Inputs, decision: Decision) -> Sequence[tuple[PacketSchedule, Body]]:
        """Return the packets of this cycle with their bodies, in the order of the dictionary."""
        now_ns, mode = inputs.now_ns, decision.mode
        if now_ns < self._due_ns and mode is self._mode:
            return ()
        taken = []
        for schedule in self.schedules:
            if schedule.due(now_ns, mode):
                body = schedule.pack(inputs, decision)
                if body is not None:
                    taken.append((schedule, body))
        self._mode = mode
        self._due_ns = min((schedule.due_ns for schedule in self.schedules), default=NEVER_NS)
        return taken


def _interval_ns(rate: Rate) -> int:
    """Return the time until the next look."""
    interval_s = rate.period_s if rate.logic is RateLogic.EVERY else rate.interval_s_min
    return round(interval_s * NS_PER_S) if interval_s < inf else NEVER_NS


def _has_left(values: Float64s, last: Float64s, deadbands: Float64s) -> bool:
    """Whether a value left its deadband. A NaN that stays one has not."""
    with np.errstate(invalid="ignore"):  # the difference of two infinities
        inside = np.abs(values - last) <= deadbands
    inside |= np.isnan(values) & np.isnan(last)
    inside |= values == last  # an infinity that stays
    return not inside.all()
