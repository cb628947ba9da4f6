"""What the link needs of a broker connection. One contract suite tests every implementation."""

from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """A message. qos: 0 at most once, 1 at least once. retain: kept for later subscribers."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class LinkDown(Exception):  # noqa: N818  # a state of the world, not an error of ours
    """The broker cannot be reached, or no longer. Expected at any time; never a bug."""


class Transport(Protocol):
    """A connection to a broker, for one task that sends and at most one that receives.

    A connection that was lost stays lost until `connect` is called again; subscriptions end with
    it.
    """

    async def connect(self, will: Message | None = None) -> None:
        """Connect. The broker publishes `will` when the connection ends without `close`.

        Raises: LinkDown.
        """

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Publish, and with qos 1 return only when the broker has taken the message over.

        Raises: LinkDown: the message may or may not have arrived.
        """

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        """Receive messages on a filter (`+` one level, `#` all below), retained ones first.

        Raises: LinkDown.
        """

    async def receive(self) -> Message:
        """Return the next message, waiting for it.

        Raises: LinkDown, when the connection is lost; what had arrived before it is lost too.
        """

    async def close(self) -> None:
        """End in order: the will is not published. Never raises; may be called twice."""
