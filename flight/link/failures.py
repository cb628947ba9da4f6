"""Why a broker connection failed: reason codes of MQTT v5 and errors of the system, by class."""

import socket
import ssl
from typing import Any

from paho.mqtt.reasoncodes import ReasonCode

from flight.link.transport import Failure, LinkDown, Refused

QUOTA_EXCEEDED = 0x97
_TOPIC_DENIED = frozenset({0x87, 0x90})  # not authorized, topic name invalid

# MQTT v5 section 2.4; what is not here is CLOSED.
_BY_CODE = {
    0x81: Failure.PROTOCOL,  # malformed packet
    0x82: Failure.PROTOCOL,
    0x84: Failure.PROTOCOL,  # unsupported protocol version
    0x85: Failure.NOT_AUTHORIZED,  # client identifier not valid
    0x86: Failure.NOT_AUTHORIZED,  # bad user name or password
    0x87: Failure.NOT_AUTHORIZED,
    0x88: Failure.BUSY,  # server unavailable
    0x89: Failure.BUSY,
    0x8A: Failure.NOT_AUTHORIZED,  # banned
    0x8C: Failure.NOT_AUTHORIZED,  # bad authentication method
    0x8D: Failure.TIMEOUT,  # keep alive
    0x8E: Failure.TAKEN_OVER,
    0x95: Failure.PROTOCOL,  # packet too large
    QUOTA_EXCEEDED: Failure.BUSY,
    0x9F: Failure.BUSY,  # connection rate exceeded
}

MENDS = {
    Failure.UNREACHABLE: "start the broker, or mend link.host and link.port",
    Failure.TIMEOUT: "look at the network and at the load of the broker",
    Failure.CLOSED: "see the log of the broker",
    Failure.BUSY: "look at the limits of the broker: connections, memory, quota",
    Failure.NAME_NOT_FOUND: "mend link.host, or the name server",
    Failure.NOT_AUTHORIZED: "mend link.username and link.password_file, or let the broker know us",
    Failure.TLS: "mend link.ca_file, link.certificate_file and link.key_file, or the clock",
    Failure.TAKEN_OVER: "give each node a client id of its own: fleet, satellite and node name",
    Failure.FILE: "make the file readable for the daemon",
    Failure.PROTOCOL: "use a broker that speaks MQTT v5, with room for packets of 64 KiB",
}


def connect_failure(code: Any) -> LinkDown:
    """Return what the broker's answer to a connect means; the code is paho's."""
    return _by_code("broker refused the connection", code)


def disconnect_failure(code: Any) -> LinkDown:
    """Return what the end of a connection means; the code is paho's.

    What a person must mend shows at the next connect; one message may have ended this one.
    """
    lost = _by_code("connection ended", code)
    if lost.failure in (Failure.PROTOCOL, Failure.NOT_AUTHORIZED):
        lost.failure = Failure.CLOSED
    return lost


def os_failure(error: BaseException | None, otherwise: str) -> LinkDown:
    """Return what an error of the system means.

    Args:
        otherwise: What to say when there is no error, which is a time-out.
    """
    if isinstance(error, socket.gaierror):
        return LinkDown("no address for the broker's name", Failure.NAME_NOT_FOUND)
    if isinstance(error, ssl.SSLError):
        detail = getattr(error, "verify_message", "") or getattr(error, "reason", "")
        return LinkDown(f"TLS: {detail or 'handshake failed'}", Failure.TLS)
    if isinstance(error, TimeoutError):
        return LinkDown("no answer in time", Failure.TIMEOUT)
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return LinkDown("connection reset", Failure.CLOSED)
    if isinstance(error, OSError):
        return LinkDown(error.strerror or "cannot connect", Failure.UNREACHABLE)
    return LinkDown(otherwise, Failure.TIMEOUT if error is None else Failure.CLOSED)


def refusal(code: ReasonCode, what: str = "") -> Refused:
    """Return what the broker's no to a message or a subscription means.

    Args:
        what: Begins the text.
    """
    return Refused(f"{what}{str(code).lower()}", is_topic_denied=code.value in _TOPIC_DENIED)


def _by_code(what: str, code: Any) -> LinkDown:
    value = getattr(code, "value", code)
    return LinkDown(f"{what}: {str(code).lower()}", _BY_CODE.get(value, Failure.CLOSED))
