"""The budget of events: what passes, what is counted, and how a flood begins and ends."""

from collections import Counter

import pytest

from flight.core.types import Event, Severity
from flight.services.event_budget import (
    IDS_MAX,
    OWN_IDS,
    REST,
    SQUELCH_ENDED,
    SQUELCHED,
    EventBudget,
    EventBudgetSection,
)

S = 1_000_000_000
SMALL = EventBudgetSection(
    warning_burst=20, warning_per_s=2.0, info_burst=10, info_per_s=1.0, debug_burst=2
)


def event(severity: Severity, event_id: str = "x.y", now_ns: int = 0) -> Event:
    return Event(now_ns, event_id, severity, "s", "t")


def flood(budget: EventBudget, count: int, severity: Severity, now_ns: int = 0) -> list[Event]:
    return list(budget.passed([event(severity, now_ns=now_ns)] * count, now_ns))


def test_a_burst_passes_and_the_rest_is_held_with_one_event_that_says_so() -> None:
    budget = EventBudget(SMALL)
    passed = flood(budget, 100, Severity.INFO)
    assert Counter(e.event_id for e in passed) == {"x.y": 11, SQUELCHED: 1}  # and the first of it
    assert budget.held_count == 89
    begin = next(e for e in passed if e.event_id == SQUELCHED)
    assert (begin.severity, begin.subject) == (Severity.WARNING, "INFO")


def test_the_end_of_a_flood_says_what_was_held_by_id() -> None:
    budget = EventBudget(SMALL)
    events = [event(Severity.INFO, "a.b")] * 30 + [event(Severity.INFO, "c.d")] * 20
    budget.passed(events, 0)
    assert not budget.passed((), 4 * S)
    ended = list(budget.passed((), 6 * S))
    assert [e.event_id for e in ended] == [SQUELCH_ENDED]
    assert ended[0].text == "38 held back: a.b 19, c.d 19"
    assert ended[0].value == 38.0
    assert budget.passed((), 7 * S) == ()


def test_a_flood_that_lasts_passes_at_its_rate_and_is_told_once() -> None:
    budget = EventBudget(SMALL)
    passed = []
    for k in range(600):
        passed += flood(budget, 5, Severity.INFO, k * S // 10)
    counts = Counter(e.event_id for e in passed)
    assert counts[SQUELCHED] == 1
    assert 60 + 10 <= counts["x.y"] <= 60 + 12


@pytest.mark.parametrize("loud", [Severity.DEBUG, Severity.INFO])
def test_a_flood_of_one_severity_takes_nothing_from_another(loud: Severity) -> None:
    budget = EventBudget(SMALL)
    flood(budget, 10000, loud)
    assert len(flood(budget, 20, Severity.WARNING)) == 20
    assert len(flood(budget, 500, Severity.CRITICAL)) == 500


def test_the_first_of_an_id_passes_in_a_flood_of_others() -> None:
    budget = EventBudget(SMALL)
    flood(budget, 1000, Severity.WARNING)
    assert [e.event_id for e in budget.passed([event(Severity.WARNING, "rail.tripped")], 0)] == [
        "rail.tripped"
    ]
    assert list(budget.passed([event(Severity.WARNING, "rail.tripped")], 0)) == []


def test_a_new_flood_lets_the_first_of_each_id_pass_again() -> None:
    budget = EventBudget(SMALL)
    for start_ns in (0, 100 * S, 200 * S):
        flood(budget, 1000, Severity.WARNING, start_ns)
        late = [event(Severity.WARNING, "rail.tripped")]
        assert [e.event_id for e in budget.passed(late, start_ns)] == ["rail.tripped"]
        ended = list(budget.passed((), start_ns + 90 * S))
        assert [e.event_id for e in ended] == [SQUELCH_ENDED]


def test_ids_without_end_are_counted_in_bounded_room() -> None:
    budget = EventBudget(SMALL)
    events = [event(Severity.INFO, f"x.{k}") for k in range(5000)]
    passed = list(budget.passed(events, 0))
    assert len(passed) <= SMALL.info_burst + IDS_MAX + 1
    end = next(iter(budget.passed((), 100 * S)))
    assert f"{REST} " in end.text
    assert end.value == 5000 - SMALL.info_burst - IDS_MAX


def test_its_own_events_are_never_held() -> None:
    budget = EventBudget(SMALL)
    flood(budget, 1000, Severity.WARNING)
    assert all(budget.admit(event(Severity.WARNING, own), 0) for own in OWN_IDS)


def test_a_clock_that_steps_back_gives_no_tokens() -> None:
    budget = EventBudget(SMALL)
    flood(budget, 100, Severity.INFO, 100 * S)
    for now_ns in (0, 50 * S, 0, 100 * S):
        assert not budget.admit(event(Severity.INFO), now_ns)
    assert budget.admit(event(Severity.INFO), 101 * S)


def test_quiet_cycles_cost_no_list() -> None:
    assert EventBudget().passed((), 0) == ()
