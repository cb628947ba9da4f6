"""What an operator meets on nodes of other kinds than REF-1: commands, parameters, views, words."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flight import cli
from flight.config import NodeConfig, build_points, load_config
from flight.config_diff import DRIVERS, changes, drivers_to_restart
from flight.core.step import compile_config
from flight.core.types import Ack, Command, Decision, Mode, Snapshot
from flight.dictionary.channels import build_point_table
from flight.dictionary.packets import packet_entries
from flight.examples import config_path, node_names
from flight.services.parameter_table import PARAMETERS
from flight.services.parameters import Parameters
from flight.services.stored_state import ParameterSet
from flight.top import panels
from flight.view import NodeView, ViewBuilder
from sim_hw import fly_realtime
from sim_hw.fly import shape_mistakes
from sim_hw.plant_config import PlantConfig
from tests.core_node import Node
from tests.system.flying import FULL_LOAD, flight_of, refused, scenario, sim

NO_LOOP = build_point_table(1, loop=False)


def answer(node: Node, name: str, arguments: dict[str, float | str]) -> Ack:
    """Give one command and return its answer."""
    decision = node.cycle(Command("x", name, tuple(arguments.items())))
    (ack,) = decision.acks
    return ack


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("clear_latched", {"subject": "pump_a"},
         "pump_a: this node has no coolant loop, and so no pumps"),
        ("clear_latched", {"subject": "pump_c"},
         "nothing latches under 'pump_c'; known: accelN, payload_54v, all"),
        ("inhibit_response", {"name": "pump_loss", "duration_s": 10.0},
         "pump_loss: this node has no coolant loop, so no pump can be lost"),
    ],
)  # fmt: skip
def test_a_command_for_pumps_is_refused_where_there_are_none(
    name: str, arguments: dict[str, float | str], reason: str
) -> None:
    node = Node(table=NO_LOOP)
    node.fly(20.0)
    ack = answer(node, name, arguments)
    assert (ack.ok, ack.reason) == (False, reason)
    assert answer(node, "clear_latched", {"subject": "all"}).ok
    pumped = Node(table=build_point_table(1))
    pumped.fly(20.0)
    assert answer(pumped, name, arguments).ok is (arguments.get("subject") != "pump_c")


def parameters_of(name: str) -> Parameters:
    """Return the parameters of an example node, with nothing stored."""
    return Parameters(
        load_config(config_path(name)),
        ParameterSet(),
        save=lambda _set: None,
        boottime_ns=lambda: 1,
        now_ns=lambda: 1,
    )


@pytest.mark.parametrize("name", node_names())
def test_what_the_file_says_may_be_said_again_in_flight(name: str) -> None:
    """A range that does not hold the node's own value would be that of another node."""
    parameters = parameters_of(name)
    refused = []
    for key, parameter in PARAMETERS.items():
        if not parameter.needs:
            refused += parameters.stage(key, None).reasons
    assert refused == []
    assert parameters.validate().ok


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("arbiter.node_power_w_max", 80.0, ""),
        ("arbiter.node_power_w_max", 1000.0,
         "arbiter.node_power_w_max = 1000.0: write 17.1429 to 120 W"),
        ("ladder.cap_w", 20.0, ""),
        ("guard.setpoint_c", 30.0, "guard.setpoint_c = 30.0: write 50 to 84 degC"),
        ("loop.lead_pump", "b", "loop.lead_pump: this node has no coolant loop"),
        ("faults.plate_temp_c_max", 60.0, "faults.plate_temp_c_max: this node has no coolant loop"),
    ],
)  # fmt: skip
def test_the_range_of_a_parameter_is_that_of_a_node_of_60_w(
    key: str, value: float | str, reason: str
) -> None:
    assert parameters_of("edge").stage(key, value).reasons == ((reason,) if reason else ())


def test_a_fed_node_has_no_charge_ladder_to_set() -> None:
    reasons = parameters_of("ai1").stage("ladder.cap_w", 300.0).reasons
    assert reasons == ("ladder.cap_w: this node has no battery",)
    assert parameters_of("ai1").stage("loop.lead_pump", "b").ok


def view_of(name: str, silent: tuple[str, ...] = ()) -> NodeView:
    """Return the view of an example node whose points all read 30, those of silent boards none."""
    config = load_config(config_path(name))
    table = build_points(config)
    count = len(table)
    status = np.array([int(point.driver in silent) for point in table], np.int32)
    snapshot = Snapshot(
        np.full(count, 30.0), np.ones(count, np.int64), status, np.zeros(count, np.uint32)
    )
    decision = Decision(desired=np.zeros(0), mode=Mode.NOMINAL, cap_w=(), cap_reason=())
    return ViewBuilder(table, config.node.accelerator_count).build(10**9, snapshot, decision)


@pytest.mark.parametrize(
    ("name", "silent", "said", "unsaid"),
    [
        ("edge", (), "cooling radiator 30 °C, no coolant loop", "pumps"),
        ("ai1", (), "power   from the spacecraft   draw 240 W", "battery"),
        ("ref1", ("loop",), "loop    - → - °C  radiator - °C", "cooling"),
        ("ref1", ("eps",), "- %  - A  - °C   array - W", "spacecraft"),
        ("edge", ("host",), "loop    - → - °C  radiator - °C", "cooling"),
        ("ai1", ("eps",), "- %  - A  - °C   array - W", "spacecraft"),
    ],
)
def test_top_shows_the_parts_that_a_node_has(
    name: str, silent: tuple[str, ...], said: str, unsaid: str
) -> None:
    text = panels.power_and_loop({"view": view_of(name, silent)}).plain
    assert said in text
    assert unsaid not in text


@pytest.mark.parametrize(("name", "cells"), [("edge", 4), ("ref1", 0)])
def test_the_bar_of_a_draw_is_full_at_the_highest_cap_of_the_node(name: str, cells: int) -> None:
    text = panels.accelerators({"view": view_of(name)}).plain  # 30 W of 60, of 700
    assert text.splitlines()[1].count("█") == cells


@pytest.mark.parametrize("packet", ["beacon", "thermal"])
def test_the_ground_hears_of_the_radiator_of_a_node_without_a_loop(packet: str) -> None:
    channels = {entry["name"]: entry["channels"] for entry in packet_entries(NO_LOOP)}
    assert "host.radiator_temp_c" in channels[packet]


@pytest.mark.parametrize(
    ("name", "title"),
    [("edge", "Edge orbit: one accelerator without a loop, a latch-up"),
     ("ai1", "AI1 orbit: power by allotment, a peak, a lapse, a pump stop")],
)  # fmt: skip
def test_a_node_flies_the_scenario_of_its_kind_unasked(
    name: str, title: str, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    assert cli.main(["init", "--node", name, str(own)]) == 0
    exit_code, summary = sim(tmp_path / "flight", own, "--duration", "20s")
    assert (exit_code, summary["title"]) == (0, title)


def test_a_node_of_a_kind_without_a_scenario_flies_without_faults(tmp_path: Path) -> None:
    text = config_path("edge").read_text().replace('"own"', '"allotment"')
    text = text.replace("[plant.battery]\n", "[plant.battery]\nenabled = false\n")
    text = text.replace("[plant.array]\n", "[plant.array]\nenabled = false\n")
    (tmp_path / "fed.toml").write_text(text)
    exit_code, summary = sim(tmp_path / "flight", tmp_path / "fed.toml", "--duration", "5s")
    assert (exit_code, summary["title"]) == (0, "No faults")


@pytest.mark.parametrize("count", [1, 5])
def test_a_pumped_node_of_fewer_accelerators_is_in_its_ranges(count: int) -> None:
    """Plates that are not there have no temperature that could be out of range."""
    config = NodeConfig.model_validate({"node": {"accelerator_count": count, "simulated": True}})
    data = scenario(start={"mode": "NOMINAL", "temp_c": 30.0}, action=[FULL_LOAD])
    with flight_of(data, config=config, duration_s=90.0) as flight:
        flight.fly(90.0)
        assert flight.properties.ledger.violations == []
        assert flight.node.cycle.state.mode.mode == "NOMINAL"
        active = flight.node.cycle.state.monitors.active.nonzero()[0]
        faults = flight.node.step_config.monitors.faults
        assert [faults[i].event_id for i in active] == []


def test_what_comes_closest_on_a_node_without_a_loop_is_named_by_what_it_is() -> None:
    """The plate of an accelerator is warmer than the radiator, by what its strap takes."""
    config = load_config(config_path("edge"))
    data = scenario(start={"mode": "NOMINAL", "temp_c": 30.0}, action=[FULL_LOAD])
    with flight_of(data, config=config, duration_s=120.0) as flight:
        flight.fly(120.0)
        closest = flight.properties.ledger.closest["S2"]
        assert closest.subject == "plate0"


def test_a_scenario_that_names_no_node_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.toml"
    path.write_text('title = "t"\nshows = "s"\nconfig = "nope.toml"\n')
    (line,) = refused(capsys, "sim", "--scenario", str(path))
    assert line == (
        f"{path}: config = 'nope.toml': no such file as {tmp_path / 'nope.toml'}; it is looked up "
        "from the folder of the scenario"
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("edge", "left          caps off W\n"),
        ("ref1", f"left          caps {', '.join(['off'] * 8)} W; pumps 6000, 6000 rpm\n"),
    ],
)
def test_what_a_run_leaves_behind_is_told_of_the_parts_that_there_are(name: str, line: str) -> None:
    with flight_of(scenario(), config=load_config(config_path(name)), duration_s=1.0) as flight:
        runner: Any = SimpleNamespace(flight=flight)
        assert fly_realtime._what_was_left(runner) == line


def test_what_drives_the_host_rails_too_hard_is_told_by_the_size_of_the_node() -> None:
    monitors = compile_config(load_config(config_path("edge")), NO_LOOP).monitors
    limits = {
        fault.subject: fault.threshold
        for fault in monitors.faults
        if fault.event_id == "rail.over_current" and fault.subject.startswith("host")
    }
    assert limits == pytest.approx(
        {"host_12v": 1.12, "host_5v": 0.84, "host_3v3": 1.12, "host_1v8": 1.4}
    )


@pytest.mark.parametrize(
    ("key", "value"), [("cooling", "conduction"), ("power_system", "allotment")]
)
def test_another_kind_of_node_needs_other_drivers(key: str, value: str) -> None:
    old = NodeConfig.model_validate({"node": {"accelerator_count": 1}})
    new = NodeConfig.model_validate({"node": {"accelerator_count": 1, key: value}})
    assert [(c.key, c.needs) for c in changes(old, new)] == [(f"node.{key}", DRIVERS)]
    assert drivers_to_restart(old, new)


@pytest.mark.parametrize(("low_w", "high_w"), [(200.0, 650.0), (250.0, 700.0)])
def test_caps_outside_those_of_the_simulated_accelerators_are_a_mistake(
    low_w: float, high_w: float
) -> None:
    plant = PlantConfig.model_validate({"accelerators": {"cap_min_w": low_w, "cap_max_w": high_w}})
    (mistake,) = shape_mistakes(NodeConfig(), plant)
    assert f"plant.accelerators {low_w:g} to {high_w:g}" in mistake
