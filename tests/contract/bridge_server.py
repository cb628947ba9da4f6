"""A minimal server of the bridge protocol (csrc/include/nightside/bridge.h), for tests.

It serves one connection after the other in a thread. What it answers is up to `answer`.
"""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

HEADER = struct.Struct("<2sBBIiHHB3x")
MAGIC = b"NB"
VERSION = 1
TRANSFER, EXCHANGE, RECOVER = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came."""

    kind: int
    sequence: int
    timeout_us: int
    write: bytes
    read_size: int
    address: int


def answer_to(request: Request, data: bytes = b"", *, status: int = 0) -> bytes:
    """Return the message that answers a request."""
    kind = request.kind | 0x80
    header = HEADER.pack(MAGIC, VERSION, kind, request.sequence, status, len(data), 0, 0)
    return header + data


class BridgeServer:
    """Listens at `address` until close().

    Args:
        listener: A listening stream socket; closed by close().
        answer: Returns the bytes to send for a request, or None to hang up.
    """

    def __init__(self, listener: socket.socket, answer: Callable[[Request], bytes | None]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._listener = listener
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="bridge server", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """What a client connects to."""
        name = self._listener.getsockname()
        return f"unix:{name}" if isinstance(name, str) else f"tcp:{name[0]}:{name[1]}"

    def close(self) -> None:
        """Hang up, stop listening, and wait for the thread."""
        for open_socket in (self._listener, self._connection):
            if open_socket is not None:
                with suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                self._connection, _ = self._listener.accept()
            except OSError:
                return
            with self._connection, suppress(ConnectionError):
                while (request := self._receive()) is not None:
                    self.requests.append(request)
                    reply = self.answer(request)
                    if reply is None:
                        break
                    self._connection.sendall(reply)

    def _receive(self) -> Request | None:
        header = self._read(HEADER.size)
        if header is None:
            return None
        magic, version, kind, sequence, timeout_us, size, read_size, address = HEADER.unpack(header)
        if magic != MAGIC or version != VERSION:
            return None
        write = self._read(size)
        if write is None:
            return None
        return Request(
            kind=kind, sequence=sequence, timeout_us=timeout_us,
            write=write, read_size=read_size, address=address,
        )  # fmt: skip

    def _read(self, size: int) -> bytes | None:
        """Return exactly `size` bytes, or None when the client hung up."""
        assert self._connection is not None
        data = b""
        while len(data) < size:
            piece = self._connection.recv(size - len(data))
            if not piece:
                return None
            data += piece
        return data
