"""The cycle, with a stub of `step`: order of its parts, epochs, late cycles, commands, trace."""

import contextlib
from dataclasses import dataclass, field

import numpy as np
import pytest

from flight.core.types import FLAG_LAPSED, Ack, Command, Decision, Inputs, Mode, Restored
from flight.services.cycle import COMMANDS_MAX, LAPSED_CYCLES_MAX, Cycle

PERIOD_NS = 100_000_000
SECOND_NS = 1_000_000_000


@dataclass
class FakeImage:
    """Remembers what was asked of it, in order."""

    epoch: int = 6
    calls: list[tuple[str, object]] = field(default_factory=list)
    value: float = 1.0

    def snapshot(self):
        self.calls.append(("snapshot", None))
        return (
            np.full(3, self.value),
            np.zeros(3, np.int64),
            np.zeros(3, np.int32),
            np.zeros(3, np.uint32),
        )

    def write_desired(self, values, epoch):
        self.calls.append(("write", epoch))

    def beat(self, epoch):
        self.calls.append(("beat", epoch))
        self.epoch = epoch

    def request_rearm(self, driver):
        self.calls.append(("rearm", driver))


@dataclass
class Sink:
    """Keeps what it was given."""

    taken: list[tuple[Inputs, Decision]] = field(default_factory=list)

    def record(self, inputs: Inputs, decision: Decision) -> None:
        self.taken.append((inputs, decision))


def step(config: str, state: int, inputs: Inputs) -> tuple[int, Decision]:
    if any(command.name == "fail" for command in inputs.commands):
        raise KeyError("bug")
    decision = Decision(
        mode=Mode.NOMINAL,
        desired=np.array([float(state), 2.0]),
        cap_w=(700.0,),
        cap_reason=(config,),
        rearm=("accel1",) if state == 1 else (),
        acks=tuple(Ack(command.command_id, True, "") for command in inputs.commands),
    )
    return state + 1, decision


def make(image: FakeImage, sink: Sink | None = None) -> Cycle[str, int]:
    return Cycle(
        image=image,
        config="plan",
        state=0,
        step=step,
        sinks=() if sink is None else (sink,),
        period_ns=PERIOD_NS,
    )


def test_a_cycle_senses_then_writes_then_beats_last() -> None:
    image, sink = FakeImage(), Sink()
    cycle = make(image, sink)
    cycle.run(0)
    cycle.run(PERIOD_NS)
    first = [("snapshot", None), ("write", 7), ("beat", 7)]
    assert image.calls[:3] == first
    assert image.calls[3:] == [first[0], first[1], ("rearm", "accel1"), first[2]]
    assert cycle.state == 2
    assert sink.taken[1] == (sink.taken[1][0], cycle.last_decision)
    assert sink.taken[1][0].snapshot is cycle.last_snapshot


def test_the_epoch_is_newer_than_the_one_found_in_the_image() -> None:
    assert make(FakeImage(epoch=41)).epoch == 42


def test_a_late_cycle_only_senses_and_takes_a_new_epoch() -> None:
    image, sink = FakeImage(), Sink()
    cycle = make(image, sink)
    cycle.run(0)
    image.calls.clear()
    cycle.run(PERIOD_NS + 300_000_001)
    assert image.calls == [("snapshot", None)]
    assert (cycle.epoch, cycle.state, cycle.late_count) == (8, 1, 1)
    late = sink.taken[-1][1]
    assert np.isnan(late.desired).all()
    assert (late.cap_w, late.mode) == ((700.0,), Mode.NOMINAL)
    assert [event.event_id for event in late.events] == ["cycle.late"]
    cycle.run(2 * PERIOD_NS + 300_000_001)
    assert ("write", 8) in image.calls
    assert image.calls[-1] == ("beat", 8)


def test_a_cycle_late_by_just_the_limit_still_writes() -> None:
    image = FakeImage()
    cycle = make(image)
    cycle.run(0)
    cycle.run(PERIOD_NS + 300_000_000)
    assert cycle.late_count == 0
    assert image.calls[-1] == ("beat", 7)


def test_cycles_that_are_late_again_and_again_never_write() -> None:
    image = FakeImage()
    cycle = make(image)
    for k in range(5):
        cycle.run(k * SECOND_NS)
    assert [call for call in image.calls if call[0] != "snapshot"] == [("write", 7), ("beat", 7)]
    assert cycle.epoch == 11


def test_a_late_cycle_takes_an_epoch_newer_than_another_daemon_left() -> None:
    image = FakeImage()
    cycle = make(image)
    cycle.run(0)
    image.epoch = 50
    cycle.run(SECOND_NS)
    assert cycle.epoch == 51


def test_a_late_cycle_leaves_commands_to_the_next_one() -> None:
    sink = Sink()
    cycle = make(FakeImage(), sink)
    cycle.run(0)
    cycle.submit(Command("c1", "mode"))
    cycle.run(SECOND_NS)
    assert sink.taken[-1][0].commands == ()
    cycle.run(SECOND_NS + PERIOD_NS)
    assert sink.taken[-1][0].commands == (Command("c1", "mode"),)
    assert list(cycle.acks) == [Ack("c1", True, "")]


def test_a_command_runs_in_one_step_only() -> None:
    sink = Sink()
    cycle = make(FakeImage(), sink)
    cycle.submit(Command("c1", "mode"))
    cycle.run(0)
    cycle.run(PERIOD_NS)
    assert [len(inputs.commands) for inputs, _ in sink.taken] == [1, 0]


def test_a_command_whose_step_fails_is_answered_and_never_tried_again() -> None:
    image = FakeImage()
    cycle = make(image)
    cycle.submit(Command("c1", "fail"))
    with pytest.raises(KeyError):
        cycle.run(0)
    assert list(cycle.acks) == [Ack("c1", False, "interrupted: the cycle failed")]
    assert image.calls == [("snapshot", None)]  # no beat: the leases run
    cycle.run(PERIOD_NS)
    assert cycle.state == 1


def test_one_command_too_many_is_rejected_with_its_reason() -> None:
    cycle = make(FakeImage())
    for k in range(COMMANDS_MAX + 1):
        cycle.submit(Command(f"c{k}", "mode"))
    assert [(ack.command_id, ack.ok) for ack in cycle.acks] == [(f"c{COMMANDS_MAX}", False)]


def trace_of(value: float, shift_ns: int = 0, state: int = 0) -> str:
    image = FakeImage(value=value)
    cycle = make(image)
    cycle.state = state  # `step` puts it into the desired values
    for k in range(3):
        cycle.run(k * PERIOD_NS + shift_ns)
    return cycle.trace_hash


def test_the_trace_hash_tells_equal_flights_from_different_ones() -> None:
    assert trace_of(1.0) == trace_of(1.0)
    others = [trace_of(1.0 + 2.0**-52), trace_of(-1.0), trace_of(1.0, 1), trace_of(1.0, 0, 5)]
    assert len({trace_of(1.0), *others}) == 5


def test_a_daemon_that_is_slow_but_keeps_its_leases_acts_in_every_second_cycle() -> None:
    image = FakeImage()
    cycle = make(image)
    for k in range(9):
        cycle.run(k * 450_000_000)
    assert [epoch for call, epoch in image.calls if call == "beat"] == [7, 8, 9, 10, 11]
    assert cycle.late_count == 4


def test_a_lapse_that_a_driver_keeps_without_a_late_cycle_gets_a_new_epoch() -> None:
    class LapsedImage(FakeImage):
        def snapshot(self):
            *arrays, flags = super().snapshot()
            flags[1] = FLAG_LAPSED
            return (*arrays, flags)

    cycle = make(LapsedImage())
    for k in range(LAPSED_CYCLES_MAX - 1):
        cycle.run(k * PERIOD_NS)
    assert cycle.epoch == 7
    cycle.run((LAPSED_CYCLES_MAX - 1) * PERIOD_NS)
    assert cycle.epoch == 8
    for k in range(LAPSED_CYCLES_MAX, 2 * LAPSED_CYCLES_MAX):
        cycle.run(k * PERIOD_NS)
    assert cycle.epoch == 9, "and another one while it is still kept"


def test_a_state_that_fails_twice_in_a_row_is_given_up_for_the_first_one() -> None:
    states: list[int] = []

    def failing(config: str, state: int, inputs: Inputs) -> tuple[int, Decision]:
        states.append(state)
        if state == 1:  # what the first good step left behind
            raise KeyError("bug")
        return step(config, state, inputs)

    cycle = Cycle(image=FakeImage(), config="c", state=0, step=failing, period_ns=PERIOD_NS)
    for k in range(4):
        with contextlib.suppress(KeyError):
            cycle.run(k * PERIOD_NS)
    assert states == [0, 1, 1, 0]


def test_a_state_given_up_under_another_configuration_is_the_first_one_that_fits_it() -> None:
    states: list[tuple[str, int]] = []

    def failing(config: str, state: int, inputs: Inputs) -> tuple[int, Decision]:
        states.append((config, state))
        if state == 102:
            raise KeyError("bug")
        return step(config, state, inputs)

    cycle = Cycle(image=FakeImage(), config="c", state=0, step=failing, period_ns=PERIOD_NS)
    for k in range(5):
        with contextlib.suppress(KeyError):
            cycle.run(k * PERIOD_NS)
        if k == 1:
            cycle.reconfigure("d", lambda state: state + 100)
    assert states == [("c", 0), ("c", 1), ("d", 102), ("d", 102), ("d", 100)]


def test_what_a_run_was_given_is_given_again_to_a_state_that_begins_anew() -> None:
    given: list[tuple[int, Restored | None]] = []
    first, newer = Restored(latched=("accel1",)), Restored(latched=("accel1", "accel2"))

    def failing(config: str, state: int, inputs: Inputs) -> tuple[int, Decision]:
        given.append((state, inputs.restored))
        if state == 1:
            raise KeyError("bug")
        return step(config, state, inputs)

    sink = Sink()
    for remember, expected in ((None, first), (lambda: newer, newer)):
        cycle = Cycle(
            image=FakeImage(), config="c", state=0, step=failing, period_ns=PERIOD_NS, sinks=[sink]
        )
        cycle.feed.restored, cycle.remember = first, remember
        given.clear()
        for k in range(5):
            with contextlib.suppress(KeyError):
                cycle.run(k * PERIOD_NS)
        assert given[:4] == [(0, first), (1, None), (1, None), (0, expected)]
        assert sink.taken[-1][0].restored is expected, "the recording says what the step was given"


def trace(image: FakeImage) -> str:
    cycle = make(image)
    cycle.run(0)
    return cycle.trace_hash


@pytest.mark.parametrize("part", range(4), ids=["values", "time_ns", "status", "flags"])
def test_the_trace_hash_covers_every_part_of_the_snapshot(part: int) -> None:
    class Other(FakeImage):
        def snapshot(self):
            arrays = super().snapshot()
            arrays[part][1] = 5
            return arrays

    assert trace(Other()) != trace(FakeImage())


def test_the_trace_hash_covers_the_epoch() -> None:
    assert trace(FakeImage(epoch=7)) != trace(FakeImage(epoch=8))


def restored_as(mode: Mode) -> Restored:
    return Restored(
        mode=mode, was_planned=True, restart_count=0, same_boot=True, latched=(), retired=()
    )


def failing_while(is_broken: list[bool], seen: list[Restored | None]):
    def failing(config: str, state: int, inputs: Inputs) -> tuple[int, Decision]:
        seen.append(inputs.restored)
        if is_broken[0]:
            raise KeyError("bug")
        return step(config, state, inputs)

    return failing


def test_what_earlier_runs_left_is_given_once_and_again_when_the_state_is_given_up() -> None:
    restored, seen, is_broken = restored_as(Mode.SAFE), [], [False]
    cycle = Cycle(
        image=FakeImage(), config="c", state=0, step=failing_while(is_broken, seen),
        period_ns=PERIOD_NS,
    )  # fmt: skip
    cycle.feed.restored = restored
    for k in range(3):
        cycle.run(k * PERIOD_NS)
    assert seen == [restored, None, None] and cycle.feed.restored is None
    is_broken[0] = True
    for k in range(3, 6):
        with pytest.raises(KeyError):
            cycle.run(k * PERIOD_NS)
    assert seen[3:] == [None, None, restored], "the state is given up after two failures"
    is_broken[0] = False
    cycle.run(6 * PERIOD_NS)
    cycle.run(7 * PERIOD_NS)
    assert seen[6:] == [restored, None] and cycle.state == 2


def test_what_earlier_runs_left_waits_for_a_step_that_does_not_fail() -> None:
    restored, seen, is_broken = restored_as(Mode.NOMINAL), [], [True]
    cycle = Cycle(
        image=FakeImage(), config="c", state=0, step=failing_while(is_broken, seen),
        period_ns=PERIOD_NS,
    )  # fmt: skip
    cycle.feed.restored = restored
    with pytest.raises(KeyError):
        cycle.run(0)
    is_broken[0] = False
    cycle.run(PERIOD_NS)
    cycle.run(2 * PERIOD_NS)
    assert seen == [restored, restored, None]


def test_a_late_cycle_keeps_what_earlier_runs_left_for_the_next() -> None:
    restored, seen = restored_as(Mode.NOMINAL), []
    cycle = Cycle(
        image=FakeImage(), config="c", state=0, step=failing_while([False], seen),
        period_ns=PERIOD_NS,
    )  # fmt: skip
    cycle.run(0)
    cycle.feed.restored = restored
    cycle.run(SECOND_NS)  # late: senses only
    assert seen == [None]
    cycle.run(SECOND_NS + PERIOD_NS)
    assert seen == [None, restored]
