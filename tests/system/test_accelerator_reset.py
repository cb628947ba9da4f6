"""A reset from the command to the device and back: through the node image, the C driver and its
library, and told whether it had an effect.
"""

from typing import Any

from flight.core.types import Mode
from hal import Cause, RequestKind, Status
from tests.system.flying import FULL_LOAD
from tests.system.watched import Watched, fault

STRUCK = 4
NAME = f"accel{STRUCK}"
OTHERS = [i for i in range(8) if i != STRUCK]
FAULT_S = 100
RESET_S = 105
IDLE = {
    "at": "start",
    "do": "workload",
    "parameters": {"kind": "constant", "utilisation_ratio": 0.0},
}


def ordered(at_s: float) -> dict[str, Any]:
    return {"at": f"{at_s} s", "do": "reset_accelerator", "parameters": {"subject": NAME}}


def phases(watched: Watched) -> tuple[str, ...]:
    decision = watched.flight.node.cycle.last_decision
    assert decision is not None
    return decision.accel_phases


def answers(watched: Watched) -> list[int]:
    """Return how the driver ended each reset that it was asked for."""
    records = watched.flight.node.node_image.evidence(NAME)
    return [
        record.status
        for record in records
        if record.cause is Cause.REQUEST and record.value == float(RequestKind.RESET)
    ]


def test_an_idle_accelerator_is_reset_and_comes_back_with_its_cap() -> None:
    wanted = fault("recovery_action", NAME, at_s=FAULT_S, action=1.0)
    with Watched(wanted, duration_s=170.0, action=[IDLE, ordered(RESET_S)]) as watched:
        watched.fly_to(RESET_S - 1)
        assert watched.told("accel.recovery_needed") == [NAME]
        seen: set[str] = set()
        watched.fly_to(RESET_S + 20, lambda w: seen.add(phases(w)[STRUCK]))
        assert "resetting" in seen and phases(watched)[STRUCK] == "in service"
        assert watched.told("accel.reset") == watched.told("accel.reset_done") == [NAME]
        assert not watched.told("accel.reset_failed")
        assert answers(watched) == [Status.OK]
        assert watched.told("accel.recovery_needed.cleared") == [NAME]  # the reset mended it
        assert watched.image.boards.reset_count.tolist() == [float(i == STRUCK) for i in range(8)]
        watched.fly_to(160.0)
        assert watched.reading(f"{NAME}.cap_w") == watched.reading("accel0.cap_w") == 700.0
        assert not watched.moved and watched.mode is Mode.NOMINAL
        told = {e.subject for e in watched.events if e.time_ns >= FAULT_S * 1e9}
        assert not told & {f"accel{i}" for i in OTHERS}


def test_a_reset_of_a_busy_accelerator_is_refused_and_told_and_costs_nothing() -> None:
    """In use by another client: the fault that nobody notices elsewhere."""
    wanted = fault("recovery_action", NAME, at_s=FAULT_S, action=1.0)
    orders = [FULL_LOAD, ordered(RESET_S)]
    with Watched(wanted, duration_s=170.0, action=orders) as watched:
        watched.fly_to(RESET_S + 25)
        assert watched.told("accel.reset_failed") == [NAME]
        assert not watched.told("accel.reset_done")
        assert answers(watched) == [Status.BUSY]
        assert watched.image.boards.reset_count.sum() == 0.0
        assert watched.image.boards.is_drained.sum() == 0.0  # it takes jobs again
        assert watched.power_w(STRUCK) >= 0.9 * watched.power_w(STRUCK - 1)
        assert not watched.moved and watched.mode is Mode.NOMINAL
