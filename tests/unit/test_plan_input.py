"""A plan from a file: taken when it is right, refused with a reason, never taken in halves."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flight.core.types import CapPlan, Event
from flight.dictionary.events import EVENT_IDS
from flight.operator_error import OperatorError
from flight.services import file_input, file_watch
from flight.services.file_input import FILE_BYTES_MAX
from flight.services.file_watch import FileWatch
from flight.services.plan_input import (
    NS_PER_S,
    PlanInput,
    PlanInputSection,
    parse_plan,
)
from sim_hw.clock import run_simulated

START_S = datetime(2030, 3, 20, 12, tzinfo=UTC).timestamp()
OFFSET_NS = round(START_S * NS_PER_S)  # monotonic 0 is 12:00
STEPS = [["2030-03-20T12:00:00Z", 400], ["2030-03-20T12:30:00Z", [300.0] * 8]]


def plan_text(**changes: object) -> str:
    return json.dumps({"valid_until_utc": "2030-03-20T13:00:00Z", "steps": STEPS} | changes)


class Node:
    """A PlanInput with hands on its clocks; each `second` is one of its wake-ups."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now_s = 0.0
        self.offset_ns = OFFSET_NS
        self.is_trusted = True
        self.events: list[Event] = []
        self.service = PlanInput(
            config=PlanInputSection(path=str(path)),
            accelerator_count=8,
            now_ns=lambda: round(self.now_s * NS_PER_S),
            utc_offset_ns=lambda: self.offset_ns,
            is_time_trusted=lambda: self.is_trusted,
            on_event=self.events.append,
        )

    def seconds(self, count: int = 2) -> None:
        for _ in range(count):
            self.now_s += 1.0
            self.service.look()

    def write(self, text: str) -> None:
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self.path)  # another inode: seen whatever the clock of the disk

    @property
    def plan(self) -> CapPlan | None:
        return self.service.value

    def event_ids(self) -> list[str]:
        found = [event.event_id for event in self.events]
        assert set(found) <= EVENT_IDS
        return found


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "plan.json")


def test_a_plan_is_taken_and_told_in_monotonic_time(node: Node) -> None:
    node.write(plan_text())
    node.seconds()
    assert node.plan == CapPlan((0, 1800 * NS_PER_S), ((400.0,) * 8, (300.0,) * 8), 3600 * NS_PER_S)
    assert node.event_ids() == ["plan.accepted"]
    plan = node.plan
    node.seconds(10)
    assert node.plan is plan
    assert len(node.events) == 1


def test_toml_and_seconds_say_the_same(tmp_path: Path) -> None:
    toml = (
        "valid_until_utc = 2030-03-20T13:00:00Z\nstart_utc = 2030-03-20T12:00:00Z\n"
        "steps = [[0, 400], [1800.0, [300, 300, 300, 300, 300, 300, 300, 300]]]\n"
    )
    assert parse_plan("plan.toml", toml, 8) == parse_plan("plan.json", plan_text(), 8)


BAD_PLANS = [
    ("{", "is not valid JSON"),
    ("[" * 5000, "is not valid JSON"),
    ("[]", "is no table of keys; write valid_until_utc and steps"),
    ("{}", "valid_until_utc: is missing and has no default"),
    (plan_text(step=[]), "step: unknown key; did you mean 'steps'?"),
    (plan_text(valid_until_utc=3600), "write a time such as 2030-03-20T12:00:00Z"),
    (plan_text(valid_until_utc="3600"), "valid_until_utc = '3600'"),
    (plan_text(steps=[["2030-03-20", 400], [5, 300]]), r"steps\[1\] = 5 s: give start_utc"),
    (plan_text(steps=[["1", 400]]), r"steps\[0\]"),
    (plan_text(steps=[[True, 400]]), r"steps\[0\]"),
    (plan_text(steps=[STEPS[1], STEPS[0]]), r"steps\[1\]: is not later than the step before"),
    (plan_text(steps=[STEPS[0], STEPS[0]]), r"steps\[1\]: is not later than the step before"),
    (plan_text(steps=[[STEPS[0][0], [400, 400]]]), r"steps\[0\]: 2 caps; give one for all or 8"),
    (plan_text(steps=[[STEPS[0][0], -1]]), r"steps\[0\].*-1"),
    (plan_text(steps=[[STEPS[0][0], "400"]]), r"steps\[0\]\[1\] = '400': write watts"),
    (plan_text(steps=[[STEPS[0][0], [400] * 7 + ["x"]]]), r"steps\[0\]\[1\]: write watts"),
    (plan_text(valid_until_utc="9999-01-01"), "valid_until_utc = '9999-01-01': write a time"),
    (plan_text(steps=[[STEPS[0][0], True]]), r"steps\[0\]"),
    (plan_text(steps=[[STEPS[0][0], float("nan")]]), r"steps\[0\]"),
    (plan_text(steps=[[STEPS[0][0], float("inf")]]), r"steps\[0\]"),
    (plan_text(steps=[[STEPS[0][0]]]), r"steps\[0\]"),
    (
        plan_text(steps=[[START_S + i, 400] for i in range(2001)]),
        "steps: 2001 steps; give at most 2000",
    ),
    (plan_text(start_utc="2030-03-20T12:00:00Z", steps=[[1e300, 400]]), "steps"),
]


@pytest.mark.parametrize(("text", "message"), BAD_PLANS, ids=range(len(BAD_PLANS)))
def test_a_bad_plan_is_refused_with_its_mend_and_the_old_one_stays(
    node: Node, text: str, message: str
) -> None:
    with pytest.raises(OperatorError, match=message):
        parse_plan("plan.json", text, 8)
    node.write(plan_text())
    node.seconds()
    plan = node.plan
    assert plan is not None
    node.write(text)
    node.seconds()
    assert node.plan is plan
    assert node.event_ids() == ["plan.accepted", "plan.rejected"]
    assert str(node.path) in node.events[-1].text
    node.seconds(5)
    assert len(node.events) == 2  # told once
    node.now_s = 3598.0
    node.seconds(1)
    assert len(node.events) == 2
    node.seconds(5)
    assert node.event_ids()[2:] == ["plan.expired"]
    assert node.plan is plan  # it says itself until when it is valid


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff\xfe\x00", "is not text"), (b" " * (FILE_BYTES_MAX + 1), "is longer than")],
    ids=["bytes", "too_long"],
)
def test_what_is_no_plan_at_all_is_refused(node: Node, data: bytes, message: str) -> None:
    node.path.write_bytes(data)
    node.seconds()
    assert node.event_ids() == ["plan.rejected"]
    assert message in node.events[0].text


def test_a_folder_in_its_place_is_refused(node: Node) -> None:
    node.path.mkdir()
    node.seconds(5)
    assert node.event_ids() == ["plan.rejected"]
    assert "cannot be read" in node.events[0].text


def test_a_plan_that_is_over_already_is_refused(node: Node) -> None:
    node.write(plan_text(valid_until_utc="2030-03-20T12:00:01Z"))
    node.seconds()
    assert "valid_until_utc is over" in node.events[0].text
    assert node.plan is None


def test_no_steps_withdraw_the_plan(node: Node) -> None:
    node.write(plan_text())
    node.seconds()
    node.write(plan_text(steps=[]))
    node.seconds()
    assert node.plan is None
    assert node.event_ids() == ["plan.accepted", "plan.accepted"]


def test_a_plan_that_was_withdrawn_does_not_come_back_with_a_step_of_utc(node: Node) -> None:
    node.write(plan_text(steps=[]))
    node.seconds()
    node.offset_ns += 100 * NS_PER_S
    node.seconds()
    assert node.plan is None
    node.now_s = 4000.0
    node.seconds()
    assert node.event_ids() == ["plan.accepted"]


def test_a_file_taken_away_leaves_the_plan_until_its_end(node: Node) -> None:
    node.write(plan_text())
    node.seconds()
    node.path.unlink()
    node.seconds(5)
    assert node.plan is not None
    assert node.event_ids() == ["plan.accepted"]


def test_a_file_that_is_still_being_written_is_left_alone(node: Node) -> None:
    text = plan_text()
    for end in range(0, len(text), 20):
        node.path.write_text(text[:end])
        node.seconds(1)
        assert node.events == []
    node.path.write_text(text)
    node.seconds()
    assert node.event_ids() == ["plan.accepted"]


def test_a_plan_waits_until_utc_is_trusted(node: Node) -> None:
    node.is_trusted = False
    node.write(plan_text())
    node.seconds(5)
    assert node.plan is None
    assert node.service.health.problem == "waits for a trusted UTC"
    node.is_trusted = True
    node.seconds(1)
    assert node.plan is not None
    node.is_trusted = False
    node.offset_ns = 0
    node.seconds(5)
    assert node.plan is not None and node.plan.from_ns[0] == 0  # it is in monotonic time


def test_a_step_of_utc_moves_the_plan_and_a_drift_does_not(node: Node) -> None:
    node.write(plan_text())
    node.seconds()
    plan = node.plan
    node.offset_ns += 50_000_000
    node.seconds(1)
    assert node.plan is plan
    node.offset_ns = OFFSET_NS + 100 * NS_PER_S
    node.seconds(1)
    assert node.plan is not None and node.plan.from_ns == (-100 * NS_PER_S, 1700 * NS_PER_S)


@pytest.mark.parametrize("has_thread", [False, True], ids=["virtual time", "real time"])
def test_the_service_follows_its_file_until_it_is_asked_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_thread: bool
) -> None:
    monkeypatch.setattr(file_watch, "LOOK_S", 0.01)
    monkeypatch.setattr(file_input, "WAKE_S", 0.01)
    (tmp_path / "plan.json").write_text(plan_text())
    taken: list[CapPlan] = []

    async def main() -> None:
        service = PlanInput(
            config=PlanInputSection(path=str(tmp_path / "plan.json")),
            accelerator_count=8,
            now_ns=lambda: round(asyncio.get_running_loop().time() * NS_PER_S),
            utc_offset_ns=lambda: OFFSET_NS - round(asyncio.get_running_loop().time() * NS_PER_S),
            is_time_trusted=lambda: True,
            has_thread=has_thread,
        )
        async with asyncio.timeout(60.0), asyncio.TaskGroup() as group:
            group.create_task(service.run(), name="plan")
            while service.value is None:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(0.01)
            taken.append(service.value)
            service.request_end()
        assert service.progress > 1

    if has_thread:
        asyncio.run(main())
    else:
        run_simulated(main())
    assert len(taken[0].caps_w) == 2


def test_without_a_path_there_is_no_plan() -> None:
    service = PlanInput(
        config=PlanInputSection(),
        accelerator_count=8,
        now_ns=lambda: 0,
        utc_offset_ns=lambda: 0,
        is_time_trusted=lambda: True,
    )
    service.look()
    assert service.value is None and service.health.problem == ""


def test_the_thread_gives_each_change_once_and_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    watch = FileWatch(path, bytes_max=100, convert=bytes.decode)
    path.write_text("one")
    watch.look()
    watch.look()
    path.write_text("three")
    watch.look()
    watch.look()
    watch.start()  # from here on `take` does not look
    watch.start()
    taken = watch.take()
    assert taken is not None and taken.value == "three"
    assert watch.take() is None
    watch.end()


def test_a_bug_in_the_watch_reaches_its_task_and_the_next_run_looks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that dies in silence would leave the node without plans for good."""
    monkeypatch.setattr(file_watch, "LOOK_S", 0.001)
    path, bugs = tmp_path / "plan", [KeyError("bug")]
    path.write_text("7")

    def convert(data: bytes) -> int:
        if bugs:
            raise bugs.pop()
        return int(data)

    watch = FileWatch(path, bytes_max=100, convert=convert)
    watch.start()
    assert watch._thread is not None
    watch._thread.join(60.0)
    with pytest.raises(KeyError, match="bug"):
        watch.take()
    watch.start()
    for _ in range(60_000):
        sighting = watch.take()
        if sighting is not None:
            break
        watch._ending.wait(0.001)
    watch.end()
    assert sighting is not None and sighting.value == 7
