"""The workload port: jobs on this host say what they need and are told what is coming.

A Unix socket with one JSON object per line, and a file with the same for those who only look. What
a client does, or fails to do, never holds up the cycle: nothing here waits for an answer.
"""

import asyncio
import contextlib
import errno
import grp
import json
import os
import socket
import stat
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import Field, field_validator

from flight.core.section import Section
from flight.core.types import (
    CapPlan,
    Decision,
    Event,
    Inputs,
    Notice,
    OrbitForecast,
    Severity,
    WorkloadClaim,
)
from flight.services.latest_file import LatestFile
from flight.services.nap import Nap
from flight.services.workload_hub import HubCounts, WorkloadHub, WorkloadSession
from flight.services.workload_messages import NS_PER_S, Clock, to_line

WAKE_S: Final = 1.0
TURN_S: Final = 0.2  # a client with more than a turn's lines waits so long for the next
RETRY_S: Final = 10.0  # of opening the socket
CLOSE_S: Final = 1.0  # for the last words of a connection that we end
OPEN_TIMEOUT_S: Final = 5.0
BACKLOG: Final = 8  # connections that are accepted at one go
BUFFER_BYTES_MAX: Final = 65_536  # unread by a client; then it is dropped
SOCKET_MODE: Final = 0o660
PATH_BYTES_MAX: Final = 107  # unix(7): sun_path has 108 with its zero


class WorkloadSection(Section):
    """The port for jobs on this host."""

    socket_path: str = Field(
        default="", description="Unix socket, at most 107 bytes; empty: no socket."
    )
    socket_group: str = Field(
        default="", description="Group that may connect; empty: that of the daemon."
    )
    notice_path: str = Field(
        default="",
        description="File with the notices in force, on a memory file system; empty: none.",
    )
    grace_s: float = Field(
        default=10.0,
        ge=0.0,
        le=3600.0,
        description="A client that has gone keeps its accelerators so long; assumed.",
    )
    clients_max: int = Field(default=32, ge=1, le=256, description="Connections; assumed.")

    @field_validator("socket_path")
    @classmethod
    def _fits_an_address(cls, path: str) -> str:
        size = len(os.fsencode(path))
        if size > PATH_BYTES_MAX:
            raise ValueError(f"{size} bytes; a Unix socket's path has at most {PATH_BYTES_MAX}")
        return path


class WorkloadHealth(NamedTuple):
    """What the port knows of itself. problem: why the socket is closed, "" when it is not."""

    is_open: bool
    problem: str
    clients: int
    owned: int
    counts: HubCounts
    file_error: str


class WorkloadPort:
    """The port as a service. A CycleSink.

    Args:
        config: The section [workload].
        accelerator_count: Of the node.
        now_ns: Monotonic clock.
        session_id: One run of the daemon, as in the birth message: ids of notices begin again.
        utc_offset_ns: UTC minus monotonic time while it is trusted, else None: for messages only.
        on_event: Takes workload.* events; must not raise.

    Attributes:
        hub: Sessions, owners and claims; tests and simulated jobs connect here.
        progress: Grows with every wake-up, at least once a second.
    """

    def __init__(
        self,
        *,
        config: WorkloadSection,
        accelerator_count: int,
        now_ns: Callable[[], int],
        session_id: str,
        utc_offset_ns: Callable[[], int | None] = lambda: None,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.progress = 0
        self._clock = Clock(now_ns, utc_offset_ns)
        self.hub = WorkloadHub(
            accelerator_count=accelerator_count,
            clock=self._clock,
            session_id=session_id,
            grace_s=config.grace_s,
            clients_max=config.clients_max,
            on_event=on_event,
        )
        self._on_event = on_event
        self._path = Path(config.socket_path) if config.socket_path else None
        self._group = config.socket_group
        self._file = LatestFile(Path(config.notice_path)) if config.notice_path else None
        self._file_error = ""
        self._nap = Nap()
        self._is_ending = False
        self._server: asyncio.Server | None = None
        self._inode = 0  # of the socket file that is ours
        self._connections: set[_Connection] = set()
        self._problem = ""
        self._retry_ns = 0
        self._notices: tuple[Notice, ...] = ()
        self._is_told = True  # nothing changed since the clients were told
        self._plan: CapPlan | None = None
        self._orbit: OrbitForecast | None = None
        self._is_forecast_told = True

    @property
    def health(self) -> WorkloadHealth:
        """The state of the port now."""
        hub = self.hub
        return WorkloadHealth(
            self._server is not None,
            self._problem,
            hub.session_count,
            sum(claim.client != "" for claim in hub.claims),
            hub.counts,
            "" if self._file is None else self._file.error,
        )

    def claims(self) -> tuple[WorkloadClaim, ...]:
        """Return what the jobs have declared; the same object while nothing changed."""
        return self.hub.claims

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Note what a cycle decided; clients are told outside the cycle.

        A cycle without notices, one that came late, takes none back.
        """
        if decision.notices is not self._notices and decision.notices:
            self._notices = decision.notices
            self._is_told = False
            self._nap.wake()
        if inputs.plan is not self._plan or inputs.orbit is not self._orbit:
            self._plan, self._orbit = inputs.plan, inputs.orbit
            self._is_forecast_told = False  # with the next wake-up is soon enough

    def request_end(self) -> None:
        """Ask `run` to close the port and return."""
        self._is_ending = True
        self._nap.wake()

    async def run(self) -> None:
        """Serve until `request_end`."""
        try:
            while not self._is_ending:
                if self._path is not None:
                    await self._keep_open(self._path)
                self._tell()
                self._watch_file()
                self.hub.tick()
                self.progress += 1
                await self._nap.sleep(WAKE_S)
        finally:
            self._close()

    def _tell(self) -> None:
        """Pass on what changed."""
        if self._is_told and self._is_forecast_told:
            return
        if not self._is_told:
            self._is_told = True
            self.hub.tell(self._notices)
        if not self._is_forecast_told:
            self._is_forecast_told = True
            self.hub.tell_forecast(self._plan, self._orbit)
        if self._file is not None:  # its thread writes; the times in it count from this moment
            now = {"written_monotonic_ns": self._clock.now_ns()}
            self._file.put(json.dumps(now | self.hub.snapshot(), allow_nan=False).encode())

    def _watch_file(self) -> None:
        """Tell when the file cannot be written, and when it can again."""
        error = "" if self._file is None else self._file.error
        if error != self._file_error:
            self._file_error = error
            if error:
                self._event("workload.file_failed", Severity.WARNING, error)
            else:
                self._event("workload.file_failed.cleared", Severity.INFO, "it is written again")

    async def _keep_open(self, path: Path) -> None:
        """Open the socket, again when its file has gone; tell once why it cannot be."""
        if self._server is not None:
            if _inode(path) == self._inode:
                return
            self._close_server()
        now_ns = self._clock.now_ns()
        if now_ns < self._retry_ns:
            return
        try:
            await self._open(path)
        except (OSError, KeyError, TimeoutError) as error:
            self._retry_ns = now_ns + round(RETRY_S * NS_PER_S)
            text = f"{path}: {_reason(error, self._group)}"
            if text != self._problem:
                self._problem = text
                self._event("workload.port_closed", Severity.WARNING, text)
            return
        if self._problem:
            self._problem = ""
            self._event("workload.port_closed.cleared", Severity.INFO, f"{path} is open again")

    async def _open(self, path: Path) -> None:
        with contextlib.ExitStack() as undo:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            undo.callback(listener.close)
            _bind(listener, path, self._group)
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                self._server = await asyncio.get_running_loop().create_unix_server(
                    lambda: _Connection(self.hub, self._connections), sock=listener, backlog=BACKLOG
                )
            undo.pop_all()
        self._inode = _inode(path)

    def _close_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _close(self) -> None:
        """Close everything at once; clients see the end of the stream."""
        if self._path is not None and self._server is not None:
            with contextlib.suppress(OSError):
                if _inode(self._path) == self._inode:
                    self._path.unlink()
        self._close_server()
        for connection in tuple(self._connections):
            connection.abort()
        if self._file is not None and self._is_ending:
            self._file.end()

    def _event(self, event_id: str, severity: Severity, text: str) -> None:
        self._on_event(Event(self._clock.now_ns(), event_id, severity, "workload", text))


class _Connection(asyncio.Protocol):
    """Carries bytes between a socket and a session; reads no faster than its turns allow."""

    def __init__(self, hub: WorkloadHub, connections: "set[_Connection]") -> None:
        self._hub = hub
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._session: WorkloadSession | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)
        transport.set_write_buffer_limits(high=BUFFER_BYTES_MAX)
        self._session = self._hub.open(self._send, self._end)
        if self._session is None:
            self._end()

    def data_received(self, data: bytes) -> None:
        if self._session is not None and self._session.receive(data):
            self._wait_for_turn()

    def pause_writing(self) -> None:
        """The client has not read for 64 KiB."""
        if self._session is not None:
            self._session.drop("it does not read what it is sent")
        self.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)
        if self._session is not None:
            self._session.close()

    def abort(self) -> None:
        """Drop the connection with all that waits in it."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self, line: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(line)

    def _end(self) -> None:
        """Let what was sent go out, but do not wait for a client that does not read."""
        assert self._transport is not None
        self._transport.close()
        asyncio.get_running_loop().call_later(CLOSE_S, self.abort)

    def _wait_for_turn(self) -> None:
        assert self._transport is not None
        self._transport.pause_reading()
        asyncio.get_running_loop().call_later(TURN_S, self._take_turn)

    def _take_turn(self) -> None:
        if self._transport is None or self._session is None or self._transport.is_closing():
            return
        if self._session.go_on():
            asyncio.get_running_loop().call_later(TURN_S, self._take_turn)
        elif not self._transport.is_closing():
            self._transport.resume_reading()


class MemoryClient:
    """A job in the same process: the port without a socket, for virtual time and tests.

    Attributes:
        lines: What it was sent, oldest first, as (kind, body); the newest LINES_KEPT.
        is_closed: The daemon has ended the connection, or refused it.
    """

    LINES_KEPT: Final = 1000

    def __init__(self, hub: WorkloadHub) -> None:
        self.lines: deque[tuple[str, Any]] = deque(maxlen=self.LINES_KEPT)
        self.is_closed = False
        self._session = hub.open(self._take, self._end)
        if self._session is None:
            self.is_closed = True

    def hello(self, client: str, accelerators: tuple[int, ...], **more: float) -> None:
        """Say who computes on what; more: demand_w, checkpoint_s."""
        self.say("hello", {"client": client, "accelerators": list(accelerators), **more})

    def acknowledge(self, notice_id: str) -> None:
        """Say that a notice has been acted on."""
        self.say("ack", notice_id)

    def say(self, kind: str, body: object) -> None:
        """Send one message."""
        self.send(to_line(kind, body))

    def send(self, data: bytes) -> None:
        """Send bytes."""
        if self._session is not None:
            more = self._session.receive(data)
            while more:
                more = self._session.go_on()

    def close(self) -> None:
        """End the connection from the client's side."""
        if self._session is not None:
            self._session.close()

    def bodies(self, kind: str) -> list[Any]:
        """Return the bodies of all lines of one kind."""
        return [body for k, body in self.lines if k == kind]

    def _take(self, line: bytes) -> None:
        self.lines.extend(json.loads(line).items())

    def _end(self) -> None:
        self.is_closed = True


def _bind(listener: socket.socket, path: Path, group: str) -> None:
    """Bind with the right owner and mode: nobody can connect before listen()."""
    _remove_stale(path)
    listener.bind(str(path))
    path.chmod(SOCKET_MODE)
    if group:
        os.chown(path, -1, grp.getgrnam(group).gr_gid)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody answers on. Raises OSError for anything else in its place."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EEXIST, "is there already and no socket; move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()  # of a daemon that was killed
            return
        except BlockingIOError:
            pass  # its queue is full: somebody is there
    raise OSError(errno.EADDRINUSE, "somebody answers on it; stop that program or choose a path")


def _inode(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except OSError:
        return 0


def _reason(error: Exception, group: str) -> str:
    if isinstance(error, KeyError):
        return f"socket_group = {group!r}: there is no such group"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
