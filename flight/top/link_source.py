"""`nightside top --link`: a node seen from the ground, through the broker that its link uses."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from flight.config import NodeConfig, build_points
from flight.dictionary.export import dictionary
from flight.link.topics import Topics
from flight.link.transport import LinkDown, Refused, Transport
from flight.operator_error import OperatorError
from flight.services.link_config import mqtt_settings
from flight.top.link_picture import LinkPicture

NS_PER_S: Final = 1_000_000_000
CONNECT_TIMEOUT_S: Final = 10.0
RETRY_S: Final = 2.0  # between two tries; a person waits
FIRST_S: Final = 12.0  # the longest that one page waits: a slow packet comes each 10 s
END_TIMEOUT_S: Final = 3.0
NEEDED: Final = ("fast", "slow")  # a page is whole once both came


def make_transport(config: NodeConfig, path: Path) -> Callable[[], Transport]:
    """Return what makes a connection to the broker of a node's [link], as a client of our own.

    Raises: OperatorError, when the link of this configuration has no broker.
    """
    section, node = config.link, config.node
    if section.transport != "mqtt":
        raise OperatorError(
            f"{path}: link.transport = {section.transport!r}: there is no broker to listen to; "
            'write transport = "mqtt" with its host and port'
        )
    client_id = f"{node.satellite}-{node.name}-top-{uuid.uuid4().hex[:8]}"
    # We keep no session: what is sent while nobody looks is not for us.
    settings = replace(mqtt_settings(section, client_id=client_id), session_expiry_s=0)

    def make() -> Transport:
        from flight.link.mqtt import MqttTransport  # noqa: PLC0415  # slow to load

        return MqttTransport(settings)

    return make


class LinkSource:
    """The node as its link shows it. Listens in a thread until `close`.

    Args:
        config: Names the node, and says what its dictionary is.
        transport: Makes the connection, in that thread.
    """

    span_s: tuple[float, float] | None = None

    def __init__(self, config: NodeConfig, transport: Callable[[], Transport]) -> None:
        node = config.node
        topics = Topics(fleet=node.fleet, satellite=node.satellite, node=node.name)
        self.title = f"{topics.base} at {config.link.host}:{config.link.port}"
        self.listener = Listener(LinkPicture(topics, dictionary(config, build_points(config))))
        self._filter = f"{topics.base}/#"
        self._make_transport = transport
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="top link", daemon=True)
        self._thread.start()

    def read(self, t_s: float | None) -> dict[str, Any]:
        """Return what is known now; t_s must be None."""
        return self.listener.document()

    def event_time(self, t_s: float, direction: int) -> float | None:
        """Return None: what is live cannot be moved through."""
        return None

    def wait(self, timeout_s: float = FIRST_S) -> None:
        """Wait until one page can be shown, at most timeout_s.

        Raises: OperatorError, with what is amiss, when nothing of the node came at all.
        """
        self.listener.whole.wait(timeout_s)
        document = self.listener.document()
        heard = document["heard"]
        if heard["problem"]:
            raise OperatorError(f"{self.title}: {heard['problem']}")
        if document["state"] == "unheard" and not heard["messages"]:
            why = heard["failure"] or (
                f"nothing was heard in {timeout_s:g} s: is this the node's broker, and its name?"
            )
            raise OperatorError(f"{self.title}: {why}")

    def close(self) -> None:
        """Stop listening."""
        self._ending.set()
        self._thread.join(END_TIMEOUT_S)

    def _run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        """Listen until `close`; looks once a tenth of a second whether it was called."""
        async with asyncio.TaskGroup() as group:
            ear = group.create_task(
                self.listener.listen(self._make_transport(), self._filter), name="ear"
            )
            while not self._ending.is_set():  # noqa: ASYNC110  # set from another thread
                await asyncio.sleep(0.1)
            ear.cancel()


class Listener:
    """Fills a picture from a connection, and connects again. Read from another thread.

    whole: set once a page would be whole, or cannot be.
    """

    def __init__(self, picture: LinkPicture) -> None:
        self.whole = threading.Event()
        self._picture = picture
        self._lock = threading.Lock()
        self._heard_ns: int | None = None
        self._link = {"state": "connecting", "failure": ""}

    def document(self) -> dict[str, Any]:
        """Return what is known now."""
        with self._lock:
            heard_ns = self._heard_ns
            age_s = None if heard_ns is None else (time.monotonic_ns() - heard_ns) / NS_PER_S
            return self._picture.document(age_s=age_s, link=self._link)

    async def listen(self, transport: Transport, topic_filter: str) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await transport.connect()
                    await transport.subscribe(topic_filter)
                self._tell("up")
                while True:
                    self._take(await transport.receive())
            except (LinkDown, Refused) as error:
                self._tell("down", str(error))
            except TimeoutError:
                self._tell("down", "no answer in time")
            finally:
                transport.drop()
            await asyncio.sleep(RETRY_S)

    def _take(self, message: Any) -> None:
        with self._lock:
            self._picture.take(message)
            if not message.retain:  # that one may be of last week
                self._heard_ns = time.monotonic_ns()
            frames = self._picture.frames
            if self._picture.problem or all(packet in frames for packet in NEEDED):
                self.whole.set()

    def _tell(self, state: str, failure: str = "") -> None:
        with self._lock:
            self._link = {"state": state, "failure": failure}
            if failure and self._heard_ns is None:
                self.whole.set()  # who waits for one page is told so at once
