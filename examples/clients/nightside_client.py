"""A client of the workload port: copy this one file beside your job; it needs nothing else.

    node = NightsideClient("/run/nightside/workload.sock", "trainer", [0, 1], checkpoint_s=20)
    for step in work:
        for notice in node.poll():
            ...  # save, then node.ack(notice)

`poll` never waits unless told to and never raises for a daemon that is away: the job goes on, and
the connection is tried again once a second. Not safe across threads.
"""

import json
import socket
import time
from typing import Any

RETRY_S = 1.0
RECEIVE_BYTES = 65_536

Notice = dict[str, Any]


class NightsideClient:
    """Says what a job needs and takes what it is told.

    Args:
        path: The socket of the node's daemon.
        client: Name of the job; the same after a restart, so that it gets its accelerators back.
        accelerators: Indices of those it computes on; none: it only listens.
        demand_w: Power that each of them can use; None: all there is.
        checkpoint_s: Time that it needs to save.

    Attributes:
        is_welcome: The daemon has taken the hello.
        notices: The newest notice of each scope, e.g. "accel0".
        forecast: Caps and eclipses to come, as last told; {} before.
        error: What the daemon answered last to something that it refused.
    """

    def __init__(
        self,
        path: str,
        client: str,
        accelerators: list[int],
        *,
        demand_w: float | None = None,
        checkpoint_s: float = 0.0,
    ) -> None:
        self.is_welcome = False
        self.notices: dict[str, Notice] = {}
        self.forecast: dict[str, Any] = {}
        self.error = ""
        self._path = path
        self._hello = {
            "client": client,
            "accelerators": accelerators,
            "demand_w": demand_w,
            "checkpoint_s": checkpoint_s,
        }
        self._socket: socket.socket | None = None
        self._received = b""
        self._session = ""
        self._acted: set[str] = set()  # ids of notices in force that were acknowledged
        self._retry_at_s = 0.0

    def poll(self, timeout_s: float = 0.0) -> list[Notice]:
        """Return the notices that came since the last call, oldest first.

        Args:
            timeout_s: Wait so long for one when there is none.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            found = self._take()
            left_s = deadline_s - time.monotonic()
            if found or left_s <= 0.0:
                return found
            self._wait(min(left_s, RETRY_S))

    def ack(self, notice: Notice) -> None:
        """Tell the daemon that a notice has been acted on; again by itself if that got lost."""
        self._acted.add(notice["id"])
        self._send("ack", notice["id"])

    def demand(self, demand_w: float | None) -> None:
        """Tell the daemon of another demand."""
        self._hello["demand_w"] = demand_w
        self._send("hello", self._hello)

    def level(self) -> str:
        """Return the strictest level in force on the accelerators of this job."""
        order = ("open", "cordon", "drain", "checkpoint", "freeze", "off")
        levels = [notice["level"] for notice in self.notices.values() if notice["level"] in order]
        return max(levels, key=order.index, default="open")

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._received = b""
        self.is_welcome = False

    def _take(self) -> list[Notice]:
        """Read what is there without waiting."""
        if self._socket is None:
            self._connect()
        found: list[Notice] = []
        while self._socket is not None:
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                return found
            except OSError:
                data = b""
            if not data:
                self._lose()
                return found
            *lines, self._received = (self._received + data).split(b"\n")
            found += [notice for line in lines for notice in self._read(line)]
        return found

    def _read(self, line: bytes) -> list[Notice]:
        kind, body = next(iter(json.loads(line).items()))
        if kind == "notice":
            return self._notice(body)
        if kind == "forecast":
            self.forecast = body
        elif kind == "error":
            self.error = body
        elif kind == "welcome":
            self.is_welcome = True
            if body["session"] != self._session:  # a new daemon: it numbers its notices afresh
                self._session = body["session"]
                self.notices.clear()
                self._acted.clear()
        return []

    def _notice(self, notice: Notice) -> list[Notice]:
        """Keep a notice; return it if it is new, and not told again after a lost connection."""
        is_new = self.notices.get(notice["scope"], {}).get("id") != notice["id"]
        self.notices[notice["scope"]] = notice
        self._acted &= {known["id"] for known in self.notices.values()}
        if not is_new and notice["id"] in self._acted:
            self._send("ack", notice["id"])
        return [notice] if is_new else []

    def _wait(self, timeout_s: float) -> None:
        """Wait for bytes, or for the time of the next try."""
        if self._socket is None:
            time.sleep(timeout_s)
            return
        self._socket.settimeout(timeout_s)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return  # nothing came; or the connection is gone, which the next read finds
        finally:
            self._socket.setblocking(False)

    def _connect(self) -> None:
        if time.monotonic() < self._retry_at_s:
            return
        self._retry_at_s = time.monotonic() + RETRY_S
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(RETRY_S)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()  # no daemon now: the job goes on alone
            return
        connection.setblocking(False)
        self._socket = connection
        self._send("hello", self._hello)

    def _send(self, kind: str, body: object) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendall(json.dumps({kind: body}).encode() + b"\n")
        except OSError:
            self._lose()

    def _lose(self) -> None:
        self.close()
        self._retry_at_s = time.monotonic() + RETRY_S
