"""A budget of events per severity, so that a flood of small ones hides no great one.

One token bucket per severity: CRITICAL has none and always passes. What finds no token is counted
by id, one event says that it began, one at its end says how many of which were held back. The
recording keeps all events; the budget is for the link and for logs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from flight.core.types import Event, Severity

NS_PER_S = 1_000_000_000
IDS_MAX = 32  # ids counted apart in one flood; the rest are counted together; assumed
REST = "other ids"
SQUELCHED, SQUELCH_ENDED = "events.squelched", "events.squelch_ended"
OWN_IDS = frozenset({SQUELCHED, SQUELCH_ENDED})


class EventBudgetSection(BaseModel):
    """[events]: how many events of a severity are sent; CRITICAL ones always are."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    warning_burst: int = Field(default=200, ge=1, le=100000, description="At once; assumed.")
    warning_per_s: float = Field(
        default=20.0, gt=0.0, le=10000.0, description="In the long run; assumed."
    )
    info_burst: int = Field(default=50, ge=1, le=100000, description="At once; assumed.")
    info_per_s: float = Field(
        default=5.0, gt=0.0, le=10000.0, description="In the long run; assumed."
    )
    debug_burst: int = Field(default=20, ge=1, le=100000, description="At once; assumed.")
    debug_per_s: float = Field(
        default=1.0, gt=0.0, le=10000.0, description="In the long run; assumed."
    )


@dataclass(slots=True)
class _Bucket:
    """Tokens in 1/NS_PER_S of an event, so that time adds to them without rounding.

    held: of the flood under way, how many were held back, by id; empty: there is none.
    passed: ids of which the first event of this flood has passed without a token.
    """

    burst: int
    per_s: float
    tokens: float
    filled_ns: int = 0
    held: dict[str, int] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)

    def refill(self, now_ns: int) -> None:
        elapsed_ns = max(0, now_ns - self.filled_ns)
        self.filled_ns = max(self.filled_ns, now_ns)
        full = float(self.burst * NS_PER_S)
        self.tokens = min(full, self.tokens + elapsed_ns * self.per_s)

    @property
    def is_full(self) -> bool:
        return self.tokens >= self.burst * NS_PER_S


class EventBudget:
    """Decides which events are sent.

    Args:
        section: Burst and rate of each severity.

    Time is that of the events' cycle, monotonic; a step back counts as none.
    """

    def __init__(self, section: EventBudgetSection | None = None) -> None:
        section = section or EventBudgetSection()
        self.held_count = 0
        self._buckets = {
            severity: _Bucket(burst, per_s, float(burst * NS_PER_S))
            for severity, burst, per_s in (
                (Severity.WARNING, section.warning_burst, section.warning_per_s),
                (Severity.INFO, section.info_burst, section.info_per_s),
                (Severity.DEBUG, section.debug_burst, section.debug_per_s),
            )
        }
        self._notices: list[Event] = []
        self._flooded = 0  # severities in a flood

    def passed(self, events: Iterable[Event], now_ns: int) -> Sequence[Event]:
        """Return the events to send now, in order, with those about floods that begin or end.

        Call it each cycle, with `()` when there are none: an end is told in time.
        """
        if not events and not self._flooded and not self._notices:
            return ()
        kept = []
        for event in events:
            if self.admit(event, now_ns):
                kept.append(event)
            kept += self._take_notices()
        self._end_floods(now_ns)
        return kept + self._take_notices()

    def admit(self, event: Event, now_ns: int) -> bool:
        """Return whether an event is sent; what it begins is told by the next `passed`."""
        bucket = self._buckets.get(event.severity)
        if bucket is None or event.event_id in OWN_IDS:
            return True
        bucket.refill(now_ns)
        if bucket.tokens >= NS_PER_S:
            bucket.tokens -= NS_PER_S
            return True
        return self._hold(bucket, event, now_ns)

    def _hold(self, bucket: _Bucket, event: Event, now_ns: int) -> bool:
        """Hold an event back, unless it is the first of its id in this flood."""
        if event.event_id not in bucket.passed and len(bucket.passed) < IDS_MAX:
            bucket.passed.add(event.event_id)
            return True
        if not bucket.held:
            self._flooded += 1
            text = f"{event.severity.name} events come faster than their budget: the rest is held"
            self._notices.append(
                Event(now_ns, SQUELCHED, Severity.WARNING, event.severity.name, text)
            )
        known = event.event_id in bucket.held or len(bucket.held) < IDS_MAX
        name = event.event_id if known else REST
        bucket.held[name] = bucket.held.get(name, 0) + 1
        self.held_count += 1
        return False

    def _end_floods(self, now_ns: int) -> None:
        """Tell of the floods that are over: half of the bucket is there again."""
        for severity, bucket in self._buckets.items():
            bucket.refill(now_ns)
            if bucket.held and bucket.tokens >= 0.5 * bucket.burst * NS_PER_S:
                self._flooded -= 1
                self._notices.append(_summary(severity, bucket.held, now_ns))
                bucket.held = {}
            if bucket.is_full and not bucket.held:
                bucket.passed.clear()

    def _take_notices(self) -> list[Event]:
        taken, self._notices = self._notices, []
        return taken


def _summary(severity: Severity, held: dict[str, int], now_ns: int) -> Event:
    total = sum(held.values())
    ranked = sorted(held.items(), key=lambda item: (-item[1], item[0]))
    text = f"{total} held back: " + ", ".join(f"{name} {count}" for name, count in ranked)
    return Event(now_ns, SQUELCH_ENDED, Severity.WARNING, severity.name, text, float(total))
