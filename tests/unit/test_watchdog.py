"""The watchdog is stroked only on a fresh token; each single ill one withholds it and is named."""

import asyncio
import os
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core.types import Event
from flight.services.watchdog import Watchdog
from hal import DriverSet, DriverSpec, NodeImage, PointSpec, Status, WatchdogDevice
from sim_hw.clock import SimLoop, run_simulated

NS_PER_S = 1_000_000_000
VITAL = ("cycle", "drivers", "store", "link")
CHECKS = ("store", "budgets", "tasks")
PERIOD_S = 5.0


class Node:
    """Counts of vital tasks, checks, a cycle and a device, each of which can be ill."""

    def __init__(self) -> None:
        self.now_ns = 100 * NS_PER_S
        self.counts = dict.fromkeys(VITAL, 0)
        self.wrong = dict.fromkeys(CHECKS, "")
        self.acted_ns = self.now_ns
        self.strokes = 0
        self.stroke_fails = False
        self.events: list[Event] = []
        self.watchdog = Watchdog(
            stroke=self.stroke,
            progress={name: lambda n=name: self.counts[n] for name in VITAL},
            acted_ns=lambda: self.acted_ns,
            checks={name: lambda n=name: self.wrong[n] for name in CHECKS},
            now_ns=lambda: self.now_ns,
            period_s=PERIOD_S,
            on_event=self.events.append,
        )

    def stroke(self) -> None:
        if self.stroke_fails:
            raise OSError("no such device")
        self.strokes += 1

    def live(self, *, still: tuple[str, ...] = (), acts: bool = True) -> None:
        """Let a period pass in which all but `still` move, and look."""
        self.now_ns += round(PERIOD_S * NS_PER_S)
        for name in VITAL:
            self.counts[name] += name not in still
        if acts:
            self.acted_ns = self.now_ns
        self.watchdog.look()


def raises() -> str:
    raise KeyError("bug")


ILLS: dict[str, tuple[Callable[[Node], None], str]] = {
    **{f"{n} still": (lambda node, n=n: node.live(still=(n,)), f"{n} made no") for n in VITAL},
    "cycle late": (lambda node: node.live(acts=False), "the cycle has not acted"),
    "no cycle yet": (lambda node: (setattr(node, "acted_ns", 0), node.live(acts=False))[0],
                     "the cycle has not acted"),
    "device": (lambda node: (setattr(node, "stroke_fails", True), node.live())[0],
               "the stroke failed: OSError: no such device"),
    **{f"{n} wrong": (lambda node, n=n: (node.wrong.update({n: "disk full"}), node.live())[0],
                      f"{n}: disk full") for n in CHECKS},
    "check raises": (lambda node: (node.watchdog._checks.update(store=raises), node.live())[0],
                     "store: KeyError: 'bug'"),
    "count raises": (lambda node: (node.watchdog._vital.update(cycle=raises), node.live())[0],
                     "cycle made no progress"),
    "withheld on purpose": (lambda node: (node.watchdog.withhold("ladder", 60.0), node.live())[0],
                            "ladder"),
}  # fmt: skip


@pytest.mark.parametrize("ill", ILLS)
def test_any_single_ill_one_withholds_the_stroke_and_is_named(ill: str) -> None:
    node = Node()
    node.live()
    assert (node.strokes, node.events) == (1, [])
    make_ill, message = ILLS[ill]
    make_ill(node)
    assert node.strokes == 1
    (event,) = node.events
    assert event.event_id == "watchdog.withheld"
    assert message in event.text
    assert node.watchdog.health.withheld == event.text


@given(
    still=st.sets(st.sampled_from(VITAL)),
    wrong=st.sets(st.sampled_from(CHECKS)),
    acts=st.booleans(),
)
def test_it_is_stroked_if_and_only_if_all_are_healthy(still, wrong, acts) -> None:
    node = Node()
    node.live()
    node.wrong.update(dict.fromkeys(wrong, "ill"))
    node.live(still=tuple(still), acts=acts)
    healthy = not still and not wrong and acts
    assert node.strokes == 1 + healthy
    for name in still:
        assert f"{name} made no progress" in node.watchdog.health.withheld


def test_a_token_is_fresh_only_once() -> None:
    """A task that moved once, long ago, and a cycle that acted just now are not enough."""
    node = Node()
    node.live()
    for _ in range(3):
        node.live(still=("store",))
    assert node.strokes == 1
    assert len(node.events) == 1  # told once, not each time
    node.live()
    assert node.strokes == 2
    assert node.events[-1].event_id == "watchdog.stroked"


def test_withholding_on_purpose_ends_when_no_reset_came() -> None:
    node = Node()
    node.watchdog.withhold("the last resort", 3.0 * PERIOD_S)
    for _ in range(2):
        node.live()
    assert node.strokes == 0
    node.live()
    assert node.strokes == 1


def test_the_service_looks_every_period_and_ends_at_once() -> None:
    node, ends = Node(), []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        node.watchdog._now_ns = lambda: 100 * NS_PER_S + loop.now_ns()
        async with asyncio.TaskGroup() as group:
            group.create_task(node.watchdog.run(), name="watchdog")
            for _ in range(230):
                await asyncio.sleep(0.1)
                node.acted_ns = node.watchdog._now_ns()
                node.counts = {name: count + 1 for name, count in node.counts.items()}
            assert node.watchdog.progress >= 22  # the supervisor sees it live each second
            node.watchdog.request_end()
        ends.append(loop.now_ns() / NS_PER_S)

    run_simulated(main())
    assert node.strokes == 4
    assert ends == pytest.approx([23.0])


# ---- down to the device ----


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """A character device that is no watchdog, and shows what is written to it."""
    master, slave = os.openpty()
    os.set_blocking(master, False)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_strokes_reach_the_device_and_without_them_it_is_not_touched(line) -> None:
    master, path = line
    kick = PointSpec(name="kick", driver=0, device=0, channel=3, period_ns=NS_PER_S // 10,
                     writable=True, low=0.0, high=2.0**53, safe=0.0)  # fmt: skip
    spec = DriverSpec(name="host", bus=None, devices=(WatchdogDevice(path=path, timeout_s=10),))
    image = NodeImage([kick], [spec])
    drivers = DriverSet(image)
    node = Node()
    tokens = count(1)
    node.watchdog._stroke = lambda: image.write_desired(np.array([float(next(tokens))]), 1)

    def fly(**ills) -> list[int]:
        """Live one period and return the outcomes of the strokes so far."""
        node.live(**ills)
        image.beat(1)
        drivers.step(node.now_ns)
        return [record.status for record in image.evidence("host") if record.point == 0]

    fly(still=("cycle",))
    with pytest.raises(BlockingIOError):
        os.read(master, 1)  # withheld from the first look on: never armed
    assert Status.UNSUPPORTED in fly()  # a terminal takes no time-out
    assert os.read(master, 9) == b"V"
    drivers.close()
    image.close()
