"""A real Mosquitto for one test, on loopback, and a proxy that makes its network slow or dead."""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from flight.link.mqtt import MqttSettings

PASSWORD = "correct-horse-battery"  # noqa: S105  # of a broker that lives for one test
TEST_TIMEOUT_S = 60.0  # a bound for a test that hangs, not a claim
SBIN = "/usr/sbin"  # where Debian puts it, and a user's PATH has it not


def run_real(test: Callable[[], Awaitable[None]], timeout_s: float = TEST_TIMEOUT_S) -> None:
    """Run a test on a real event loop; what it leaves behind or leaves unread fails it."""
    complaints: list[dict[str, Any]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: complaints.append(context))
        async with asyncio.timeout(timeout_s):
            await test()

    asyncio.run(main())
    assert not complaints, complaints


class Mosquitto:
    """A broker process. Use it as a context.

    Args:
        folder: For its files.
        lines: Of its configuration, beside the listener.
        whole: All of its configuration, with PORT for the port; None: one for tests.
    """

    def __init__(self, folder: Path, *lines: str, whole: str | None = None) -> None:
        self._program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:{SBIN}")
        if self._program is None:
            pytest.skip(
                "NOT RUN: there is no mosquitto; install with: sudo apt-get install mosquitto"
            )
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        security = () if any("allow_anonymous" in line for line in lines) else _OPEN
        text = (f"listener {self.port} 127.0.0.1", *security, *_COMMON, *lines)
        self._config.write_text(
            "\n".join(text) + "\n" if whole is None else whole.replace("PORT", str(self.port))
        )
        self._process: subprocess.Popen[str] | None = None
        self._client_ids = (f"client-{k}" for k in itertools.count())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it; return when it listens."""
        assert self._program is not None
        self._process = subprocess.Popen(
            [self._program, "-c", self._config], stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        log = []
        for line in self._process.stderr:
            log.append(line)
            if line.rstrip().endswith("running"):
                return
        pytest.fail(f"mosquitto does not start:\n{''.join(log)}")

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stderr is not None
            self._process.stderr.close()
            self._process = None

    def freeze(self) -> None:
        """Stop it where it stands: the kernel still accepts connections for it."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def settings(self, **changes: Any) -> MqttSettings:
        """Return settings that reach it, with a client id of their own."""
        given = {"host": "127.0.0.1", "port": self.port, "client_id": next(self._client_ids)}
        return MqttSettings(**given | changes)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


_OPEN = ("allow_anonymous true",)
_COMMON = (
    "set_tcp_nodelay true",
    "log_dest stderr",
    "log_type information",
    "connection_messages false",
    "max_queued_messages 0",  # else it drops silently what a receiver has not fetched
    *(("user root",) if os.geteuid() == 0 else ()),  # else it cannot read the test's folder
)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def with_password(folder: Path) -> tuple[str, ...]:
    """Return the lines of a broker that knows one user, `node`."""
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip(
            "NOT RUN: there is no mosquitto_passwd; install with: sudo apt-get install mosquitto"
        )
    users = folder / "users"
    subprocess.run([program, "-b", "-c", users, "node", PASSWORD], check=True, capture_output=True)
    return ("allow_anonymous false", f"password_file {users}")


def certificates(folder: Path, name: str) -> tuple[Path, Path]:
    """Return certificate and key, signed by itself, of a broker on loopback."""
    if shutil.which("openssl") is None:
        pytest.skip("NOT RUN: there is no openssl; install with: sudo apt-get install openssl")
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return certificate, key


class Proxy:
    """Carries TCP connections to a port, later by `delay_s`; refuses new ones unless `is_open`."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.delay_s = 0.0
        self.is_open = True
        self._to = port
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._carrying: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        if self._carrying:
            await asyncio.wait(self._carrying)
        await self._server.wait_closed()

    def break_all(self) -> None:
        """Break the connections that stand, in both directions, losing what is on its way."""
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        if not self.is_open:
            writer.close()
            return
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers.append(far_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer), name="up")
                group.create_task(self._pump(far_reader, writer), name="down")

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
        writer.close()
