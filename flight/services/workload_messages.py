"""Lines of the workload port: what a client may say, and what the daemon answers.

Each line is a JSON object with one key, the kind of message (docs/reference/workload-port.md).
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any, Final, NamedTuple

from flight.core.types import CapPlan, Notice, OrbitForecast

NS_PER_S: Final = 1_000_000_000
LINE_BYTES_MAX: Final = 4096
DEMAND_W_MAX: Final = 100_000.0
CHECKPOINT_S_MAX: Final = 86_400.0
FORECAST_STEPS_MAX: Final = 200  # about 12 KiB with eight caps each; what is later is left out
PROTOCOL: Final = 1

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_HELLO_KEYS: Final = frozenset({"client", "accelerators", "demand_w", "checkpoint_s"})


class BadLine(ValueError):  # noqa: N818  # says what it is
    """A line that is no message; the text is the answer to the client."""


class Hello(NamedTuple):
    """Who a client is and what it computes on. No accelerators: it only listens."""

    client: str
    accelerators: tuple[int, ...]
    demand_w: float = inf
    checkpoint_s: float = 0.0


class Acknowledgement(NamedTuple):
    """A client has acted on a notice."""

    notice_id: str


def parse_line(line: bytes, accelerator_count: int) -> Hello | Acknowledgement:
    """Return what a line says.

    Raises:
        BadLine: It is no message; the text says what would be one.
    """
    try:
        message = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadLine("not a JSON object on one line") from None
    if not isinstance(message, dict) or len(message) != 1:
        raise BadLine("a message is an object with one key: hello or ack")
    kind, body = next(iter(message.items()))
    if kind == "ack":
        if not isinstance(body, str) or not 0 < len(body) <= 128:
            raise BadLine("ack: give the id of a notice")
        return Acknowledgement(body)
    if kind != "hello":
        raise BadLine(f"{kind[:32]!r} is no message; known: hello, ack")
    return _hello(body, accelerator_count)


def _hello(body: Any, accelerator_count: int) -> Hello:
    if not isinstance(body, dict):
        raise BadLine("hello: give an object with client and accelerators")
    unknown = sorted(set(body) - _HELLO_KEYS)
    if unknown:
        raise BadLine(f"hello: unknown key {unknown[0][:32]!r}; known: {sorted(_HELLO_KEYS)}")
    client = body.get("client")
    if not isinstance(client, str) or not _NAME.fullmatch(client):
        raise BadLine("hello.client: give 1 to 64 letters, digits or _ . : -")
    given = body.get("accelerators")
    if not isinstance(given, list) or not all(type(i) is int for i in given):
        raise BadLine("hello.accelerators: give a list of numbers, e.g. [0, 1]")
    if len(set(given)) != len(given) or not all(0 <= i < accelerator_count for i in given):
        raise BadLine(f"hello.accelerators: give each once, 0 to {accelerator_count - 1}")
    return Hello(
        client,
        tuple(sorted(given)),
        _number(body, "demand_w", default=inf, high=DEMAND_W_MAX),
        _number(body, "checkpoint_s", default=0.0, high=CHECKPOINT_S_MAX),
    )


def _number(body: Mapping[str, Any], key: str, *, default: float, high: float) -> float:
    value = body.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= high:
        raise BadLine(f"hello.{key}: give a number, 0 to {high:g}")
    return float(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are no JSON


def to_line(kind: str, body: object) -> bytes:
    """Return one line of the port."""
    return json.dumps({kind: body}, separators=(",", ":"), allow_nan=False).encode() + b"\n"


class Clock(NamedTuple):
    """Monotonic time, and how to tell UTC from it: None while it is not trusted."""

    now_ns: Callable[[], int]
    utc_offset_ns: Callable[[], int | None] = lambda: None


def time_fields(name: str, time_ns: int, clock: Clock) -> dict[str, object]:
    """Return `<name>_utc` and `<name>_in_s`: the same instant twice, since clocks may differ.

    A client that trusts no clock uses the seconds, which count from the sending of the line.
    """
    in_s = round((time_ns - clock.now_ns()) / NS_PER_S, 3)
    return {f"{name}_utc": _iso(time_ns, clock), f"{name}_in_s": in_s}


def told_id(notice: Notice) -> str:
    """Return the id that clients see.

    The core counts its notices from the start again when its state is given up; with the time of
    issue an old id, and an old acknowledgement, can never be taken for a new one.
    """
    return f"{notice.notice_id}@{notice.issued_ns // 1_000_000}"


def notice_body(notice: Notice, clock: Clock) -> dict[str, object]:
    """Return a notice as it is told; an instant that there is none of is null."""
    body: dict[str, object] = {
        "id": told_id(notice),
        "scope": notice.scope,
        "level": notice.level.value,
        "reason": notice.reason,
        "watts_after": _finite(notice.watts_after),
    }
    body |= time_fields("issued", notice.issued_ns, clock)
    for name, time_ns in (
        ("deadline", notice.deadline_ns),
        ("expected_end", notice.expected_end_ns),
    ):
        none = {f"{name}_utc": None, f"{name}_in_s": None}
        body |= time_fields(name, time_ns, clock) if time_ns else none
    return body


def forecast_body(
    plan: CapPlan | None, orbit: OrbitForecast | None, clock: Clock
) -> dict[str, object]:
    """Return caps and eclipses to come, as far as they are known.

    The first step of caps is the one in force; `caps_until` is null when there is no plan.
    """
    now_ns = clock.now_ns()
    body: dict[str, object] = {"caps": [], "caps_until_utc": None, "caps_until_in_s": None}
    if plan is not None and plan.valid_until_ns > now_ns:
        body |= time_fields("caps_until", plan.valid_until_ns, clock)
        body["caps"] = _cap_steps(plan, now_ns, clock)
    body |= {"eclipses": [], "eclipses_until_utc": None, "eclipses_until_in_s": None}
    if orbit is not None and orbit.valid_until_ns > now_ns:
        body |= time_fields("eclipses_until", orbit.valid_until_ns, clock)
        body["eclipses"] = [
            time_fields("entry", entry_ns, clock) | time_fields("exit", exit_ns, clock)
            for entry_ns, exit_ns in orbit.spans_ns
            if exit_ns > now_ns
        ]
    return body


def _cap_steps(plan: CapPlan, now_ns: int, clock: Clock) -> list[dict[str, object]]:
    past = sum(from_ns <= now_ns for from_ns in plan.from_ns)
    first = max(past - 1, 0)
    steps = zip(plan.from_ns[first:], plan.caps_w[first:], strict=True)
    return [
        time_fields("from", from_ns, clock) | {"watts": [_finite(cap_w) for cap_w in caps_w]}
        for from_ns, caps_w in list(steps)[:FORECAST_STEPS_MAX]
        if from_ns < plan.valid_until_ns
    ]


def _finite(watts: float) -> float | None:
    return round(watts, 1) if abs(watts) < inf else None  # NaN and infinities are no JSON


def _iso(time_ns: int, clock: Clock) -> str | None:
    offset_ns = clock.utc_offset_ns()
    if offset_ns is None:
        return None
    try:
        when = datetime.fromtimestamp((time_ns + offset_ns) / NS_PER_S, UTC)
    except (ValueError, OverflowError, OSError):  # further off than calendars go
        return None
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
