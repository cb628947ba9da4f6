"""Grants of a spacecraft from a file: taken when they are right, refused with a reason, obeyed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flight.core.types import Allotment, Event
from flight.dictionary.events import EVENT_IDS
from flight.operator_error import OperatorError
from flight.services.allotment_input import (
    AllotmentInput,
    AllotmentInputSection,
    UtcAllotment,
    parse_allotment,
)
from flight.services.file_input import NS_PER_S
from tests.unit.assembled import REF1, Assembled

START_S = datetime(2030, 3, 20, 12, tzinfo=UTC).timestamp()
OFFSET_NS = round(START_S * NS_PER_S)  # monotonic 0 is 12:00


def text_of(**changes: object) -> str:
    """Return a good file, changed."""
    content = {"power_w": 4800, "heat_w": 4700.5, "valid_until_utc": "2030-03-20T12:02:00Z"}
    return json.dumps({k: v for k, v in (content | changes).items() if v is not None})


class Node:
    """An AllotmentInput with hands on its clocks; each `second` is one of its wake-ups."""

    def __init__(self, path: Path) -> None:
        self.path, self.now_s, self.offset_ns = path, 0.0, OFFSET_NS
        self.events: list[Event] = []
        self.service = AllotmentInput(
            config=AllotmentInputSection(path=str(path)),
            now_ns=lambda: round(self.now_s * NS_PER_S),
            utc_offset_ns=lambda: self.offset_ns,
            is_time_trusted=lambda: True,
            on_event=self.events.append,
        )

    def write(self, text: str) -> None:
        """Replace the file and let it be looked at twice."""
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self.path)
        for _ in range(2):
            self.now_s += 1.0
            self.service.look()

    def event_ids(self) -> list[str]:
        """Return what was told."""
        found = [event.event_id for event in self.events]
        assert set(found) <= EVENT_IDS
        return found


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node without a file yet."""
    return Node(tmp_path / "grant.json")


def test_a_grant_is_taken_in_monotonic_time_and_renewed_without_a_word(node: Node) -> None:
    node.write(text_of())
    assert node.service.value == Allotment(4800.0, 4700.5, 120 * NS_PER_S)
    node.write(text_of(valid_until_utc="2030-03-20T12:03:00Z"))
    assert node.service.value == Allotment(4800.0, 4700.5, 180 * NS_PER_S)
    assert node.event_ids() == ["allotment.accepted"]
    assert node.events[0].text == "4800 W, heat 4700.5 W, 118 s"
    node.write(text_of(power_w=2000, heat_w=None))
    assert node.service.value == Allotment(2000.0, 2000.0, 120 * NS_PER_S)
    assert node.event_ids() == ["allotment.accepted"] * 2
    assert node.service.health == (3, 0, "")


def test_a_step_of_utc_moves_the_end_of_a_grant(node: Node) -> None:
    node.write(text_of())
    node.offset_ns += 60 * NS_PER_S
    node.service.look()
    assert node.service.value == Allotment(4800.0, 4700.5, 60 * NS_PER_S)


BAD = [
    ("[", "is not valid JSON"),
    ("[]", "is no table of keys; write power_w, heat_w and valid_until_utc"),
    (text_of(power_w=None), "power_w: is missing"),
    (text_of(valid_until_utc=None), "valid_until_utc: is missing"),
    (text_of(watts=1), "watts: unknown key"),
    (text_of(power_w=-1), "power_w = -1: write watts, 0 to 100000"),
    (text_of(power_w=True), "power_w = True: write watts, 0 to 100000"),
    (text_of(heat_w="4800"), "heat_w = '4800': write watts, 0 to 100000"),
    (text_of(heat_w=float("nan")), "heat_w = nan: write watts, 0 to 100000"),
    (text_of(valid_until_utc=120), "valid_until_utc = 120: write a time such as"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=range(len(BAD)))
def test_a_bad_grant_is_refused_with_its_mend_and_the_old_one_stays(
    node: Node, text: str, message: str
) -> None:
    node.write(text_of())
    grant = node.service.value
    assert grant is not None
    node.write(text)
    assert node.service.value is grant
    assert node.event_ids() == ["allotment.accepted", "allotment.rejected"]
    assert message in node.events[-1].text and str(node.path) in node.events[-1].text
    node.write(text_of())
    assert node.event_ids()[2:] == ["allotment.accepted"]  # after a refusal it is told again


def test_a_grant_that_is_over_already_is_refused(node: Node) -> None:
    node.write(text_of(valid_until_utc="2030-03-20T12:00:01Z"))
    assert node.service.value is None
    assert "valid_until_utc is over" in node.events[0].text


def test_toml_says_the_same() -> None:
    toml = "power_w = 4800\nvalid_until_utc = 2030-03-20T12:02:00Z"
    assert parse_allotment("x.toml", toml) == UtcAllotment(4800.0, 4800.0, START_S + 120.0)
    with pytest.raises(OperatorError, match="is not valid TOML"):
        parse_allotment("x.toml", "{")


def test_the_cycle_is_fed_with_the_grant_of_a_file(tmp_path: Path) -> None:
    out, path = tmp_path / "out", tmp_path / "grant.json"
    out.mkdir()
    path.write_text(json.dumps({"power_w": 2500.0, "valid_until_utc": "2099-01-01T00:00:00Z"}))
    config = REF1.model_copy(update={"allotment_input": AllotmentInputSection(path=str(path))})
    flown = Assembled(out, config=config, seconds=4.0).fly()
    grant = flown.daemon.cycle.feed.allotment
    assert grant is not None and (grant.power_w, grant.heat_w) == (2500.0, 2500.0)
    assert any(event.event_id == "allotment.accepted" for event in flown.events)
