"""Nodes of other kinds than REF-1: without a loop, without a power system of their own, smaller."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flight import cli
from flight.config import NodeConfig, build_points, load_config
from flight.core.config import CoreConfig
from flight.core.step import compile_config
from flight.core.types import Allotment, Command, Mode, Severity
from flight.dictionary.channels import build_point_table
from flight.examples import config_path, node_names
from flight.fault_table import rows
from flight.node import build_hal_specs
from flight.operator_error import OperatorError
from hal import BusHandle, NvmlDevice
from sim_hw.fault_injector import SimulationInjector
from sim_hw.fly import dictionary_of, load_plant_config
from sim_hw.scenario import parse_scenario
from sim_hw.spacecraft import Spacecraft
from tests.core_node import Node
from tests.system.flying import refused

FOR_EVER_NS = 10**18
NS_PER_S = 1_000_000_000


class Shape(NamedTuple):
    """What a kind of node has, and what nothing of it may speak of."""

    eps: bool
    loop: bool
    absent: tuple[str, ...]


OF_LOOP = ("loop", "pump", "plate")
OF_POWER = ("string", "battery", "charge", "array", "eps.cold", "sunlit")
SHAPES = {
    "own power, loop": Shape(True, True, ()),
    "own power, conduction": Shape(True, False, OF_LOOP),
    "allotment, loop": Shape(False, True, OF_POWER),
    "allotment, conduction": Shape(False, False, OF_LOOP + OF_POWER),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("count", [1, 5, 8])
def test_nothing_speaks_of_what_a_node_has_not(name: str, count: int) -> None:
    shape = SHAPES[name]
    table = build_point_table(count, eps=shape.eps, loop=shape.loop)
    monitors = compile_config(CoreConfig(), table).monitors
    said = [point.name for point in table]
    said += [f"{fault.event_id} {fault.subject}" for fault in monitors.faults]
    said += [*monitors.signals, *monitors.conditions]
    spoken = [text for text in said for word in shape.absent if word in text]
    assert spoken == []
    assert any("rail.latch_up accel0_aux" in text for text in said)
    for word in (*OF_LOOP, *OF_POWER):
        assert word in shape.absent or any(word in text for text in said), word


@pytest.mark.parametrize("name", SHAPES)
def test_each_kind_boots_works_and_is_well(name: str) -> None:
    shape = SHAPES[name]
    node = Node(table=build_point_table(2, eps=shape.eps, loop=shape.loop))
    node.allotment = Allotment(7000.0, 7000.0, FOR_EVER_NS)
    decision = node.fly(60.0)
    assert decision.mode is Mode.NOMINAL
    assert decision.cap_w == (700.0, 700.0)
    told = [e.event_id for e in node.events if e.severity >= Severity.WARNING]
    assert told == ["payload.off"]  # as it was found


@pytest.mark.parametrize("name", SHAPES)
def test_overhead_falls_again_with_what_the_node_has(name: str) -> None:
    """A meter that the node does not have at all is not a meter that is lost."""
    shape = SHAPES[name]
    node = Node(table=build_point_table(2, eps=shape.eps, loop=shape.loop))
    node.allotment = Allotment(1500.0, 1500.0, FOR_EVER_NS)
    node.forced = {"rail.host_12v.current_a": 60.0}
    node.fly(60.0)
    high_w = node.state.overhead_w
    node.forced = {}
    node.fly(20.0)
    assert high_w > 700.0
    assert node.state.overhead_w == pytest.approx(CoreConfig().arbiter.overhead_w, abs=5.0)


def test_without_a_grant_a_fed_node_has_its_fallback_from_the_start() -> None:
    node = Node(table=build_point_table(8, eps=False))
    decision = node.fly(60.0)
    fallback_w = CoreConfig().arbiter.allotment_fallback_w
    assert decision.mode is Mode.NOMINAL
    assert 8 * 200.0 <= sum(decision.cap_w) <= fallback_w - 480.0
    assert set(decision.cap_reason) == {"allotment"}
    assert node.ids().count("eps.allotment_lapsed") == 1


def test_a_grant_that_ends_is_told_and_falls_back_and_comes_again() -> None:
    node = Node(table=build_point_table(8, eps=False))
    node.allotment = Allotment(6000.0, 5000.0, 80 * NS_PER_S)  # heat is what binds
    node.fly(65.0)
    assert sum(node.fly(1.0).cap_w) == pytest.approx(5000.0 * 0.99 - 480.0, abs=1.0)
    node.events.clear()
    node.fly(6.0)
    assert node.ids() == ["eps.allotment_lapsed"]
    assert sum(node.fly(0.1).cap_w) <= 2200.0 - 480.0
    node.allotment = Allotment(6000.0, 6000.0, FOR_EVER_NS)
    node.fly(30.0)
    assert "eps.allotment_lapsed.cleared" in node.ids()
    assert sum(node.fly(0.1).cap_w) > 5000.0


def test_a_node_without_a_loop_goes_to_safe_and_back() -> None:
    node = Node(table=build_point_table(1, loop=False))
    node.fly(40.0)
    node.cycle(Command("a", "set_mode", (("mode", "SAFE"),)))
    node.fly(10.0)
    assert node.set_points["rail.accel0_54v.enable"] == 0.0
    node.cycle(Command("b", "set_mode", (("mode", "STANDBY"),)))
    node.cycle(Command("c", "set_mode", (("mode", "NOMINAL"),)))
    assert node.fly(40.0).cap_w == (700.0,)


class Hardware:
    """Stands for buses and accelerators that are never opened."""

    def bus(self, driver: str) -> BusHandle:
        return BusHandle(ops_address=1, ctx_address=1)

    def accelerator(self, index: int) -> NvmlDevice:
        return NvmlDevice(library_path="/lib", pci_bus_id=f"{index}", uuid=f"GPU-{index}")


@pytest.mark.parametrize(
    ("name", "drivers", "reflexes", "top_w"),
    [
        ("ref1", "rails_a rails_b rails_host loop eps host", 2, 700.0 * 1.55),
        ("ai1", "rails_a rails_b rails_host loop eps host", 2, 700.0 * 1.55),
        ("edge", "rails_a rails_host eps host", 1, 60.0 * 1.55),
    ],
)
def test_drivers_and_reflexes_follow_the_configuration(
    name: str, drivers: str, reflexes: int, top_w: float
) -> None:
    config = load_config(config_path(name))
    table = build_points(config)
    specs = build_hal_specs(config, table, Hardware())
    by_name = {driver.name: driver for driver in specs.drivers}
    assert [n for n in by_name if not n.startswith("accel")] == drivers.split()
    assert len(by_name["accel0"].reflexes) == reflexes
    power = table.index["rail.accel0_54v.power_w"]
    mask = [rule.threshold for rule in by_name["rails_a"].reflexes if rule.point == power]
    assert max(mask) == pytest.approx(top_w)


def test_the_table_of_faults_is_that_of_the_node() -> None:
    ids = {name: {row.id for row in rows(load_config(config_path(name)))} for name in node_names()}
    assert "loop.pump_lost" not in ids["edge"]
    assert "charge.rung_down" in ids["edge"]
    assert "charge.rung_down" not in ids["ai1"]
    assert {"loop.pump_lost", "eps.allotment_lapsed", "eps.bus54_low"} <= ids["ai1"]


@pytest.mark.parametrize("name", node_names())
def test_each_example_is_good_and_can_be_begun_with(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "node.toml"
    assert cli.main(["init", str(path), "--node", name]) == 0
    assert f"nightside check {path}" in path.read_text()
    assert cli.main(["check", str(path)]) == 0
    assert f"{path}: good: " in capsys.readouterr().out
    assert load_config(path).model_copy() == load_config(config_path(name))


@pytest.mark.parametrize("name", node_names())
def test_a_configuration_that_was_written_down_whole_is_read_again(name: str) -> None:
    """As a recording has it; [plant], which a replay does not read, holds times of TOML."""
    config = load_config(config_path(name)).model_copy(update={"plant": {}})
    assert NodeConfig.model_validate(config.model_dump(mode="json")) == config


def test_one_accelerator_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(config_path("edge"))]) == 0
    assert ": good: 1 accelerator, " in capsys.readouterr().out


REFUSED: dict[str, tuple[str, str]] = {
    "many on straps": (
        '[node]\naccelerator_count = 5\ncooling = "conduction"\n',
        (
            'node: cooling = "conduction" with accelerator_count = 5: at most 4 share one rail bus'
            ' and one radiator; write cooling = "loop"'
        ),
    ),
    "waits for coolant": (
        (
            '[node]\naccelerator_count = 1\ncooling = "conduction"\n'
            '[rails.depends]\npayload_54v = []\naccel_aux = ["coolant_flow", "payload_54v"]\n'
            'accel_54v = ["payload_54v", "accel_aux"]\n'
        ),
        (
            "rails.depends.accel_aux: names coolant_flow, which a node with "
            'node.cooling = "conduction" does not have: take it out'
        ),
    ),
    "another loop is simulated": (
        '[node]\naccelerator_count = 1\nsimulated = true\ncooling = "conduction"\n',
        (
            'plant.loop.enabled = true: node.cooling = "conduction" needs false: '
            "the simulated hardware must be of the kind that is flown"
        ),
    ),
    "another power system is simulated": (
        '[node]\nsimulated = true\npower_system = "allotment"\n',
        (
            'plant.battery.enabled = true: node.power_system = "allotment" needs false: '
            "the simulated hardware must be of the kind that is flown"
        ),
    ),
    "an array without a battery": (
        "[node]\nsimulated = true\n[plant.battery]\nenabled = false\n",
        "array.enabled = true with battery.enabled = false: a node has both, or its spacecraft has",
    ),
    "caps that no simulated accelerator takes": (
        "[node]\nsimulated = true\n[plant.accelerators]\ncap_min_w = 250.0\n",
        (
            "arbiter.cap_w_min 200 and cap_w_max 700 are outside what the simulated accelerators "
            "accept, plant.accelerators 250 to 700"
        ),
    ),
    "a cooling that does not exist": (
        '[node]\ncooling = "air"\n',
        "node.cooling = 'air': write 'loop' or 'conduction'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_combination_that_cannot_be_is_refused_in_one_line(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text, message = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    Path("node.toml").write_text(text)
    lines = refused(capsys, "check", "node.toml")
    assert len(lines) == 1
    assert lines[0].startswith("node.toml:")
    assert message in lines[0]


def scenario(node: str, **tables: Any) -> list[str]:
    """Check a scenario for one of the example nodes; return the mistakes."""
    dictionary = dictionary_of(load_config(config_path(node)))
    data = {"title": "t", "shows": "s", **tables}
    try:
        parse_scenario(
            data, path="x.toml", dictionary=dictionary, injectors=(SimulationInjector(),)
        )
    except OperatorError as error:
        return list(error.lines)
    return []


@pytest.mark.parametrize(
    ("node", "name", "target", "parameters"),
    [
        ("edge", "pump_stop", "pump_a", {}),
        ("edge", "latch_up", "accel3_aux", {}),
        ("edge", "controller_silent", "loop", {}),
        ("ai1", "string_loss", "string2", {}),
        ("edge", "bypass_stuck", "bypass", {}),
        ("edge", "plate_blocked", "plate0", {}),
        ("edge", "heater_stuck", "heater_a", {}),
        ("edge", "coolant_leak", "loop", {}),
        ("ai1", "cell_short", "cell5", {}),
        ("ai1", "strands_open", "battery", {}),
        ("ai1", "array_off_pointing", "array", {}),
    ],
)
def test_a_fault_of_a_part_that_the_node_has_not_is_refused(
    node: str, name: str, target: str, parameters: dict[str, float]
) -> None:
    fault = {"id": "x", "at": "1 s", "name": name, "target": target, "parameters": parameters}
    expected = f"x.toml: fault[0] (x).target = '{target}': this node has no such part"
    assert scenario(node, fault=[fault]) == [expected]
    assert scenario("ref1", fault=[fault]) == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, ".power_w: is missing; say what is granted, in W"),
        ({"power_w": -1.0}, ".power_w = -1.0: write a number of watts up to 1e6"),
        ({"power_w": 1.0, "valid_s": 0.0}, ".valid_s = 0.0: write a number of seconds up to 1e6"),
        ({"power_w": 1.0, "watts": 1.0}, ".watts = 1.0: allotment has no such parameter"),
    ],
)
def test_a_grant_that_cannot_be_is_refused(parameters: dict[str, float], message: str) -> None:
    lines = scenario("ai1", action=[{"at": "1 s", "do": "allotment", "parameters": parameters}])
    assert len(lines) == 1
    assert message in lines[0]


def test_a_spacecraft_grants_in_its_rhythm_until_it_is_told_otherwise() -> None:
    spacecraft = Spacecraft()
    assert spacecraft.grant(0) is None
    spacecraft.order({"power_w": 4800.0, "valid_s": 90.0, "every_s": 60.0}, 5 * NS_PER_S)
    given = {t: spacecraft.grant(t * NS_PER_S) for t in range(5, 130)}
    assert [t for t, grant in given.items() if grant] == [5, 65, 125]
    assert given[65] == Allotment(4800.0, 4800.0, 155 * NS_PER_S)
    spacecraft.order({"power_w": 2000.0, "heat_w": 1500.0, "every_s": 0.0}, 130 * NS_PER_S)
    given = {t: spacecraft.grant(t * NS_PER_S) for t in range(130, 400)}
    assert {t: grant for t, grant in given.items() if grant} == {
        130: Allotment(2000.0, 1500.0, 220 * NS_PER_S)
    }


def test_the_shipped_plants_are_of_the_kind_that_is_flown() -> None:
    for name in node_names():
        path = config_path(name)
        config: NodeConfig = load_config(path)
        plant = load_plant_config(config, path)
        assert plant.loop.enabled is config.node.has_loop
        assert plant.battery.enabled is config.node.has_power_system
