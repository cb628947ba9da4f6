"""The dictionary: complete, one hash, no drift between code, export and pages."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from flight import cli
from flight.config import build_points, load_config
from flight.config_page import configuration_page
from flight.core.accelerators import AccelPhase
from flight.core.arbiter import CapReason
from flight.core.commands import _COMMANDS, apply
from flight.core.config import CoreConfig
from flight.core.points import PointTable
from flight.core.types import Command, Mode
from flight.dictionary import commands as command_table
from flight.dictionary import events as event_table
from flight.dictionary.channels import build_point_table
from flight.dictionary.commands import COMMANDS, Argument
from flight.dictionary.events import EVENT_IDS, FAULTS, SERVICES, TRANSITIONS, EventKind
from flight.dictionary.export import dictionary, to_json
from flight.dictionary.packets import PACKETS, dictionary_hash
from flight.dictionary.pages import pages
from flight.dictionary.rates import SILENT, every, on_change
from flight.examples import default_config_path
from tests.core_node import Node, booted

ROOT = Path(__file__).parents[2]
TABLE = build_point_table()
SCHEMA = json.loads((ROOT / "docs/reference/dictionary.schema.json").read_text())


def document() -> dict[str, Any]:
    config = load_config(default_config_path())
    return dictionary(config, build_points(config))


def test_the_export_keeps_its_schema() -> None:
    whole = json.loads(to_json(document()))
    jsonschema.validate(whole, SCHEMA)
    del whole["packets"][0]["encoding"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(whole, SCHEMA)


def test_the_export_is_complete() -> None:
    whole = document()
    assert [entry["name"] for entry in whole["channels"]] == [point.name for point in TABLE]
    ids = [entry["id"] for entry in whole["events"]]
    assert ids == [*event_table.FAULTS, *event_table.TRANSITIONS, *event_table.SERVICES]
    assert {*ids, *(f"{fault}.cleared" for fault in event_table.FAULTS)} == EVENT_IDS
    assert {entry["name"] for entry in whole["packets"]} == {packet.name for packet in PACKETS}
    assert all(entry["cause"] and entry["action"] for entry in whole["events"])


def test_commands_and_arguments_are_those_that_the_core_knows() -> None:
    """A command that has no entry here: add it in flight/dictionary/commands.py."""
    described = {
        name: (
            frozenset(a.name for a in command.arguments if a.is_required),
            frozenset(a.name for a in command.arguments if not a.is_required),
        )
        for name, command in COMMANDS.items()
    }
    assert described == {name: row[1:] for name, row in _COMMANDS.items()}


def _example(argument: Argument, entry: dict[str, Any]) -> float | str:
    if argument.is_number:
        return float(entry["low"])
    return (argument.choices or ("somebody",))[0].replace("accelN", "accel3")


# What is allowed depends on the mode, or on what was commanded before, as well.
BY_STATE = frozenset({"set_mode", "release_limit", "return_to_service", "reset_accelerator"})


def _cases() -> list[tuple[str, str, float | str, bool]]:
    """Each argument with a value that the dictionary allows and one that it forbids."""
    found: list[tuple[str, str, float | str, bool]] = []
    for entry in document()["commands"]:
        for argument in entry["arguments"]:
            if argument["type"] == "text":
                if entry["name"] not in BY_STATE:
                    choices = argument["choices"]
                    found += [(entry["name"], argument["name"], c, True) for c in choices]
                if argument["choices"]:  # else any text will do
                    found.append((entry["name"], argument["name"], "nobody", False))
            else:
                low, high = argument["low"], argument["high"]
                found += [
                    (entry["name"], argument["name"], low, True),
                    (entry["name"], argument["name"], high, True),
                    (entry["name"], argument["name"], low - 0.5, False),
                    (entry["name"], argument["name"], high + 0.5, False),
                ]
    return found


@pytest.mark.parametrize(("command", "argument", "value", "is_allowed"), _cases())
def test_the_core_allows_what_the_dictionary_says(
    command: str, argument: str, value: float | str, is_allowed: bool
) -> None:
    entry = next(e for e in document()["commands"] if e["name"] == command)
    arguments = {
        a.name: _example(a, next(e for e in entry["arguments"] if e["name"] == a.name))
        for a in COMMANDS[command].arguments
    }
    arguments[argument] = value.replace("accelN", "accel3") if isinstance(value, str) else value
    node = Node()
    outcome = apply(
        CoreConfig(),
        node.state,
        node.state.operator,
        (Command("c", command, tuple(arguments.items())),),
        0,
        has_loop=True,
    )
    assert outcome.acks[0].ok is is_allowed, outcome.acks[0].reason


def test_the_hash_is_of_the_whole_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    base = dictionary_hash(TABLE)
    renamed = PointTable((replace(TABLE.points[0], unit="kW"), *TABLE.points[1:]))
    assert dictionary_hash(renamed) != base
    slower = (replace(PACKETS[0], period_s=61.0), *PACKETS[1:])
    assert dictionary_hash(TABLE, slower) != base
    silent = (replace(PACKETS[0], rates={Mode.SAFE: SILENT}), *PACKETS[1:])
    assert dictionary_hash(TABLE, silent) != base
    with monkeypatch.context() as patch:
        patch.setattr(
            "flight.dictionary.describe.COMMANDS",
            {**COMMANDS, "reboot": command_table.CommandKind("Restart.", ())},
        )
        assert dictionary_hash(TABLE) != base
    with monkeypatch.context() as patch:
        patch.setattr(
            "flight.dictionary.describe.SERVICES",
            {**event_table.SERVICES, "x.y": EventKind("c", "a")},
        )
        assert dictionary_hash(TABLE) != base
    assert dictionary_hash(TABLE) == base


def test_every_pattern_of_a_packet_matches_on_a_node() -> None:
    conducted = build_point_table(1, loop=False)
    lost = [
        (packet.name, pattern)
        for packet in PACKETS
        for pattern in packet.patterns
        if not TABLE.match(pattern) and not conducted.match(pattern)
    ]
    assert not lost


def test_a_node_without_a_power_system_of_its_own_has_its_packets() -> None:
    table = build_point_table(4, eps=False)
    names = [entry["name"] for entry in dictionary(CoreConfig(), table)["packets"]]
    assert names == [packet.name for packet in PACKETS]
    assert dictionary_hash(table) != dictionary_hash(TABLE)


def test_a_better_sentence_is_no_other_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    base = dictionary_hash(TABLE)
    better = COMMANDS["set_mode"]._replace(description="Change the mode of the node.")
    monkeypatch.setattr("flight.dictionary.describe.COMMANDS", {**COMMANDS, "set_mode": better})
    assert dictionary_hash(TABLE) == base


def test_a_configured_limit_is_no_other_dictionary_but_is_exported() -> None:
    config = CoreConfig.model_validate({"arbiter": {"cap_w_min": 190.0}})
    whole = dictionary(config, TABLE)
    assert whole["hash"] == dictionary_hash(TABLE)
    arguments = {e["name"]: e["arguments"] for e in whole["commands"]}["operator_limit"]
    cap = next(a for a in arguments if a["name"] == "cap_w")
    assert (cap["low"], cap["low_key"]) == (190.0, "arbiter.cap_w_min")


def test_the_pages_are_made_from_the_dictionary() -> None:
    """Mend: nightside dictionary --markdown docs/reference."""
    config = load_config(default_config_path())
    texts = {
        **pages(config, build_points(config)),
        "configuration.md": configuration_page(),
    }
    for name, text in texts.items():
        assert (ROOT / "docs/reference" / name).read_text() == text, (
            f"docs/reference/{name} is old; run: nightside dictionary --markdown docs/reference"
        )


def test_every_key_of_the_configuration_says_what_it_means() -> None:
    rows = [
        line.split(" | ") for line in configuration_page().splitlines() if line.startswith("| `")
    ]
    assert len(rows) > 100
    assert not [row[0] for row in rows if row[-1].strip(" |") == ""]


def test_the_command_prints_hash_document_and_selections(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["dictionary", "--hash"]) == 0
    assert capsys.readouterr().out.strip() == dictionary_hash(TABLE)
    assert cli.main(["dictionary", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(to_json(document()))
    assert cli.main(["dictionary", "--channel", "accel3.cap_w", "--event", "rail.latch_*"]) == 0
    printed = capsys.readouterr().out
    assert "accel3.cap_w" in printed and "rail.latch_up" in printed and "fast" not in printed
    assert cli.main(["dictionary", "--markdown", str(tmp_path)]) == 0
    assert (tmp_path / "events.md").read_text() == (ROOT / "docs/reference/events.md").read_text()


@pytest.mark.parametrize("make", [lambda: every(0.0), lambda: on_change(2.0, 1.0)])
def test_a_rate_that_cannot_be_is_refused(make) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        make()


def test_an_event_id_means_one_thing() -> None:
    """A fault and an event of a service under one id would tell an operator the wrong cause."""
    tables = (FAULTS, TRANSITIONS, SERVICES)
    ids = [event_id for table in tables for event_id in table]
    assert sorted(ids) == sorted(set(ids))


def test_the_words_of_a_decision_are_those_of_the_core() -> None:
    entries = {entry["name"]: entry["words"] for entry in document()["decision"]}
    assert entries["cap_reason"] == [reason.value for reason in CapReason]
    assert entries["phase"] == [phase.value for phase in AccelPhase]
    decision = booted().cycle()
    assert set(decision.cap_reason) <= set(entries["cap_reason"])
    assert set(decision.accel_phases) <= set(entries["phase"])
