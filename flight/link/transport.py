"""What the link needs of a broker connection. One contract suite tests every implementation."""

import asyncio
from enum import StrEnum
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """A message. qos: 0 at most once, 1 at least once. retain: kept for later subscribers."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Failure(StrEnum):
    """Why there is no connection. The first group passes by itself, the second needs a person."""

    UNREACHABLE = "unreachable"  # nobody listens there, or no route
    TIMEOUT = "timeout"  # no answer in time
    CLOSED = "closed"  # the broker or the network ended the connection
    BUSY = "busy"  # the broker is there and takes nothing more for now
    NAME_NOT_FOUND = "name not found"

    NOT_AUTHORIZED = "not authorized"  # user, password or client id
    TLS = "tls"  # certificates or keys do not fit
    TAKEN_OVER = "taken over"  # another client connected with our client id
    FILE = "file"  # a file with a secret cannot be read
    PROTOCOL = "protocol"  # the broker does not speak as we need it

    @property
    def needs_a_person(self) -> bool:
        """Whether trying again soon is in vain."""
        return self in _NEEDS_A_PERSON


_NEEDS_A_PERSON = frozenset(
    {Failure.NOT_AUTHORIZED, Failure.TLS, Failure.TAKEN_OVER, Failure.FILE, Failure.PROTOCOL}
)


class LinkDown(Exception):  # noqa: N818  # a state of the world, not an error of ours
    """The broker cannot be reached, or no longer. Expected at any time; never a bug.

    Args:
        text: For people; never holds a secret.
        failure: Its class.
    """

    def __init__(self, text: str, failure: Failure = Failure.CLOSED) -> None:
        super().__init__(text)
        self.failure = failure


class Refused(Exception):  # noqa: N818  # as LinkDown
    """The broker is there and says no to one message or subscription; it would do so again.

    Args:
        text: For people.
        is_topic_denied: Whether it would say so to any message of the topic.
    """

    def __init__(self, text: str, *, is_topic_denied: bool = False) -> None:
        super().__init__(text)
        self.is_topic_denied = is_topic_denied


class Transport(Protocol):
    """A connection to a broker, for one task that sends and at most one that receives.

    A connection that was lost stays lost until `connect` is called again. Subscriptions may end
    with it, so a receiver subscribes after each connect.
    """

    @property
    def window(self) -> int:
        """How many messages with qos 1 may be under way at once, >= 1; known once connected."""

    async def connect(self, will: Message | None = None) -> None:
        """Connect. The broker publishes `will` when the connection ends without `close`.

        Raises: LinkDown.
        """

    def check(self) -> None:
        """Do nothing while connected. Raises: LinkDown, with why there is no connection."""

    def send(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> asyncio.Future[None]:
        """Hand a message over; messages go in the order of the calls.

        Returns: A future that ends when the broker has taken the message over (qos 0: when it is on
            its way), with Refused, or with LinkDown: then it may or may not have arrived.

        Raises: LinkDown, when there is no connection.
        """

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Send one message and wait for it. Raises: LinkDown, Refused."""

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        """Receive messages on a filter (`+` one level, `#` all below), retained ones first.

        Raises: LinkDown, Refused.
        """

    async def receive(self) -> Message:
        """Return the next message, waiting for it.

        Raises: LinkDown, when the connection is lost; what had arrived before it is lost too.
        """

    async def close(self) -> None:
        """End in order: the will is not published. Never raises; may be called twice."""

    def drop(self) -> None:
        """End at once and without a word, so that the broker publishes the will. Never raises."""
