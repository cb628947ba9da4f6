"""Keeps a window of messages of an outbox under way on a connection."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from flight.link.outbox import Outbox, Outgoing, Priority
from flight.link.transport import Failure, LinkDown, Refused, Transport

NS_PER_S = 1_000_000_000
ANSWER_TIMEOUT_S = 10.0  # for the broker to take a message over; assumed
ROUND_TRIPS_KEPT = 256
DENIED_S = 600.0  # a denied topic is tried again after so long; assumed
STRIKES_MAX = 3  # connections that a message may cost before it is given up; assumed


class Sender:
    """Hands messages over and decides by the broker's answers what became of them.

    After a connection that ended with messages under way, the next begins with one at a time until
    the first answer. So a message that ends each connection is found, and counts as refused after
    STRIKES_MAX, instead of blocking all behind it for ever. Messages of a topic that the broker
    denied count as refused for DENIED_S: Mosquitto 2.0.11 ends the connection after each denial.

    Args:
        now_ns: Monotonic clock.
        wake: Called when an answer has come or the connection is lost.
        on_refused: Called with a message that the broker does not take, and why.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        outbox: Outbox,
        now_ns: Callable[[], int],
        wake: Callable[[], None],
        on_refused: Callable[[Outgoing, str], None],
    ) -> None:
        self._transport = transport
        self._outbox = outbox
        self._now_ns = now_ns
        self._wake = wake
        self._on_refused = on_refused
        self._sent: dict[int, tuple[int, Outgoing]] = {}  # under way, in the order of sending
        self._round_trips_ns: deque[int] = deque(maxlen=ROUND_TRIPS_KEPT)
        self._lost: LinkDown | None = None
        self._denied_ns: dict[str, int] = {}  # when each topic was denied
        self._is_probing = False
        self._strikes = 0
        self._connection = 0  # answers to an earlier one come too late to mean anything

    def fill(self, least: Priority) -> None:
        """Hand over what waits down to priority `least`, as far as the window allows.

        Raises:
            LinkDown: the connection is lost, or an answer is overdue.
        """
        self._check()
        transport, outbox = self._transport, self._outbox
        while outbox.under_way < (1 if self._is_probing else transport.window):
            message = outbox.take(least)
            if message is None:
                return
            if self._denied_ns and self._is_denied(message.topic):
                outbox.refuse(message)
                continue
            taken = transport.send(message.topic, message.payload)
            self._sent[message.key] = self._now_ns(), message
            taken.add_done_callback(partial(self._on_answer, self._connection, message))

    def end(self, lost: LinkDown | None) -> None:
        """The connection is over: what was under way goes back into the outbox.

        Args:
            lost: Why; None, when we ended it.
        """
        self._connection += 1
        self._lost = None
        if lost is not None and lost.failure is Failure.CLOSED and self._sent:
            self._strikes += self._is_probing
            self._is_probing = True
            if self._strikes >= STRIKES_MAX:
                self._give_up(lost)
        self._sent.clear()
        self._outbox.put_back()

    def round_trip_ns(self, quantile: float) -> int | None:
        """Return a quantile of the last answers' times, None before the first."""
        times = sorted(self._round_trips_ns)
        return times[min(int(quantile * len(times)), len(times) - 1)] if times else None

    def _is_denied(self, topic: str) -> bool:
        denied_ns = self._denied_ns.get(topic)
        if denied_ns is None:
            return False
        if self._now_ns() - denied_ns < DENIED_S * NS_PER_S:
            return True
        del self._denied_ns[topic]
        return False

    def _give_up(self, lost: LinkDown) -> None:
        self._strikes = 0
        _, message = next(iter(self._sent.values()))
        self._outbox.refuse(message)
        self._on_refused(message, f"it ended {STRIKES_MAX} connections: {lost}")

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost
        self._transport.check()
        oldest_ns, _ = next(iter(self._sent.values()), (self._now_ns(), None))
        if self._now_ns() - oldest_ns > ANSWER_TIMEOUT_S * NS_PER_S:
            raise LinkDown(
                f"the broker did not take a message over in {ANSWER_TIMEOUT_S:g} s", Failure.TIMEOUT
            )

    def _on_answer(self, connection: int, message: Outgoing, taken: asyncio.Future[None]) -> None:
        error = None if taken.cancelled() else taken.exception()
        if connection != self._connection:
            return
        self._wake()
        if taken.cancelled():
            self._lost = LinkDown("sending was cancelled")
        elif isinstance(error, LinkDown):
            self._lost = error
        else:
            self._is_probing = False
            self._strikes = 0
            sent_ns, _ = self._sent.pop(message.key)
            self._round_trips_ns.append(self._now_ns() - sent_ns)
            if error is None:
                self._outbox.confirm(message)
            else:
                self._outbox.refuse(message)
                if isinstance(error, Refused) and error.is_topic_denied:
                    self._denied_ns[message.topic] = self._now_ns()
                self._on_refused(message, str(error) if isinstance(error, Refused) else repr(error))
