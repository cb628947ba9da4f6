"""A connection to an MQTT v5 broker, by aiomqtt. The only module that knows aiomqtt.

aiomqtt 2 connects in a thread, which a cancel cannot end, and takes a message that the broker
refused for one that arrived. `_Client` mends both with names that are aiomqtt's own affair: the
version is bounded in pyproject.toml, and the contract tests run on a real broker.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from flight.link.failures import (
    QUOTA_EXCEEDED,
    connect_failure,
    disconnect_failure,
    os_failure,
    refusal,
)
from flight.link.transport import Failure, LinkDown, Message, Refused
from flight.secret import Secret

INBOX_MAX = 1024  # messages not received yet; the oldest is dropped
ANSWER_TIMEOUT_S = 8.0  # for the broker's answer to a connect or a subscription; assumed
CLOSE_TIMEOUT_S = 2.0

_SILENT = logging.getLogger("nightside.mqtt")  # what a library has to say arrives as LinkDown
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """Where and as whom to connect. Secrets are read from their files at each connect, not kept.

    Args:
        client_id: Of the session at the broker; no two clients may have the same.
        username, password_file: None: as nobody.
        ca_file, certificate_file, key_file: ca_file given: TLS 1.2 or newer, the broker's name
            checked; the other two: our own certificate.
        keepalive_s: The broker publishes the will 1.5 times so long after a silence.
        session_expiry_s: The broker keeps subscriptions and commands for us so long while we are
            away.
        window: Most messages under way at once, 1 to 65535; the broker may allow fewer.
    """

    host: str
    client_id: str
    port: int = 1883
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = 30
    session_expiry_s: int = 86400
    window: int = 20


class MqttTransport:
    """Satisfies Transport on a broker.

    Args:
        settings: Where and as whom.
    """

    def __init__(self, settings: MqttSettings) -> None:
        self.inbox_dropped_count = 0
        self._settings = settings
        self._client: _Client | None = None
        self._failed: tuple[str, Failure] | None = None  # why the last connection ended
        self._inbox: deque[Message] = deque()
        self._wake = asyncio.Event()

    @property
    def window(self) -> int:
        """See Transport.window."""
        return self._settings.window if self._client is None else self._client.window

    async def connect(self, will: Message | None = None) -> None:
        """See Transport.connect. Ends within TCP, TLS and answer time-outs, but for name servers.

        A cancel leaves at once; what its thread still opens is closed as soon as it is open.
        """
        if self._client is not None:
            raise ValueError("already connected")
        self._inbox.clear()
        self._wake.clear()
        self._failed = None
        client = _Client(self._settings, will, self._take, self._on_end)
        is_open = False
        try:
            await client.open()
            is_open = True
        finally:
            if not is_open:
                client.abandon()
        if client.end is not None:  # between the broker's answer and now
            client.abandon()
            raise client.end
        self._client = client

    def check(self) -> None:
        """See Transport.check."""
        self._connected()

    def send(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> asyncio.Future[None]:
        """See Transport.send."""
        return self._connected().send(topic, payload, qos, retain=retain)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """See Transport.publish."""
        await self.send(topic, payload, qos=qos, retain=retain)

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        """See Transport.subscribe."""
        client = self._connected()
        try:
            answers = await client.subscribe(topic_filter, qos=qos, timeout=ANSWER_TIMEOUT_S)
        except aiomqtt.MqttError as error:
            raise LinkDown(f"subscription: {error}", Failure.TIMEOUT) from None
        for answer in answers:
            if isinstance(answer, ReasonCode) and answer.is_failure:
                raise refusal(answer, f"subscription to {topic_filter}: ")

    async def receive(self) -> Message:
        """See Transport.receive."""
        while True:
            self._connected()
            if self._inbox:
                return self._inbox.popleft()
            self._wake.clear()
            await self._wake.wait()

    async def close(self) -> None:
        """See Transport.close. Returns within CLOSE_TIMEOUT_S."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            with contextlib.suppress(aiomqtt.MqttError, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await client.__aexit__(None, None, None)
        finally:
            client.abandon()
            self._wake.set()

    def drop(self) -> None:
        """See Transport.drop."""
        client, self._client = self._client, None
        if client is not None:
            client.abandon()
            self._wake.set()

    def _connected(self) -> "_Client":
        if self._client is None:
            text, failure = self._failed or ("not connected", Failure.CLOSED)
            raise LinkDown(text, failure)
        return self._client

    def _take(self, message: Message) -> None:
        if len(self._inbox) >= INBOX_MAX:
            self._inbox.popleft()
            self.inbox_dropped_count += 1
        self._inbox.append(message)
        self._wake.set()

    def _on_end(self, client: "_Client", why: LinkDown) -> None:
        if client is self._client:
            self._failed = str(why), why.failure
            self.drop()


class _Client(aiomqtt.Client):
    """aiomqtt's client, which tells more: what the broker allows, what it says to each message, why
    it ended. One connection each.
    """

    def __init__(
        self,
        settings: MqttSettings,
        will: Message | None,
        on_message: Callable[[Message], None],
        on_end: Callable[["_Client", LinkDown], None],
    ) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = settings.session_expiry_s
        properties.ReceiveMaximum = settings.window
        super().__init__(
            settings.host,
            settings.port,
            username=settings.username,
            password=_secret(settings.password_file),
            logger=_SILENT,
            identifier=settings.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=None if will is None else aiomqtt.Will(*will),
            timeout=ANSWER_TIMEOUT_S,
            keepalive=settings.keepalive_s,
            clean_start=False,
            max_inflight_messages=0,  # no second queue behind the outbox: `send` keeps the window
            properties=properties,
            tls_context=_tls_context(settings),
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        self.window = settings.window
        self.end: LinkDown | None = None
        self._size_bytes_max: int | None = None
        self._under_way: dict[int, asyncio.Future[None]] = {}
        self._take = on_message
        self._on_end = on_end
        self._is_abandoned = False
        self._thread_id = threading.get_ident()

    async def open(self) -> None:
        """Connect. Raises: LinkDown."""
        try:
            await self.__aenter__()
        except aiomqtt.MqttCodeError as error:
            raise connect_failure(error.rc) from None
        except aiomqtt.MqttError as error:
            if self.end is not None:
                raise self.end from None
            raise os_failure(error.__context__, str(error)) from None
        self._disconnected.add_done_callback(self._on_disconnected)

    def send(self, topic: str, payload: bytes, qos: int, *, retain: bool) -> asyncio.Future[None]:
        """See Transport.send."""
        if len(self._under_way) >= self.window:
            raise ValueError(f"more than {self.window} messages under way")
        taken: asyncio.Future[None] = self._loop.create_future()
        if self._size_bytes_max is not None and len(payload) + len(topic) > self._size_bytes_max:
            # Sent all the same, it would cost the connection, again and again.
            taken.set_exception(Refused(f"{len(payload)} bytes, over the broker's packet limit"))
            return taken
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != 0:
            raise LinkDown("not connected")
        if qos == 0:
            taken.set_result(None)
        else:
            self._under_way[info.mid] = taken
        return taken

    def abandon(self) -> None:
        """Close without a word, now or as soon as the connecting thread has opened it."""
        self._is_abandoned = True
        self._fail(LinkDown("connection dropped"))
        # paho's public ways all wait for the broker. Not at once: aiomqtt has calls in the loop's
        # queue that want this descriptor, and would find another one in its place.
        self._loop.call_soon(self._client._sock_close)  # noqa: SLF001
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # known already

    def _on_socket_open(self, client: Any, userdata: Any, sock: Any) -> None:
        if self._is_abandoned:  # in the connecting thread: nobody waits for it any more
            sock.close()
            raise ConnectionAbortedError("abandoned")
        super()._on_socket_open(client, userdata, sock)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        if threading.get_ident() == self._thread_id:
            # At once: what aiomqtt puts off could find the descriptor closed, or another's.
            self._loop.add_writer(sock.fileno(), self._write)
        else:
            super()._on_socket_register_write(client, userdata, sock)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001  # as in aiomqtt: whatever it is, it is the end
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _on_connect(
        self,
        client: Any,
        userdata: Any,
        flags: Any,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.window = min(self.window, getattr(properties, "ReceiveMaximum", self.window))
        self._size_bytes_max = _payload_max(getattr(properties, "MaximumPacketSize", None))
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self,
        client: Any,
        userdata: Any,
        flags: Any,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self._fail(disconnect_failure(reason_code))
        if not self._connected.done():  # aiomqtt would wait for an answer that cannot come
            self._connected.set_exception(aiomqtt.MqttError("closed before an answer"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_publish(
        self,
        client: Any,
        userdata: Any,
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,
    ) -> None:
        taken = self._under_way.pop(mid, None)
        if taken is None or taken.done():
            return
        if not reason_code.is_failure:
            taken.set_result(None)
        elif reason_code.value == QUOTA_EXCEEDED:
            taken.set_exception(LinkDown("the broker's quota is spent", Failure.BUSY))
        else:
            taken.set_exception(refusal(reason_code))

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        if not self._is_abandoned:
            self._take(Message(message.topic, message.payload, message.qos, message.retain))

    def _on_disconnected(self, ended: asyncio.Future[None]) -> None:
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            self._fail(os_failure(error, "connection lost"))

    def _fail(self, why: LinkDown) -> None:
        if self.end is not None:
            return
        self.end = why
        under_way, self._under_way = self._under_way, {}
        for taken in under_way.values():
            if not taken.done():
                taken.set_exception(LinkDown(str(why), why.failure))
        self._on_end(self, why)


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # as in ssl
        """Shake hands."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _payload_max(packet_size_bytes_max: int | None) -> int | None:
    """Return the most bytes of topic and payload; the header of a PUBLISH takes up to 10 more."""
    return None if packet_size_bytes_max is None else packet_size_bytes_max - 10


def _secret(path: Path | None) -> str | None:
    """Return the first line of a file with a secret, which no log shows from then on.

    Raises: LinkDown, without its contents.
    """
    if path is None:
        return None
    try:
        return Secret(path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")).reveal()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not text"
        raise LinkDown(f"{path}: {why}", Failure.FILE) from None


def _tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    if settings.ca_file is None:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _TlsSocket
        if settings.certificate_file is not None:
            context.load_cert_chain(settings.certificate_file, settings.key_file, password=_no_word)
    except ssl.SSLError as error:
        raise LinkDown(f"certificate or key: {error.reason or 'unusable'}", Failure.TLS) from None
    except OSError as error:
        raise LinkDown(f"certificate or key: {error.strerror}", Failure.FILE) from None
    return context


def _no_word() -> str:
    """Stand in for OpenSSL's question on the terminal, which would hold the daemon for ever."""
    return ""
