"""The window of messages under way: what answers mean, and those that come too late."""

import asyncio

import pytest

from flight.link.outbox import Outbox, Outgoing, Priority
from flight.link.transport import LinkDown
from flight.services.link_sender import Sender
from sim_hw.clock import run_simulated


class Transport:
    """Takes messages; a test answers them when it likes."""

    window = 2

    def __init__(self) -> None:
        self.taken: list[asyncio.Future[None]] = []

    def check(self) -> None:
        """Always connected."""

    def send(self, _topic: str, _payload: bytes) -> "asyncio.Future[None]":
        self.taken.append(asyncio.get_running_loop().create_future())
        return self.taken[-1]


@pytest.mark.parametrize("late", ["taken", "lost"])
def test_an_answer_to_an_earlier_connection_says_nothing_of_this_one(late: str) -> None:
    async def main() -> None:
        outbox, transport = Outbox(), Transport()
        refused: list[Outgoing] = []
        sender = Sender(
            transport=transport,
            outbox=outbox,
            now_ns=lambda: 0,
            wake=lambda: None,
            on_refused=lambda message, _why: refused.append(message),
        )
        outbox.put(Priority.EVENT, "evt", b"1")
        sender.fill(Priority.FAST)
        sender.end(LinkDown("reset"))
        sender.fill(Priority.FAST)
        if late == "taken":
            transport.taken[0].set_result(None)
        else:
            transport.taken[0].set_exception(LinkDown("dropped"))
        await asyncio.sleep(0)
        assert outbox.sent == [0] * 4 and outbox.under_way == 1, "it is under way again"
        sender.fill(Priority.FAST)  # raises when it takes the new connection for lost
        transport.taken[1].set_result(None)
        await asyncio.sleep(0)
        assert outbox.sent[Priority.EVENT] == 1 and not refused

    run_simulated(main())
