"""Accelerators above their rails: phases, draining, the reset ladder, retirement."""

import pytest

from flight.core.accelerators import AccelPhase, AccelState, phase_of
from flight.core.config import CoreConfig
from flight.core.rails import NO_ANSWER, Pair, Phase
from flight.core.types import Command, Mode, NoticeLevel, OrbitForecast, WorkloadClaim
from tests.core_node import Node, booted

S = 1_000_000_000
NOBODY = WorkloadClaim()


def command(name: str, /, **arguments: float | str) -> Command:
    return Command("c1", name, tuple(arguments.items()))


def owned(i: int = 3, checkpoint_s: float = 20.0) -> Node:
    """Return a node in service whose accelerator i runs a client's workload."""
    node = booted()
    claim = WorkloadClaim(client="job", checkpoint_s=checkpoint_s)
    node.claims = tuple(claim if k == i else NOBODY for k in range(8))
    return node


def acknowledge(node: Node, i: int = 3) -> None:
    """Let the client act on the notice in force."""
    assert node.decision is not None
    claim = node.claims[i]._replace(acknowledged=node.decision.notices[i].notice_id)
    node.claims = (*node.claims[:i], claim, *node.claims[i + 1 :])


def phase(node: Node, i: int = 3) -> str:
    assert node.decision is not None
    return node.decision.accel_phases[i]


def resets(node: Node, seconds: float) -> list[tuple[float, str]]:
    """Fly, and return when which drivers were asked to reset."""
    start_ns, found = node.now_ns, []
    for _ in range(round(seconds * 10)):
        decision = node.cycle()
        at_s = (node.now_ns - start_ns) / S
        found += [(at_s, f"{asked.kind} {asked.driver}") for asked in decision.requests]
    return found


@pytest.mark.parametrize(
    ("rails", "memory", "expected"),
    [
        (Pair(), AccelState(), AccelPhase.ABSENT),
        (Pair(Phase.OFF), AccelState(), AccelPhase.OFF),
        (Pair(Phase.OFF), AccelState(retired="x"), AccelPhase.RETIRED),
        (Pair(Phase.LATCHED_OFF), AccelState(), AccelPhase.OFF),
        (Pair(Phase.OFF, reason=NO_ANSWER), AccelState(), AccelPhase.RESETTING),
        (Pair(Phase.AUX), AccelState(), AccelPhase.POWERING),
        (Pair(Phase.READY), AccelState(), AccelPhase.POWERING),
        (Pair(Phase.MODULE), AccelState(), AccelPhase.POWERING),
        (Pair(Phase.STARTING), AccelState(), AccelPhase.INITIALISING),
        (Pair(Phase.PROBATION), AccelState(), AccelPhase.PROBATION),
        (Pair(Phase.ON), AccelState(), AccelPhase.IN_SERVICE),
        (Pair(Phase.ON), AccelState(silent_ns=1), AccelPhase.UNRESPONSIVE),
        (Pair(Phase.ON), AccelState(silent_ns=1, reset_until_ns=2), AccelPhase.RESETTING),
        (Pair(Phase.ON), AccelState(drain_ns=1, drain_until_ns=2), AccelPhase.DRAINING),
        (Pair(Phase.ON), AccelState(drain_ns=1), AccelPhase.IN_SERVICE),
    ],
)
def test_a_phase_follows_from_rails_and_memory(
    rails: Pair, memory: AccelState, expected: AccelPhase
) -> None:
    assert phase_of(rails, memory) is expected


def test_every_phase_has_a_row_above() -> None:
    rows = test_a_phase_follows_from_rails_and_memory.pytestmark[0].args[1]
    assert {row[2] for row in rows} == set(AccelPhase)


def test_a_start_passes_all_phases_in_order() -> None:
    node, seen = Node(), []
    for _ in range(300):
        word = node.cycle().accel_phases[0]
        if not seen or seen[-1] != word:
            seen.append(word)
    assert seen == ["off", "powering", "initialising", "probation", "in service"]


def test_one_whose_switches_are_not_sensed_is_absent() -> None:
    node = Node()
    node.mute = {"rail.accel0_aux.enable"}
    assert node.cycle().accel_phases[:2] == ("absent", "off")


@pytest.mark.parametrize(
    "order",
    [
        command("disable_accelerator", subject="accel3"),
        command("retire", subject="accel3"),
        command("set_mode", mode="STANDBY"),
        command("set_mode", mode="SAFE"),
    ],
    ids=["disable", "retire", "standby", "safe"],
)
@pytest.mark.parametrize("answers", [True, False])
def test_a_planned_switch_off_waits_for_the_answer_or_the_deadline(
    order: Command, answers: bool
) -> None:
    node = owned()
    decision = node.cycle(order)
    notice = decision.notices[3]
    assert notice.level is NoticeLevel.DRAIN
    assert notice.deadline_ns == node.now_ns + 20 * S
    assert phase(node) == "draining"
    node.fly(5.0)
    assert node.is_on(3)
    if answers:
        acknowledge(node)
        node.cycle()
    else:
        node.fly(14.8)
        assert node.is_on(3)
        node.fly(0.2)
    assert not node.is_on(3)
    assert {"accel.draining", "accel.drained"} <= set(node.ids())


def test_accelerators_of_nobody_are_switched_off_at_once_beside_one_that_drains() -> None:
    node = owned()
    node.cycle(command("set_mode", mode="SAFE"))
    assert [node.is_on(i) for i in range(8)] == [i == 3 for i in range(8)]


def test_a_workload_that_has_not_said_how_long_gets_the_longest_time() -> None:
    node = owned(checkpoint_s=0.0)
    decision = node.cycle(command("disable_accelerator", subject="accel3"))
    assert decision.notices[3].deadline_ns == node.now_ns + 60 * S


def test_a_declared_time_is_bounded_by_the_longest() -> None:
    node = owned(checkpoint_s=1e9)
    decision = node.cycle(command("disable_accelerator", subject="accel3"))
    assert decision.notices[3].deadline_ns == node.now_ns + 60 * S


def test_an_old_acknowledgement_ends_no_drain() -> None:
    node = owned()
    node.cycle()
    acknowledge(node)
    node.cycle()
    node.cycle(command("disable_accelerator", subject="accel3"))
    node.fly(3.0)
    assert node.is_on(3)


def test_a_drain_ends_when_its_client_is_gone() -> None:
    node = owned()
    node.cycle(command("disable_accelerator", subject="accel3"))
    node.claims = (NOBODY,) * 8
    node.cycle()
    assert not node.is_on(3)


def test_a_drain_that_is_called_off_leaves_nothing_behind() -> None:
    node = owned()
    node.cycle(command("disable_accelerator", subject="accel3"))
    node.fly(2.0)
    decision = node.cycle(command("enable_accelerator", subject="accel3"))
    assert decision.notices[3].level is NoticeLevel.OPEN
    assert node.state.accels[3] == AccelState()
    assert node.fly(30.0).cap_w[3] == 700.0


@pytest.mark.parametrize("danger", ["latch-up", "no flow", "charge", "critical"])
@pytest.mark.parametrize(
    "order",
    [command("disable_accelerator", subject="accel3"), command("set_mode", mode="SAFE")],
    ids=["disable", "safe"],
)
def test_safety_never_waits_for_an_answer(danger: str, order: Command) -> None:
    node = owned(checkpoint_s=60.0)
    node.cycle(order)
    node.fly(1.0)
    assert node.is_on(3)
    limit_s = {"latch-up": 0.2, "no flow": 6.0, "charge": 10.0, "critical": 31.5}[danger]
    if danger == "latch-up":
        node.aux_extra_a[3] = 1.2
    elif danger == "no flow":
        node.pump_dead = [True, True]
    elif danger == "charge":
        node.forced["eps.battery.charge_ratio"] = 0.35
    else:
        node.mute = {"loop"}
    node.fly(limit_s)
    assert not node.is_on(3)
    assert node.decision is not None
    assert node.decision.notices[3].level is NoticeLevel.OFF


def test_a_silent_accelerator_is_reset_by_its_driver_then_power_cycled() -> None:
    node = booted()
    node.utilisation = 0.1
    node.fly(5.0)
    node.lost[6] = True
    node.fly(0.8)
    assert phase(node, 6) == "unresponsive"
    asked = resets(node, 20.0)
    assert [what for _, what in asked] == ["reset accel6"]
    assert 4.0 <= asked[0][0] <= 5.5
    assert phase(node, 6) == "resetting"
    while node.is_on(6):
        node.cycle()
        assert node.ids().count("rail.fault_off") == (not node.is_on(6)), node.ids()
    assert "accel.power_cycle_due" in node.ids()
    assert phase(node, 6) == "resetting"
    node.lost[6] = False
    assert node.fly(60.0).cap_w[6] == 700.0
    assert phase(node, 6) == "in service"


def test_a_reset_that_helps_ends_the_ladder() -> None:
    node = booted()
    node.utilisation = 0.1
    node.fly(5.0)
    node.lost[6] = True
    assert len(resets(node, 8.0)) == 1
    node.lost[6] = False
    node.fly(1.0)
    assert phase(node, 6) == "in service"
    assert "accel.reset_done" in node.ids() and "accel.reset_failed" not in node.ids()
    assert node.fly(60.0).cap_w[6] == 700.0
    assert "rail.fault_off" not in node.ids()


def test_a_reset_without_effect_is_told() -> None:
    """The driver took the request and nothing happened: a policy that does nothing says so."""
    node = booted()
    node.cycle(command("reset_accelerator", subject="accel2"))
    node.fly(25.0)
    assert "accel.reset_failed" in node.ids() and "accel.reset_done" not in node.ids()
    assert phase(node, 2) == "in service"


def test_a_reset_after_which_it_stays_silent_is_told() -> None:
    node = booted()
    node.utilisation = 0.1
    node.fly(5.0)
    node.lost[6] = True
    node.fly(29.0)
    assert "accel.reset_failed" in node.ids()


def test_driver_resets_are_bounded_in_the_window() -> None:
    node = booted()
    node.utilisation = 0.1
    node.fly(5.0)
    asked = 0
    for _ in range(6):
        node.lost[6] = True
        asked += len(resets(node, 8.0))
        node.lost[6] = False
        node.fly(2.0)
    assert asked == 3


def test_a_lost_one_that_is_latched_off_is_retired_until_it_is_returned() -> None:
    node = booted()
    node.nack = {"accel6"}
    node.fly(60.0)
    assert phase(node, 6) == "retired"
    assert "accel.retired" in node.ids()
    node.nack = set()
    assert node.cycle(command("clear_latched", subject="accel6")).acks[0].ok
    node.fly(20.0)
    assert not node.is_on(6)
    assert node.cycle(command("return_to_service", subject="accel6")).acks[0].ok
    assert node.fly(60.0).cap_w[6] == 700.0
    assert "accel.returned" in node.ids()


def test_a_silent_one_of_a_client_is_frozen_and_not_reset_before_its_time_is_over() -> None:
    node = owned(6, checkpoint_s=25.0)
    node.utilisation = 0.1
    node.fly(5.0)
    node.lost[6] = True
    assert resets(node, 20.0) == []
    assert node.decision is not None
    assert node.decision.notices[6].level is NoticeLevel.FREEZE
    assert [what for _, what in resets(node, 8.0)] == ["reset accel6"]


def test_a_silent_one_is_reset_as_soon_as_its_client_has_answered() -> None:
    node = owned(6, checkpoint_s=60.0)
    node.utilisation = 0.1
    node.fly(5.0)
    node.lost[6] = True
    assert resets(node, 10.0) == []
    acknowledge(node, 6)
    assert [what for _, what in resets(node, 0.2)] == ["reset accel6"]


def test_a_power_cycle_waits_for_a_client_while_its_power_is_known_to_be_low() -> None:
    node = owned(6, checkpoint_s=40.0)
    node.utilisation = 0.1
    node.fly(5.0)
    node.nack = {"accel6"}
    node.fly(39.0)
    assert "accel.power_cycle_due" in node.ids()
    assert not {"accel.reset", "rail.fault_off"} & set(node.ids())
    node.fly(25.0)
    order = [name for name in node.ids() if name in ("accel.reset", "rail.fault_off")]
    assert order[:2] == ["accel.reset", "rail.fault_off"]


def test_a_power_cycle_does_not_wait_for_a_client_while_its_power_may_be_high() -> None:
    node = owned(6, checkpoint_s=60.0)
    node.nack = {"accel6"}
    node.fly(5.2)
    assert not node.is_on(6)


@pytest.mark.parametrize(
    ("entry_s", "valid_s", "waits"),
    [(12.0, 6000.0, True), (60.0, 6000.0, False), (-10.0, 6000.0, False), (12.0, 1.0, False)],
    ids=["entry near", "entry far", "inside", "forecast lapsed"],
)
def test_no_reset_is_begun_that_eclipse_entry_falls_into(
    entry_s: float, valid_s: float, waits: bool
) -> None:
    node = booted()
    entry_ns = node.now_ns + round(entry_s * S)
    valid_ns = node.now_ns + round(valid_s * S)
    node.orbit = OrbitForecast(((entry_ns, entry_ns + 2100 * S),), valid_ns)
    node.cycle(command("reset_accelerator", subject="accel3"))
    node.fly(1.0)
    assert ("accel.reset" in node.ids()) == (not waits)
    node.fly(12.0)
    assert "accel.reset" in node.ids()


def test_a_commanded_reset_asks_the_client_first() -> None:
    node = owned()
    decision = node.cycle(command("reset_accelerator", subject="accel3"))
    assert decision.notices[3].level is NoticeLevel.DRAIN
    assert decision.notices[3].reason == "reset"
    assert resets(node, 5.0) == []
    acknowledge(node)
    assert [what for _, what in resets(node, 0.2)] == ["reset accel3"]
    node.fly(25.0)
    assert phase(node) == "in service"


def test_a_commanded_reset_is_not_begun_behind_a_client_that_was_told_nothing() -> None:
    node = owned(0)
    node.forced["eps.battery.charge_ratio"] = 0.45
    node.fly(10.0)
    assert node.is_on(0)
    acknowledge(node, 0)
    node.cycle(command("reset_accelerator", subject="accel0"))
    assert resets(node, 30.0) == []
    node.forced = {}
    node.fly(65.0)
    assert node.ids().index("accel.draining") < node.ids().index("accel.reset")


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (command("return_to_service", subject="accel3"), "accel3 is not retired"),
        (command("reset_accelerator", subject="accel9"), "no accelerator 'accel9'"),
        (command("retire"), "missing subject"),
    ],
)
def test_commands_that_cannot_be_are_refused(order: Command, reason: str) -> None:
    ack = booted().cycle(order).acks[0]
    assert not ack.ok
    assert reason in ack.reason


def test_one_that_is_off_cannot_be_reset() -> None:
    node = booted()
    node.cycle(command("disable_accelerator", subject="accel3"))
    ack = node.cycle(command("reset_accelerator", subject="accel3")).acks[0]
    assert not ack.ok
    assert "accel3 is not in service" in ack.reason


def test_a_reset_time_shorter_than_its_wait_is_refused() -> None:
    with pytest.raises(ValueError, match="reset_wait_s = 30"):
        CoreConfig.model_validate({"accelerators": {"reset_wait_s": 30.0}})


def test_a_retired_one_stays_off_through_modes_and_enabling() -> None:
    node = booted()
    node.cycle(command("retire", subject="accel3", reason="row remap"))
    node.cycle(command("enable_accelerator", subject="all"))
    node.cycle(command("set_mode", mode="STANDBY"))
    node.fly(3.0)
    node.cycle(command("set_mode", mode="NOMINAL"))
    decision = node.fly(40.0)
    assert decision.mode is Mode.NOMINAL
    assert decision.cap_w == tuple(0.0 if i == 3 else 700.0 for i in range(8))
    assert phase(node) == "retired"
    assert decision.notices[3].reason == "retired"
