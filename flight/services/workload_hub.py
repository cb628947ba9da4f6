"""Who computes on which accelerator, and what each of them has been told. No sockets here.

A connection is a `WorkloadSession`: bytes go in, lines come out through the function it was opened
with. The hub decides who owns an accelerator and keeps the claims that the cycle reads.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from flight.core.types import CapPlan, Event, Notice, OrbitForecast, Severity, WorkloadClaim
from flight.services.workload_messages import (
    LINE_BYTES_MAX,
    NS_PER_S,
    PROTOCOL,
    Acknowledgement,
    BadLine,
    Clock,
    Hello,
    forecast_body,
    notice_body,
    parse_line,
    to_line,
    told_id,
)

BAD_LINES_MAX: Final = 10
LINES_PER_TURN: Final = 8  # then the others have theirs; what a client sends more has to wait
TOLD_IDS_KEPT: Final = 64
EVENTS_PER_MINUTE: Final = 12  # a client that comes and goes fills no log; assumed
_MINUTE_NS: Final = 60 * NS_PER_S
_NO_CLAIM: Final = WorkloadClaim()


class HubCounts(NamedTuple):
    """Totals since the start."""

    refused: int = 0  # hello for an accelerator of somebody else, or one client too many
    bad_lines: int = 0
    dropped: int = 0  # connections closed by us: slow, or too many bad lines
    told: int = 0  # notices
    acknowledged: int = 0
    events_untold: int = 0


class _Seat:
    """An accelerator's owner. session: None once it has gone; lost_ns: since when."""

    def __init__(self, hello: Hello, session: "WorkloadSession") -> None:
        self.hello = hello
        self.session: WorkloadSession | None = session
        self.lost_ns = 0
        self.acknowledged = ""


class WorkloadSession:
    """One connection. Made by `WorkloadHub.open`.

    Attributes:
        client: Its name, "" before hello.
        accelerators: Those it owns.
        is_closed: Nothing is taken from it or sent to it any more.
    """

    def __init__(
        self, hub: "WorkloadHub", send: Callable[[bytes], None], end: Callable[[], None]
    ) -> None:
        self.client = ""
        self.accelerators: tuple[int, ...] = ()
        self.is_closed = False
        self.told_ids: deque[str] = deque(maxlen=TOLD_IDS_KEPT)
        self._hub = hub
        self._send = send
        self._end = end
        self._buffer = bytearray()
        self._is_skipping = False  # the rest of a line that was too long
        self._bad_lines = 0

    def receive(self, data: bytes) -> bool:
        """Take bytes and handle some lines; return whether more wait for another `go_on`."""
        self._buffer += data
        return self.go_on()

    def go_on(self) -> bool:
        """Handle up to LINES_PER_TURN lines; return whether more wait."""
        for _ in range(LINES_PER_TURN):
            line = self._next_line()
            if line is None or self.is_closed:
                return False
            try:
                if len(line) > LINE_BYTES_MAX:
                    raise BadLine(f"a line has at most {LINE_BYTES_MAX} bytes")
                self._hub.handle(self, line)
            except BadLine as error:
                self._refuse_line(str(error))
        return b"\n" in self._buffer and not self.is_closed

    def send(self, kind: str, body: object) -> None:
        """Send one message."""
        if not self.is_closed:
            self._send(to_line(kind, body))

    def close(self) -> None:
        """Note that the connection has gone; what it owned is kept for the grace time."""
        if not self.is_closed:
            self.is_closed = True
            self._buffer.clear()
            self._hub.forget(self)

    def drop(self, why: str) -> None:
        """End the connection from our side, with an event."""
        if not self.is_closed:
            self._hub.note_drop(self, why)
            self.close()
            self._end()

    def _next_line(self) -> bytes | None:
        """Return the next whole line, or one that is already too long, or None."""
        while True:
            end = self._buffer.find(b"\n")
            if end < 0 and len(self._buffer) <= LINE_BYTES_MAX:
                return None
            size = end + 1 if end >= 0 else len(self._buffer)
            line = bytes(self._buffer[: end if end >= 0 else size])
            del self._buffer[:size]
            was_skipping, self._is_skipping = self._is_skipping, end < 0
            if not was_skipping:
                return line
            if end < 0:
                return None

    def _refuse_line(self, reason: str) -> None:
        self._bad_lines += 1
        self._hub.note_bad_line()
        self.send("error", reason)
        if self._bad_lines >= BAD_LINES_MAX:
            self.drop(f"{BAD_LINES_MAX} bad lines, the last: {reason}")


class WorkloadHub:
    """All sessions of a node.

    Args:
        accelerator_count: Of the node.
        clock: Time; UTC goes into messages only, nothing here depends on it.
        session_id: One run of the daemon; ids of notices begin again with it.
        grace_s: An owner whose connection has gone keeps its accelerators so long.
        clients_max: Connections at a time.
        on_event: Takes workload.* events; must not raise.

    Attributes:
        claims: One per accelerator; the same object while nothing changed.
    """

    def __init__(
        self,
        *,
        accelerator_count: int,
        clock: Clock,
        session_id: str,
        grace_s: float,
        clients_max: int,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.claims: tuple[WorkloadClaim, ...] = (_NO_CLAIM,) * accelerator_count
        self.counts = HubCounts()
        self._clock = clock
        self._session_id = session_id
        self._grace_s = grace_s
        self._clients_max = clients_max
        self._on_event = on_event
        self._sessions: list[WorkloadSession] = []
        self._seats: list[_Seat | None] = [None] * accelerator_count
        self._indices = {f"accel{i}": i for i in range(accelerator_count)}
        self._notices: dict[str, Notice] = {}
        self._plan: CapPlan | None = None
        self._orbit: OrbitForecast | None = None
        self._event_times_ns: deque[int] = deque(maxlen=EVENTS_PER_MINUTE)

    @property
    def session_count(self) -> int:
        """Connections open now."""
        return len(self._sessions)

    def open(
        self, send: Callable[[bytes], None], end: Callable[[], None] = lambda: None
    ) -> WorkloadSession | None:
        """Return the session of a new connection; None, with an answer, when there are too many.

        Args:
            send: Takes a line for the client; must neither wait nor raise.
            end: Closes the connection, once what was sent is out.
        """
        if len(self._sessions) >= self._clients_max:
            self._count(refused=1)
            send(to_line("error", f"{self._clients_max} clients are connected; try again later"))
            return None
        session = WorkloadSession(self, send, end)
        self._sessions.append(session)
        return session

    def tell(self, notices: tuple[Notice, ...]) -> None:
        """Send the notices that changed to those they concern. An empty tuple changes nothing."""
        changed = [notice for notice in notices if self._notices.get(notice.scope) != notice]
        self._notices |= {notice.scope: notice for notice in changed}
        self._forget_reused(changed)
        for session in tuple(self._sessions):
            for notice in changed:
                self._tell_one(session, notice)

    def _forget_reused(self, changed: list[Notice]) -> None:
        """Take back an acknowledgement whose id now belongs to another notice."""
        for notice in changed:
            index = self._indices.get(notice.scope)
            seat = None if index is None else self._seats[index]
            if seat is not None and seat.acknowledged == notice.notice_id:
                seat.acknowledged = ""
                self._update_claims()

    def tell_forecast(self, plan: CapPlan | None, orbit: OrbitForecast | None) -> None:
        """Send what is known of the next two orbits to everyone who has said hello."""
        self._plan, self._orbit = plan, orbit
        body = forecast_body(plan, orbit, self._clock)
        for session in tuple(self._sessions):
            if session.client:
                session.send("forecast", body)

    def snapshot(self) -> dict[str, object]:
        """Return all that is in force, for a file."""
        return {
            "session": self._session_id,
            "notices": [notice_body(notice, self._clock) for notice in self._notices.values()],
            "forecast": forecast_body(self._plan, self._orbit, self._clock),
        }

    def tick(self) -> None:
        """End the claims of owners that have been gone for the grace time."""
        now_ns = self._clock.now_ns()
        grace_ns = round(self._grace_s * NS_PER_S)
        for index, seat in enumerate(self._seats):
            if seat and seat.session is None and now_ns - seat.lost_ns >= grace_ns:
                self._seats[index] = None
                self._update_claims()
                text = f"{seat.hello.client} has been gone for {self._grace_s:g} s: claim ended"
                self._event("workload.owner_gone", Severity.WARNING, f"accel{index}", text)

    def handle(self, session: WorkloadSession, line: bytes) -> None:
        """Do what a line of a session says. Raises BadLine."""
        message = parse_line(line, len(self._seats))
        if isinstance(message, Hello):
            self._welcome(session, message)
        else:
            self._acknowledge(session, message)

    def forget(self, session: WorkloadSession) -> None:
        """Take a closed session out; its accelerators wait for it for the grace time."""
        self._sessions.remove(session)
        for index in session.accelerators:
            seat = self._seats[index]
            if seat is not None and seat.session is session:
                seat.session, seat.lost_ns = None, self._clock.now_ns()

    def note_bad_line(self) -> None:
        """Count a line that was no message."""
        self._count(bad_lines=1)

    def note_drop(self, session: WorkloadSession, why: str) -> None:
        """Count and tell a connection that we close."""
        self._count(dropped=1)
        subject = session.client or "workload"
        self._event("workload.client_dropped", Severity.WARNING, subject, f"closed: {why}")

    def _welcome(self, session: WorkloadSession, hello: Hello) -> None:
        if session.client and session.client != hello.client:
            raise BadLine(f"hello.client: this connection is {session.client}; open another")
        refusal = next(self._refusals(session, hello), "")
        if refusal:
            self._count(refused=1)
            session.send("error", refusal)
            return
        self._seat(session, hello)
        body = {
            "protocol": PROTOCOL,
            "session": self._session_id,
            "client": hello.client,
            "accelerators": list(hello.accelerators),
            "grace_s": self._grace_s,
        }
        session.send("welcome", body)
        for notice in self._notices.values():
            self._tell_one(session, notice)
        session.send("forecast", forecast_body(self._plan, self._orbit, self._clock))

    def _refusals(self, session: WorkloadSession, hello: Hello) -> Iterator[str]:
        """Yield why an accelerator cannot be had; its own client may come back within the grace."""
        for index in hello.accelerators:
            seat = self._seats[index]
            if seat is None or seat.session is session:
                continue
            if seat.session is not None:
                yield f"accelerator {index} is owned by {seat.hello.client}"
            elif seat.hello.client != hello.client:
                gone_s = (self._clock.now_ns() - seat.lost_ns) / NS_PER_S
                yield (
                    f"accelerator {index} is kept for {seat.hello.client} for "
                    f"{max(self._grace_s - gone_s, 0.0):.1f} s; try again then"
                )

    def _seat(self, session: WorkloadSession, hello: Hello) -> None:
        """Give a session exactly the accelerators of its hello."""
        is_new = session.client == "" or session.accelerators != hello.accelerators
        for index in session.accelerators:
            if index not in hello.accelerators:
                self._seats[index] = None
        for index in hello.accelerators:
            seat = self._seats[index]
            if seat is None:
                self._seats[index] = _Seat(hello, session)
            else:  # its own, or that of its earlier life: what it acknowledged still holds
                seat.hello, seat.session = hello, session
        session.client, session.accelerators = hello.client, hello.accelerators
        self._update_claims()
        if is_new and hello.accelerators:
            text = f"computes on accelerators {', '.join(map(str, hello.accelerators))}"
            self._event("workload.owner", Severity.INFO, hello.client, text)

    def _acknowledge(self, session: WorkloadSession, message: Acknowledgement) -> None:
        is_known = message.notice_id in session.told_ids
        if not is_known:
            raise BadLine("ack: no notice with this id was sent here")
        is_in_force = False
        for index in session.accelerators:
            notice = self._notices.get(f"accel{index}")
            seat = self._seats[index]
            if notice is not None and seat is not None and told_id(notice) == message.notice_id:
                seat.acknowledged, is_in_force = notice.notice_id, True
        if not is_in_force:
            session.send("error", f"ack: {message.notice_id} is no longer in force, or not yours")
            return
        self._count(acknowledged=1)
        self._update_claims()

    def _tell_one(self, session: WorkloadSession, notice: Notice) -> None:
        """Send a notice to a client that it concerns; who owns nothing listens to all."""
        index = self._indices.get(notice.scope)  # None: of the whole node
        concerns_all = index is None or not session.accelerators
        if session.client and (concerns_all or index in session.accelerators):
            session.told_ids.append(told_id(notice))
            self._count(told=1)
            session.send("notice", notice_body(notice, self._clock))

    def _update_claims(self) -> None:
        claims = tuple(_claim(seat) for seat in self._seats)
        if claims != self.claims:
            self.claims = claims

    def _event(self, event_id: str, severity: Severity, subject: str, text: str) -> None:
        now_ns = self._clock.now_ns()
        times_ns = self._event_times_ns
        if len(times_ns) == EVENTS_PER_MINUTE and now_ns - times_ns[0] < _MINUTE_NS:
            self._count(events_untold=1)
            return
        times_ns.append(now_ns)
        self._on_event(Event(now_ns, event_id, severity, subject, text))

    def _count(self, **more: int) -> None:
        counts = self.counts
        self.counts = counts._replace(**{key: getattr(counts, key) + n for key, n in more.items()})


def _claim(seat: _Seat | None) -> WorkloadClaim:
    if seat is None:
        return _NO_CLAIM
    hello = seat.hello
    return WorkloadClaim(
        demand_w=hello.demand_w,
        checkpoint_s=hello.checkpoint_s,
        client=hello.client,
        acknowledged=seat.acknowledged,
    )
