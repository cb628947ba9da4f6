"""What a replay found, for people and for machines."""

import json
import math
from collections.abc import Iterator
from typing import Any

from flight.core.types import Event
from flight.replay import Difference, ReplayReport
from flight.replay_causes import Reading

NS_PER_S = 1_000_000_000
FIELDS_SHOWN_MAX = 8
WIDTH = 100


def report_lines(report: ReplayReport) -> Iterator[str]:
    """Yield the report as text."""
    how = "to the bit" if report.is_exact else "at wire resolution: the build is another one"
    yield (
        f"{report.cycles} cycles from {_time(report.from_ns)} to {_time(report.to_ns)} replayed, "
        f"{report.differing} differ ({how})"
    )
    if report.late:
        yield f"{report.late} late cycles took no step"
    if report.skipped:
        yield f"{report.skipped} cycles behind gaps were skipped, up to the next kept state"
    yield from report.notes
    yield f"{report.speed:.0f} simulated s per CPU s"
    if not report.first:
        return
    first = report.first[0]
    yield ""
    yield f"First difference: cycle at {_time(first.now_ns)}, {report.first_count} fields"
    for difference in report.first:
        yield from _difference_lines(difference)
    yield ""
    yield "How often each field differs (what follows the first is its consequence, too):"
    for name, count in report.fields.most_common(FIELDS_SHOWN_MAX):
        yield f"  {name:<40} {count}"
    if (more := len(report.fields) - FIELDS_SHOWN_MAX) > 0:
        yield f"  and {more} more fields"


def _difference_lines(difference: Difference) -> Iterator[str]:
    what = difference.what
    yield ""
    yield f"{what.field}: recorded {_value(what.recorded)}, replayed {_value(what.replayed)}"[
        :WIDTH
    ]
    if not difference.depends:
        yield "  no single reading changes it in this cycle: it follows from what was before"
    if difference.readings:
        head, effect = ("it depends on", "effect of +1 %") if difference.depends else ("reads", "")
        yield f"  {head:<34} {'value':>10} {'age s':>7} {'quality':<11} {effect}".rstrip()
        for reading in difference.readings:
            yield _reading_line(reading)
    yield "  the last cycles:"
    for now_ns, recorded, replayed in difference.past:
        line = f"  {_time(now_ns):>12}  recorded {_value(recorded)}, replayed {_value(replayed)}"
        yield line[:WIDTH]


def _reading_line(reading: Reading) -> str:
    effect = "" if math.isnan(reading.effect) else f"{reading.effect:+.4g}"
    return (
        f"  {reading.name:<34} {reading.value:>10.5g} {reading.age_s:>7.2f} "
        f"{reading.quality:<11} {effect}"
    ).rstrip()


def report_json(report: ReplayReport) -> str:
    """Return the report as JSON."""
    record = {
        "is_exact": report.is_exact,
        "from_s": report.from_ns / NS_PER_S,
        "to_s": report.to_ns / NS_PER_S,
        "cycles": report.cycles,
        "late": report.late,
        "skipped": report.skipped,
        "differing": report.differing,
        "simulated_s_per_cpu_s": round(report.speed, 1),
        "notes": report.notes,
        "fields": dict(report.fields.most_common()),
        "first": [_difference_record(difference) for difference in report.first],
    }
    return json.dumps(record, indent=2)


def _difference_record(difference: Difference) -> dict[str, Any]:
    return {
        "t_s": difference.now_ns / NS_PER_S,
        "field": difference.what.field,
        "recorded": _value(difference.what.recorded),
        "replayed": _value(difference.what.replayed),
        "depends_on_readings": difference.depends,
        "readings": [
            {
                **reading._asdict(),
                "effect": _number(reading.effect),
                "value": _number(reading.value),
            }
            for reading in difference.readings
        ],
        "past": [
            {"t_s": now_ns / NS_PER_S, "recorded": _value(one), "replayed": _value(other)}
            for now_ns, one, other in difference.past
        ],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _time(now_ns: int) -> str:
    return f"{now_ns / NS_PER_S:.1f} s"


def _value(value: Any) -> str:
    """Say a value so that two different ones look different."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, tuple):
        return (
            f"({', '.join(_value(item) for item in value)})"
            if not _is_event(value)
            else _event(value)
        )
    return str(value)


def _is_event(value: Any) -> bool:
    return isinstance(value, Event)


def _event(event: Any) -> str:
    return f"{event.event_id} {event.subject}: {event.text}"
