"""The workload port without sockets: who owns what, who is told what, and what bad input does."""

import json
import re
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core.types import (
    CapPlan,
    Event,
    Notice,
    NoticeLevel,
    OrbitForecast,
    WorkloadClaim,
)
from flight.dictionary.events import EVENT_IDS
from flight.services.workload import MemoryClient
from flight.services.workload_hub import (
    BAD_LINES_MAX,
    EVENTS_PER_MINUTE,
    LINES_PER_TURN,
    WorkloadHub,
)
from flight.services.workload_messages import LINE_BYTES_MAX, NS_PER_S, Clock

UTC_OFFSET_NS = 1_900_238_400 * NS_PER_S  # monotonic 0 is 2030-03-20T12:00:00Z
NOBODY = WorkloadClaim()


class Port:
    """A hub with hands on its clock."""

    def __init__(self, **options: float) -> None:
        self.now_s = 100.0
        self.offset_ns: int | None = UTC_OFFSET_NS
        self.events: list[Event] = []
        self.hub = WorkloadHub(
            accelerator_count=8,
            clock=Clock(lambda: round(self.now_s * NS_PER_S), lambda: self.offset_ns),
            session_id="s1",
            grace_s=options.get("grace_s", 10.0),
            clients_max=int(options.get("clients_max", 32)),
            on_event=self.events.append,
        )

    def client(self, name: str, *accelerators: int, **more: float) -> MemoryClient:
        client = MemoryClient(self.hub)
        client.hello(name, accelerators, **more)
        return client

    def owners(self) -> list[str]:
        return [claim.client for claim in self.hub.claims]

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.hub.tick()


def notice(index: int, number: int, level: NoticeLevel = NoticeLevel.OPEN) -> Notice:
    return Notice(f"n{number}", f"accel{index}", level, "test", 100 * NS_PER_S)


def ids(client: MemoryClient) -> list[str]:
    return [body["id"].partition("@")[0] for body in client.bodies("notice")]


def told(number: int) -> str:
    """Return the id that clients see of `notice`: with the time of its issue in ms."""
    return f"n{number}@100000"


# ---- owners and claims ----


def test_a_client_declares_demand_and_checkpoint_cost_of_its_accelerators() -> None:
    port = Port()
    before = port.hub.claims
    client = port.client("trainer", 2, 0, demand_w=650, checkpoint_s=20.5)
    claim = WorkloadClaim(650.0, 20.5, "trainer", "")
    assert port.hub.claims == (claim, NOBODY, claim, *(NOBODY,) * 5)
    [welcome] = client.bodies("welcome")
    assert welcome["accelerators"] == [0, 2]
    claims = port.hub.claims
    client.hello("trainer", (0, 2), demand_w=650, checkpoint_s=20.5)
    port.wait(100.0)
    assert port.hub.claims is claims and claims is not before
    client.hello("trainer", (0,))  # the other one is given up at once
    assert port.hub.claims == (WorkloadClaim(inf, 0.0, "trainer"), *(NOBODY,) * 7)


def test_an_owned_accelerator_is_refused_to_another_whole_and_with_the_reason() -> None:
    port = Port()
    port.client("first", 3)
    claims = port.hub.claims
    second = port.client("second", 2, 3)
    assert second.bodies("error") == ["accelerator 3 is owned by first"]
    assert not second.bodies("welcome") and not second.is_closed
    assert port.hub.claims is claims
    twin = port.client("first", 3)  # the same name twice at a time is another client
    assert twin.bodies("error") == ["accelerator 3 is owned by first"]
    second.hello("second", (2,))
    assert port.owners()[2:4] == ["second", "first"]


def test_an_owner_that_is_gone_keeps_its_claim_for_the_grace_time_only() -> None:
    port = Port()
    client = port.client("trainer", 0, demand_w=500)
    client.close()
    port.wait(9.9)
    assert port.owners()[0] == "trainer"
    other = port.client("other", 0)
    assert other.bodies("error") == ["accelerator 0 is kept for trainer for 0.1 s; try again then"]
    port.wait(0.1)
    assert port.hub.claims[0] == NOBODY
    assert [event.event_id for event in port.events][-1] == "workload.owner_gone"
    other.hello("other", (0,))
    assert port.owners()[0] == "other"


def test_a_client_that_comes_back_in_time_takes_its_place_and_its_word_again() -> None:
    port = Port()
    port.hub.tell((notice(0, 1, NoticeLevel.CHECKPOINT),))
    client = port.client("trainer", 0)
    client.acknowledge(told(1))
    client.close()
    port.wait(5.0)
    again = port.client("trainer", 0, demand_w=300)
    assert port.hub.claims[0] == WorkloadClaim(300.0, 0.0, "trainer", "n1")
    assert ids(again) == ["n1"]
    port.wait(100.0)
    assert port.owners()[0] == "trainer"


def test_one_client_too_many_is_told_so() -> None:
    port = Port(clients_max=2)
    first, _ = port.client("a", 0), port.client("b", 1)
    third = port.client("c", 2)
    assert third.is_closed and third.bodies("error") == ["2 clients are connected; try again later"]
    first.close()
    assert port.client("d", 2).bodies("welcome")


# ---- notices ----


def test_a_client_is_told_all_that_is_in_force_and_then_changes_only() -> None:
    port = Port()
    first = tuple(notice(i, i) for i in range(8))
    port.hub.tell(first)
    client = port.client("trainer", 1, 2)
    assert ids(client) == ["n1", "n2"]
    port.hub.tell(first)
    port.hub.tell((*first[:2], notice(2, 12), *first[3:]))
    port.hub.tell((*first[:2], notice(2, 12), *first[3:7], notice(7, 17)))
    assert ids(client) == ["n1", "n2", "n12"]
    listener = port.client("scheduler")  # owns nothing: it hears all
    assert len(ids(listener)) == 8


def test_no_notices_at_all_take_none_back() -> None:
    """A cycle that came too late decides nothing; that opens no accelerator."""
    port = Port()
    port.hub.tell((notice(0, 1, NoticeLevel.FREEZE),))
    port.hub.tell(())
    assert ids(port.client("trainer", 0)) == ["n1"]


def test_a_notice_says_each_instant_as_utc_and_as_seconds_from_now() -> None:
    port = Port()
    client = port.client("trainer", 0)
    expected = Notice(
        "n7", "accel0", NoticeLevel.CHECKPOINT, "eclipse", 99 * NS_PER_S, 130 * NS_PER_S, 300.0,
        2300 * NS_PER_S,
    )  # fmt: skip
    port.hub.tell((expected,))
    assert client.bodies("notice") == [
        {
            "id": "n7@99000", "scope": "accel0", "level": "checkpoint", "reason": "eclipse",
            "watts_after": 300.0,
            "issued_utc": "2030-03-20T12:01:39.000Z", "issued_in_s": -1.0,
            "deadline_utc": "2030-03-20T12:02:10.000Z", "deadline_in_s": 30.0,
            "expected_end_utc": "2030-03-20T12:38:20.000Z", "expected_end_in_s": 2200.0,
        }
    ]  # fmt: skip


def test_without_utc_and_without_a_deadline_the_fields_are_null() -> None:
    port = Port()
    port.offset_ns = None
    client = port.client("trainer", 0)
    port.hub.tell((notice(0, 1)._replace(watts_after=inf),))
    [body] = client.bodies("notice")
    assert body["issued_utc"] is None and body["issued_in_s"] == 0.0
    assert body["deadline_utc"] is None and body["deadline_in_s"] is None
    assert body["watts_after"] is None


def test_an_acknowledgement_reaches_the_claims_of_its_accelerators() -> None:
    port = Port()
    port.hub.tell((notice(0, 1), notice(1, 1), notice(2, 2)))
    client = port.client("trainer", 0, 1, 2)
    client.acknowledge(told(1))
    assert [claim.acknowledged for claim in port.hub.claims[:3]] == ["n1", "n1", ""]
    port.hub.tell((notice(0, 3), notice(1, 1), notice(2, 2)))
    assert port.hub.claims[0].acknowledged == "n1"  # the newest that was acted on


def test_an_id_that_the_core_uses_again_is_told_again_and_not_acknowledged() -> None:
    """A core whose state was given up counts from the start; a job must save again."""
    port = Port()
    port.hub.tell((notice(0, 1, NoticeLevel.CHECKPOINT),))
    client = port.client("trainer", 0)
    client.acknowledge(told(1))
    assert port.hub.claims[0].acknowledged == "n1"
    port.hub.tell((notice(0, 1, NoticeLevel.CHECKPOINT)._replace(issued_ns=500 * NS_PER_S),))
    assert port.hub.claims[0].acknowledged == ""
    first, second = client.bodies("notice")
    assert first["id"] != second["id"]
    client.acknowledge(told(1))  # still on its way
    assert port.hub.claims[0].acknowledged == ""
    client.acknowledge(second["id"])
    assert port.hub.claims[0].acknowledged == "n1"


def test_an_acknowledgement_of_what_is_over_or_was_never_said_changes_nothing() -> None:
    port = Port()
    port.hub.tell((notice(0, 1), notice(1, 9)))
    client = port.client("trainer", 0)
    port.hub.tell((notice(0, 2),))
    claims = port.hub.claims
    client.acknowledge(told(1))
    client.acknowledge(told(9))  # of somebody else's accelerator
    assert client.bodies("error") == [
        "ack: n1@100000 is no longer in force, or not yours",
        "ack: no notice with this id was sent here",
    ]
    assert port.hub.claims is claims


# ---- forecast ----


def test_the_forecast_gives_caps_and_eclipses_to_come() -> None:
    port = Port()
    client = port.client("trainer", 0)
    plan = CapPlan(
        tuple(s * NS_PER_S for s in (0, 50, 200, 900)),
        tuple((watts,) * 8 for watts in (100.0, 400.0, 300.0, inf)),
        800 * NS_PER_S,
    )
    orbit = OrbitForecast(
        ((20 * NS_PER_S, 90 * NS_PER_S), (150 * NS_PER_S, 2300 * NS_PER_S)), 9000 * NS_PER_S
    )
    port.hub.tell_forecast(plan, orbit)
    empty, full = client.bodies("forecast")
    assert empty["caps"] == [] and empty["caps_until_in_s"] is None and empty["eclipses"] == []
    assert [(step["from_in_s"], step["watts"][7]) for step in full["caps"]] == [
        (-50.0, 400.0),
        (100.0, 300.0),
    ]
    assert full["caps_until_in_s"] == 700.0 and full["eclipses_until_in_s"] == 8900.0
    assert [(e["entry_in_s"], e["exit_utc"]) for e in full["eclipses"]] == [
        (50.0, "2030-03-20T12:38:20.000Z")
    ]
    late = port.client("late", 1)
    assert late.bodies("forecast") == [full]
    port.now_s = 9001.0
    assert port.client("later", 2).bodies("forecast") == [empty]


def test_every_event_of_the_port_and_the_ephemeris_is_in_the_dictionary() -> None:
    services = Path(__file__).parents[2] / "flight" / "services"
    for name in ("workload", "workload_hub", "ephemeris_service"):
        text = (services / f"{name}.py").read_text()
        found = set(re.findall(r'"((?:workload|ephemeris)\.[a-z_.]+)"', text))
        assert found and found <= EVENT_IDS, f"{name}: {found - EVENT_IDS}"


# ---- bad input ----

BAD_LINES = [
    (b"", "not a JSON object"),
    (b"hello", "not a JSON object"),
    (b"\xff\xfe", "not a JSON object"),
    (b"[" * 4000, "not a JSON object"),
    (b'{"hello": {"client": "a", "accelerators": [0], "demand_w": NaN}}', "not a JSON object"),
    (b"[]", "a message is an object with one key"),
    (b'{"hello": {}, "ack": "x"}', "a message is an object with one key"),
    (b'{"reset": 1}', "'reset' is no message; known: hello, ack"),
    (b'{"ack": 5}', "ack: give the id of a notice"),
    (b'{"ack": ""}', "ack: give the id of a notice"),
    (b'{"ack": "n99"}', "ack: no notice with this id was sent here"),
    (b'{"hello": 5}', "hello: give an object with client and accelerators"),
    (b'{"hello": {"client": "a", "accelerators": [0], "demand": 5}}', "unknown key 'demand'"),
    (b'{"hello": {"accelerators": [0]}}', "hello.client: give 1 to 64"),
    (b'{"hello": {"client": "a b", "accelerators": [0]}}', "hello.client: give 1 to 64"),
    (b'{"hello": {"client": "\\ud800", "accelerators": [0]}}', "hello.client: give 1 to 64"),
    (b'{"hello": {"client": "a"}}', "hello.accelerators: give a list"),
    (b'{"hello": {"client": "a", "accelerators": [true]}}', "hello.accelerators: give a list"),
    (b'{"hello": {"client": "a", "accelerators": [8]}}', "give each once, 0 to 7"),
    (b'{"hello": {"client": "a", "accelerators": [-1]}}', "give each once, 0 to 7"),
    (b'{"hello": {"client": "a", "accelerators": [1, 1]}}', "give each once, 0 to 7"),
    (b'{"hello": {"client": "a", "accelerators": [0], "demand_w": -1}}', "hello.demand_w: give"),
    (b'{"hello": {"client": "a", "accelerators": [0], "demand_w": 1e999}}', "hello.demand_w:"),
    (b'{"hello": {"client": "a", "accelerators": [0], "demand_w": true}}', "hello.demand_w:"),
    (
        b'{"hello": {"client": "a", "accelerators": [0], "checkpoint_s": 1' + b"0" * 400 + b"}}",
        "hello.checkpoint_s: give a number, 0 to 86400",
    ),
    (b'{"hello": {"client": "a", "accelerators": [0], "demand_w": 1' + b"0" * 4200 + b"}}",
     "a line has at most 4096 bytes"),
    (b"x" * 1_000_000, "a line has at most 4096 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "answer"), BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_line_is_answered_and_changes_nothing(line: bytes, answer: str) -> None:
    port = Port()
    claims = port.hub.claims
    client = MemoryClient(port.hub)
    client.send(line + b"\n")
    assert [kind for kind, _ in client.lines] == ["error"]
    assert answer in client.bodies("error")[0]
    assert port.hub.claims is claims and port.hub.counts.bad_lines == 1
    client.hello("trainer", (0,))  # and the next line is a line again
    assert port.owners()[0] == "trainer"


def test_ten_bad_lines_end_the_connection() -> None:
    port = Port()
    client = port.client("trainer", 0)
    client.send(b"junk\n" * (BAD_LINES_MAX - 1))
    assert not client.is_closed
    client.send(b"junk\njunk\njunk\n")
    assert client.is_closed and len(client.bodies("error")) == BAD_LINES_MAX
    assert port.hub.session_count == 0
    assert port.events[-1].event_id == "workload.client_dropped"
    port.wait(10.0)
    assert port.hub.claims[0] == NOBODY


def test_an_endless_line_is_not_kept() -> None:
    port = Port()
    client = port.client("trainer", 0)
    session = client._session
    assert session is not None
    for _ in range(1000):
        client.send(b"y" * 1000)
        assert len(session._buffer) <= LINE_BYTES_MAX + 1000
    assert len(client.bodies("error")) == 1


def test_a_flood_of_lines_is_taken_in_turns() -> None:
    port = Port()
    client = port.client("trainer", 0)
    session = client._session
    assert session is not None
    hello = b'{"hello": {"client": "trainer", "accelerators": [0]}}\n'
    assert session.receive(hello * 100)
    assert len(client.bodies("welcome")) == 1 + LINES_PER_TURN
    assert session.go_on()
    assert len(client.bodies("welcome")) == 1 + 2 * LINES_PER_TURN


def test_a_client_that_comes_and_goes_does_not_fill_the_log() -> None:
    port = Port(grace_s=0.0)
    for _ in range(100):
        port.client("trainer", 0).close()
        port.wait(0.1)
    assert len(port.events) == EVENTS_PER_MINUTE
    assert port.hub.counts.events_untold == 200 - EVENTS_PER_MINUTE
    port.wait(60.0)
    port.client("trainer", 0)
    assert len(port.events) == EVENTS_PER_MINUTE + 1


GOOD_LINE = st.sampled_from(
    [
        b'{"hello":{"client":"a","accelerators":[0,1]}}\n',
        b'{"hello":{"client":"a","accelerators":[2],"demand_w":5}}\n',
        b'{"ack":"n1@100000"}\n',
    ]
)


@given(
    parts=st.lists(st.one_of(GOOD_LINE, st.binary(max_size=40), st.just(b"\n")), max_size=12),
    size=st.integers(1, 50),
)
def test_bytes_mean_the_same_however_they_are_cut_and_never_raise(
    parts: list[bytes], size: int
) -> None:
    data = b"".join(parts)
    answers = []
    for cut in (max(len(data), 1), size):
        port = Port()
        port.hub.tell((notice(0, 1),))
        client = MemoryClient(port.hub)
        for i in range(0, len(data), cut):
            client.send(data[i : i + cut])
        answers.append((list(client.lines), port.hub.claims, client.is_closed))
        json.dumps([body for _, body in client.lines], allow_nan=False)
        assert all(claim.demand_w >= 0.0 for claim in port.hub.claims)
    assert answers[0] == answers[1]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["hello", "close", "wait", "ack", "tell"]),
            st.integers(0, 3),
            st.sets(st.integers(0, 3), max_size=3),
        ),
        max_size=40,
    )
)
def test_an_accelerator_has_one_owner_whatever_clients_do(
    actions: list[tuple[str, int, set[int]]],
) -> None:
    port = Port(clients_max=3)
    clients: dict[int, MemoryClient] = {}
    for number, (action, who, what) in enumerate(actions):
        if action == "hello":
            if who not in clients or clients[who].is_closed:
                clients[who] = MemoryClient(port.hub)
            clients[who].hello(f"c{who}", tuple(what))
        elif action == "close" and who in clients:
            clients.pop(who).close()
        elif action == "wait":
            port.wait(3.0)
        elif action == "ack" and who in clients:
            clients[who].acknowledge(told(number - 1))
        elif action == "tell":
            port.hub.tell(tuple(notice(i, number) for i in what))
        sessions = [c._session for c in clients.values() if c._session is not None]
        owned = [(i, s.client) for s in sessions if not s.is_closed for i in s.accelerators]
        assert len({i for i, _ in owned}) == len(owned), f"two owners after step {number}"
        assert all(port.owners()[i] == name for i, name in owned)
        assert port.hub.session_count <= 3
    for client in clients.values():
        client.close()
    port.wait(10.0)
    assert port.hub.claims == (NOBODY,) * 8
