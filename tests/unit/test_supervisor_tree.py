"""The tree: order and dependencies, strategies, planned restarts, the ladder, what is shown."""

import asyncio
import re

import pytest

from flight.core.types import Event
from flight.services.restart_budget import Escalation, MemoryBudgetStore
from flight.services.restart_ladder import Rung, RungBudget
from flight.services.supervised import Child, Policy, Strategy, TaskState, start_order
from flight.services.supervisor import Supervisor
from tests.unit.supervised_service import Service, fly, ids, now_ns, now_s, tasks_in

NS_PER_S = 1_000_000_000


# ---- order ----


def test_a_child_starts_when_those_it_names_are_ready() -> None:
    store, recorder = Service("store", is_slow=True), Service("recorder", after=("store",))
    cycle = Service("cycle", after=("recorder",))
    _, events = fly([cycle.child, recorder.child, store.child], 10.0)
    assert store.starts_s == [0.0]
    assert recorder.starts_s[0] == pytest.approx(3.0, abs=0.6)
    # Ready at first progress, 0.1 s later, and seen at the next look.
    assert 0.1 <= cycle.starts_s[0] - recorder.starts_s[0] <= 0.15
    assert events == []


def test_children_stop_in_the_reverse_order_of_their_dependencies() -> None:
    diary: list[str] = []
    names = {"a": ("b",), "b": ("c",), "c": ()}
    fly([Service(n, diary, after=after).child for n, after in names.items()], 5.0)
    assert diary == [*(f"{n} starts" for n in "cba"), *(f"{n} ends" for n in "abc")]


def test_what_a_temporary_task_has_prepared_stays_ready() -> None:
    starts: list[float] = []

    async def prepare() -> None:
        await asyncio.sleep(1.0)

    async def work() -> None:
        starts.append(now_s())
        await asyncio.sleep(1.0)
        raise OSError("device")

    children = [
        Child(name="prepare", start=prepare, policy=Policy.TEMPORARY),
        Child(name="work", start=work, after=("prepare",), restarts_max=2),
    ]
    fly(children, 5.0)
    assert len(starts) == 3


@pytest.mark.parametrize(
    ("after", "message"),
    [
        ({"a": ("b",), "b": ("c",), "c": ("a",)}, "in a circle: a -> b -> c -> a"),
        ({"a": ("a",)}, "in a circle: a -> a"),
        ({"x": ("a",), "a": ("b",), "b": ("a",)}, "in a circle: a -> b -> a"),
        ({"a": ("nobody",)}, "a starts after nobody, and there is no such child"),
    ],
)
def test_a_circle_and_an_unknown_name_are_refused_by_name(after, message) -> None:
    children = [Service(name, after=names).child for name, names in after.items()]
    with pytest.raises(ValueError, match=re.escape(message)):
        Supervisor(children, now_ns=now_ns)


def test_rest_for_one_follows_the_list_and_leaves_the_link_out() -> None:
    children = [
        Service("link", is_link=True).child,
        *(Service(name).child for name in "abc"),
    ]
    order = start_order(children, Strategy.REST_FOR_ONE)
    assert order == {"link": (), "a": (), "b": ("a",), "c": ("b",)}


# ---- strategies ----


@pytest.mark.parametrize(
    ("strategy", "starts"),
    [
        (Strategy.ONE_FOR_ONE, {"a": 1, "b": 2, "link": 1, "c": 1, "d": 1}),
        (Strategy.REST_FOR_ONE, {"a": 1, "b": 2, "link": 1, "c": 2, "d": 2}),
    ],
)
def test_a_failure_takes_along_what_the_strategy_says_and_never_the_link(strategy, starts) -> None:
    diary: list[str] = []
    services = {name: Service(name, diary, is_link=name == "link") for name in starts}

    async def script(supervisor: Supervisor) -> None:
        await asyncio.sleep(3.0)
        services["b"].failures, services["b"].fails_from = 1, 0
        await asyncio.sleep(3.0)
        assert set(supervisor.restarts.values()) == {0, 1}
        assert supervisor.restarts["b"] == 1

    _, events = fly([s.child for s in services.values()], script, strategy=strategy)
    assert {name: len(s.starts_s) for name, s in services.items()} == starts
    expected = ["task.restart b"]
    if strategy is Strategy.REST_FOR_ONE:
        first = diary.index("b ends")
        assert diary[first : first + 6] == [
            *("b ends", "d ends", "c ends"),
            *("b starts", "c starts", "d starts"),
        ]
        expected += ["task.restart_planned c", "task.restart_planned d"]
    assert sorted(ids(events)) == expected


def test_the_link_takes_nobody_along() -> None:
    services = {name: Service(name, is_link=name == "link") for name in ("link", "a", "b")}
    services["link"].failures, services["link"].fails_from = 1, 20
    fly([s.child for s in services.values()], 5.0, strategy=Strategy.REST_FOR_ONE)
    assert {name: len(s.starts_s) for name, s in services.items()} == {"link": 2, "a": 1, "b": 1}


# ---- planned and unplanned ----


def test_a_planned_restart_spends_no_budget_and_is_told_apart() -> None:
    service = Service("plan", restarts_max=1)

    async def script(supervisor: Supervisor) -> None:
        for _ in range(5):
            await asyncio.sleep(1.0)
            supervisor.restart("plan", "new elements")
        await asyncio.sleep(1.0)
        (status,) = supervisor.tree().children
        assert (status.restarts, status.restarts_planned, status.budget_left) == (0, 5, 1)
        service.fails_from = 0
        await asyncio.sleep(1.0)

    _, events = fly([service.child], script)
    assert ids(events)[:5] == ["task.restart_planned plan"] * 5
    assert events[0].text == "starts again: new elements"
    assert ids(events)[5:] == ["task.restart plan", "task.budget_spent plan"]


def test_a_planned_restart_asks_before_it_cancels_and_ends_a_back_off() -> None:
    asked: list[float] = []
    starts: list[float] = []
    end = asyncio.Event()

    async def run() -> None:
        starts.append(now_s())
        if len(starts) == 1:
            raise OSError("device")
        await end.wait()
        end.clear()

    def stop() -> None:
        asked.append(now_s())
        end.set()

    async def script(supervisor: Supervisor) -> None:
        await asyncio.sleep(10.0)
        assert tasks_in(supervisor.tree(), TaskState.BACKING_OFF) == ["a"]
        supervisor.restart("a", "mended")
        await asyncio.sleep(10.0)
        supervisor.restart("a", "again")
        await asyncio.sleep(10.0)

    child = Child(name="a", start=run, restarts_max=0, stop=stop)
    _, events = fly([child], script)
    assert starts == pytest.approx([0.0, 10.0, 20.0], abs=0.3)
    assert asked[0] == 20.0
    with pytest.raises(KeyError):
        Supervisor([child], now_ns=now_ns).restart("b", "")
    assert "task.stuck a" not in ids(events)


# ---- the ladder ----


def test_the_ladder_acts_in_order_and_its_budgets_outlive_the_process() -> None:
    store, asked = MemoryBudgetStore(), []
    acts = {rung: lambda path, r=rung: asked.append((r.name, path)) for rung in Rung if rung}
    rungs = (
        RungBudget(Rung.SAFE, 1, 600.0, 1.0),
        RungBudget(Rung.EXIT, 1, 600.0, 600.0),
    )

    def run(seconds: float, start_s: float) -> tuple[list[float], list[Event]]:
        service = Service("rails", restarts_max=1, rungs=(Rung.EXIT, Rung.SAFE, Rung.WATCHDOG))
        service.fails_from = 0
        escalation = Escalation(
            boot_ns=lambda: now_ns() + round(start_s * NS_PER_S), store=store, acts=acts,
            rungs=rungs,
        )  # fmt: skip
        _, events = fly([service.child], seconds, escalation=escalation, name="devices")
        return service.starts_s, events

    starts_s, events = run(10.0, 0.0)
    assert starts_s == pytest.approx([0.0, 0.1, 1.2], abs=0.01)
    path = "devices.rails"
    assert asked == [("SAFE", path), ("SAFE", path), ("EXIT", path)]
    assert ids(events) == [
        "task.restart rails",
        "task.budget_spent rails",
        "task.restart rails",
        "task.budget_spent rails",
    ]
    assert store.times["node/exit"] and store.times["devices.rails/task"]

    asked.clear()
    starts_s, events = run(700.0, 10.0)  # a new process: nothing is left
    assert starts_s == pytest.approx([0.0, 600.1], abs=0.01)
    assert asked == [("SAFE", path), ("LAST", path)] * 2
    starts_s, _ = run(100.0, 1000.0)  # killed in the back-off: the attempt keeps its time
    assert starts_s == []


def test_an_act_that_raises_does_not_stop_the_ladder() -> None:
    failed: list[tuple[Rung, str]] = []

    def act(_path: str) -> None:
        raise OSError("no cycle")

    service = Service("a", restarts_max=0, rungs=(Rung.SAFE,))
    service.fails_from = 0
    escalation = Escalation(
        boot_ns=now_ns,
        acts={Rung.SAFE: act},
        on_act_failed=lambda rung, error: failed.append((rung, str(error))),
    )
    fly([service.child], 5.0, escalation=escalation)
    assert failed == [(Rung.SAFE, "no cycle")] * 2
    assert len(service.starts_s) == 2


def test_an_optional_task_backs_off_without_safe_and_the_link_is_tried_each_minute() -> None:
    asked: list[str] = []
    acts = {Rung.SAFE: asked.append, Rung.LAST: asked.append}
    plot = Service("plot", restarts_max=0, is_optional=True)
    link = Service("link", restarts_max=0, is_optional=True, is_link=True)
    plot.fails_from = link.fails_from = 0
    fly([plot.child, link.child], 600.0, escalation=Escalation(boot_ns=now_ns, acts=acts))
    assert asked == []
    assert len(plot.starts_s) == 1
    assert 9 <= len(link.starts_s) <= 11


# ---- what is shown ----


def test_supervisors_nest_stop_in_order_and_restart_as_a_whole() -> None:
    diary: list[str] = []
    leaves = [Service(name, diary) for name in "ab"]
    inner = Supervisor([leaf.child for leaf in leaves], now_ns=now_ns, name="branch")
    other = Service("other", diary)

    async def script(supervisor: Supervisor) -> None:
        await asyncio.sleep(1.0)
        supervisor.restart("branch", "on purpose")
        await asyncio.sleep(1.0)
        tree = supervisor.tree()
        assert [task.name for task in tree.children[0].children] == ["a", "b"]
        assert tasks_in(tree, TaskState.RUNNING) == ["branch", "other", "a", "b"]

    _, events = fly([inner.as_child("branch"), other.child], script)
    once = ["a starts", "b starts", "b ends", "a ends"]
    assert [line for line in diary if not line.startswith("other")] == [*once, *once]
    assert diary[-3:] == ["other ends", "b ends", "a ends"]
    assert ids(events) == ["task.restart_planned branch"]


def test_the_vital_children_are_what_the_watchdog_sees() -> None:
    cycle, plot = Service("cycle", is_vital=True, restarts_max=0), Service("plot")

    async def script(supervisor: Supervisor) -> None:
        await asyncio.sleep(0.05)
        assert supervisor.why_unhealthy() == "cycle is starting"
        await asyncio.sleep(1.0)
        assert supervisor.why_unhealthy() == ""
        cycle.fails_from = plot.fails_from = 0
        await asyncio.sleep(1.0)
        assert supervisor.why_unhealthy() == "cycle is backing_off"

    fly([cycle.child, plot.child], script)
