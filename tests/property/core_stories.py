"""Stories for the stand-in node: what may happen to it, in any order, and how it is flown.

A story is a list of (what happens, cycles flown afterwards). It is plain data, so that a failure
prints the steps that led to it.
"""

from collections.abc import Callable, Iterator
from copy import copy
from operator import setitem
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from flight.core.types import (
    FLAG_LAPSED,
    FLAG_REFLEX,
    FLAG_WRITE_FAILED,
    CapPlan,
    Command,
    Decision,
    OrbitForecast,
    WorkloadClaim,
)
from tests.core_node import Node, booted

NS_PER_S = 1_000_000_000
TABLE = booted().table
DEVICES = sorted({point.device for point in TABLE})
CHARGE = "eps.battery.charge_ratio"
LONGER = 20  # times as many examples in `make property`
UNITS = st.integers(0, 7)

Happening = tuple[str, Any]
Story = list[tuple[Happening, int]]

FAULTS = (
    st.tuples(st.just("nack"), st.sampled_from(DEVICES)),
    st.tuples(st.just("mute"), st.sampled_from([point.name for point in TABLE])),
    st.tuples(st.just("pump"), st.integers(0, 1)),
    st.tuples(st.just("latch_up"), UNITS),
    st.tuples(st.just("cap_ignored"), UNITS),
    st.tuples(st.just("lost"), UNITS),
    st.tuples(st.just("charge"), st.sampled_from([0.95, 0.55, 0.45, 0.35, 0.2])),
    st.tuples(st.just("flag"), st.sampled_from([FLAG_LAPSED, FLAG_REFLEX, FLAG_WRITE_FAILED])),
)
SENSORS = (
    st.tuples(st.just("frozen"), UNITS),
    st.tuples(st.just("cold"), UNITS),
    st.tuples(st.just("work"), st.sampled_from([0.1, 1.0])),
)
STUCK = st.tuples(st.just("stuck"), UNITS)
ORDERS = (
    st.tuples(st.just("mode"), st.sampled_from(["NOMINAL", "STANDBY", "SAFE", "SURVIVAL"])),
    st.tuples(st.just("disable"), UNITS),
    st.tuples(st.just("enable"), UNITS),
    st.tuples(st.just("retire"), UNITS),
    st.tuples(st.just("return"), UNITS),
    st.tuples(st.just("reset"), UNITS),
    st.tuples(st.just("budget"), st.sampled_from([1500.0, 3000.0, 7000.0])),
    st.tuples(st.just("limit"), UNITS),
)
OTHERS = (
    st.tuples(st.just("claim"), UNITS),
    st.tuples(st.just("acknowledge"), UNITS),
    st.tuples(st.just("eclipse"), st.integers(1, 60)),
    st.tuples(st.just("plan"), st.sampled_from([250.0, 500.0])),
    st.tuples(st.just("heal"), st.just(0)),
)


def examples(count: int) -> settings:
    """Return settings for so many examples, or more in `make property`."""
    is_long = settings.default is not None and settings.default.max_examples >= 1000
    return settings(max_examples=count * LONGER if is_long else count)


def stories(*happenings: st.SearchStrategy[Happening], steps_max: int = 8) -> Any:
    """Return a strategy of stories made of these happenings, each flown for up to 6 s."""
    return st.lists(
        st.tuples(st.one_of(*happenings), st.integers(1, 60)), min_size=1, max_size=steps_max
    )


def order(name: str, /, **arguments: float | str) -> Command:
    """Return a command."""
    return Command("c", name, tuple(arguments.items()))


_SWITCHES = {
    "disable": "disable_accelerator",
    "enable": "enable_accelerator",
    "retire": "retire",
    "return": "return_to_service",
    "reset": "reset_accelerator",
}


def begin(node: Node, what: str, which: Any) -> tuple[Command, ...]:
    """Let something happen to a node; return what is commanded with it."""
    if what in _BREAKS:
        _BREAKS[what](node, which)
        return ()
    if what in ("claim", "acknowledge", "eclipse", "plan"):
        _tell(node, what, which)
        return ()
    if what == "heal":
        return heal(node)
    if what in _SWITCHES:
        return (order(_SWITCHES[what], subject=f"accel{which}"),)
    return (_ORDERS[what](which),)


_BREAKS: dict[str, Callable[[Node, Any], object]] = {
    "nack": lambda node, which: node.nack.add(which),
    "mute": lambda node, which: node.mute.add(which),
    "pump": lambda node, which: setitem(node.pump_dead, which, True),
    "latch_up": lambda node, which: setitem(node.aux_extra_a, which, 1.2),
    "cap_ignored": lambda node, which: setitem(node.cap_ignored, which, True),
    "lost": lambda node, which: setitem(node.lost, which, True),
    "stuck": lambda node, which: setitem(node.module_stuck, which, True),
    "frozen": lambda node, which: setitem(node.forced, f"accel{which}.core_temp_c", 60.0),
    "cold": lambda node, which: setitem(node.forced, f"accel{which}.core_temp_c", 25.0),
    "misread": lambda node, which: setitem(node.forced, f"rail.accel{which}_54v.enable", 1.0),
    "full": lambda node, which: setitem(node.forced, "host.disk_free_ratio", which),
    "work": lambda node, which: setattr(node, "utilisation", which),
    "charge": lambda node, which: setitem(node.forced, CHARGE, which),
    "flag": lambda node, which: setitem(node.flags, "accel3.cap_w", which),
}
_ORDERS: dict[str, Callable[[Any], Command]] = {
    "mode": lambda mode: order("set_mode", mode=mode),
    "budget": lambda power_w: order("node_budget", power_w=power_w),
    "limit": lambda i: order("operator_limit", subject=f"accel{i}", cap_w=300.0, duration_s=3.0),
}


def _tell(node: Node, what: str, which: Any) -> None:
    """Let the world of the workload change."""
    if what == "eclipse":
        entry_ns = node.now_ns + which * NS_PER_S
        node.orbit = OrbitForecast(((entry_ns, entry_ns + 2000 * NS_PER_S),), entry_ns * 2)
    elif what == "plan":
        ends_ns = node.now_ns + 20 * NS_PER_S
        node.plan = CapPlan((node.now_ns,), ((which,) * 8,), ends_ns)
    else:
        claims = list(node.claims or (WorkloadClaim(),) * 8)
        claims[which] = WorkloadClaim(demand_w=400.0, checkpoint_s=5.0, client="job")
        if what == "acknowledge" and node.decision is not None:
            told = node.decision.notices[which].notice_id
            claims[which] = claims[which]._replace(acknowledged=told)
        node.claims = tuple(claims)


def heal(node: Node) -> tuple[Command, ...]:
    """End all faults; return the commands that undo what latched, or was commanded."""
    node.nack, node.mute, node.flags, node.forced = set(), set(), {}, {}
    node.pump_dead, node.cap_ignored, node.lost = [False] * 2, [False] * 8, [False] * 8
    node.aux_extra_a, node.module_stuck = [0.0] * 8, [False] * 8
    node.claims, node.plan, node.orbit, node.utilisation = (), None, None, 1.0
    return (
        *(order("return_to_service", subject=f"accel{i}") for i in range(8)),
        order("clear_latched", subject="all"),
        order("enable_accelerator", subject="all"),
        order("node_budget", power_w=7000.0),
        order("set_mode", mode="NOMINAL"),
    )


def fresh() -> Node:
    """Return a node in service, whose clocks work."""
    node = booted()
    node.flags, node.clock_works = copy(node.flags), True
    return node


def fly(node: Node, story: Story) -> Iterator[Decision]:
    """Fly a story; yield after every cycle."""
    for (what, which), cycles in story:
        commands = begin(node, what, which)
        for _ in range(cycles):
            yield node.cycle(*commands)
            commands = ()
