"""No flood hides a critical event, and what is held back is counted to the last one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core.types import Event, Severity
from flight.services import event_budget
from flight.services.event_budget import OWN_IDS, EventBudget, EventBudgetSection

S = 1_000_000_000
IDS = [f"x.{k}" for k in range(5)]
CYCLES = st.lists(
    st.tuples(
        st.integers(0, 20 * S),  # pause before the cycle
        st.lists(
            st.tuples(st.sampled_from(Severity), st.sampled_from(IDS), st.integers(1, 300)),
            max_size=6,
        ),
    ),
    max_size=12,
)
SECTION = EventBudgetSection(warning_burst=30, info_burst=10, debug_burst=2)


def fly(cycles: list[tuple[int, list[tuple[Severity, str, int]]]]) -> None:
    """Check the law over cycles with floods in them."""
    budget = EventBudget(SECTION)
    now_ns = serial = told = 0
    made: list[Event] = []
    passed: list[Event] = []
    for pause_ns, floods in cycles:
        now_ns += pause_ns
        events = []
        for severity, event_id, count in floods:
            for _ in range(count):
                events.append(Event(now_ns, event_id, severity, "s", str(serial)))
                serial += 1
        made += events
        passed += budget.passed(events, now_ns)
    passed += budget.passed((), now_ns + 10_000 * S)  # every flood is over by then
    own = [event for event in passed if event.event_id in OWN_IDS]
    others = [event for event in passed if event.event_id not in OWN_IDS]
    told = sum(int(event.value) for event in own if event.event_id == event_budget.SQUELCH_ENDED)
    critical = [event for event in made if event.severity is Severity.CRITICAL]
    assert [e for e in others if e.severity is Severity.CRITICAL] == critical
    assert others == sorted(others, key=lambda event: int(event.text)), "out of order"
    assert len(made) == len(others) + told
    assert budget.held_count == told
    ids_by_severity = {(e.severity, e.event_id) for e in made}
    assert {(e.severity, e.event_id) for e in others} == ids_by_severity, "an id was never told"
    begins = sum(event.event_id == event_budget.SQUELCHED for event in own)
    assert begins == len(own) - begins


@given(CYCLES)
def test_a_flood_hides_no_critical_event_and_is_counted_exactly(
    cycles: list[tuple[int, list[tuple[Severity, str, int]]]],
) -> None:
    fly(cycles)


def test_the_law_fails_when_critical_events_share_a_bucket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = EventBudget.admit

    def admit(self: EventBudget, event: Event, now_ns: int) -> bool:
        return original(self, event._replace(severity=Severity.INFO), now_ns)

    monkeypatch.setattr(EventBudget, "admit", admit)
    with pytest.raises(AssertionError):
        fly([(0, [(Severity.INFO, "x.0", 100), (Severity.CRITICAL, "x.0", 1)])])
