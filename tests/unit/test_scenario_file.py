"""Scenario files: what is accepted, and how every mistake is named."""

import tomllib
from pathlib import Path

import pytest

from flight.config import build_points, load_config
from flight.dictionary.channels import build_point_table
from flight.examples import default_config_path
from flight.operator_error import OperatorError
from sim_hw.fault_injector import SimulationInjector
from sim_hw.faults import FAULTS
from sim_hw.scenario import config_of, load_scenario, parse_scenario
from sim_hw.scenario_check import Dictionary
from sim_hw.scenario_toml import scenario_toml

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "scenarios").glob("*.toml"))
DICTIONARY = Dictionary(
    points=build_point_table(),
    commands={"set_mode": ("mode",), "node_budget": ("power_w",)},
    event_ids=("rail.opened", "rail.closed", "mode.changed"),
)
FAULT = {"id": "pump_a_stop", "at": "2600 s", "name": "pump_stop", "target": "pump_a"}
EXPECT = {"id": "cool", "point": "accel*.core_temp_c", "max": 87.0, "always": True}


def lines_of(dictionary=DICTIONARY, injectors=(), **tables):
    data = {"title": "t", "shows": "s", **tables}
    with pytest.raises(OperatorError) as error:
        parse_scenario(data, path="x.toml", dictionary=dictionary, injectors=injectors)
    return error.value.lines


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_good_scenario_of_the_node_that_it_is_meant_for(path):
    config = load_config(config_of(path) or default_config_path())
    points = Dictionary(points=build_points(config))
    scenario = load_scenario(path, points, (SimulationInjector(),))
    assert scenario.expect, "an example that expects nothing shows nothing"


def test_a_scenario_keeps_what_it_says():
    scenario = parse_scenario(
        {
            "title": "t",
            "shows": "s",
            "seed": 7,
            "start": {"charge_ratio": 0.5, "mode": "NOMINAL"},
            "fault": [{**FAULT, "parameters": {"torque_ratio": 0.1, "breaker_open": False}}],
            "action": [{"at": "1 s", "do": "set_mode", "parameters": {"mode": "SAFE"}}],
            "expect": [{**EXPECT, "from": "1 s", "until": "end"}],
        },
        dictionary=DICTIONARY,
    )
    assert scenario.start.mode == "NOMINAL"
    assert scenario.fault[0].parameters == {"torque_ratio": 0.1, "breaker_open": False}
    assert scenario.expect[0].until.anchor == "end"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"at": 2600}, "fault[0] (pump_a_stop).at = 2600: a time needs a unit; write '2600 s'"),
        ({"at": "2600"}, "'2600' has no unit; write '2600 s'"),
        ({"at": "eclips_exit + 1 s"}, "did you mean 'eclipse_exit'?"),
        ({"name": "pump_stp"}, ".name = 'pump_stp': no such fault; did you mean 'pump_stop'?"),
        ({"target": "pump_c"}, ".target = 'pump_c': pump_stop strikes pump_[ab]"),
        ({"parameters": {"torque": 0.0}}, "did you mean 'torque_ratio'?"),
        ({"parameters": {"torque_ratio": 2.0}}, "torque_ratio = 2.0: write 0 to 1"),
        ({"parameters": {"breaker_open": 1.0}}, "breaker_open = 1.0: write true or false"),
        ({"parameters": {"duration_s": -1.0}}, "duration_s = -1.0: write 0.001 to 864000 (s)"),
        ({"tagret": "pump_a"}, "tagret: unknown key; did you mean 'target'?"),
        ({"id": "eclipse_exit"}, "is the name of an orbital event; choose another"),
        ({"at": "pump_a_stop + 1 s"}, "leans on itself; give one fault a fixed time"),
    ],
)
def test_a_mistake_in_a_fault_is_named(fault, message):
    lines = lines_of(fault=[{**FAULT, **fault}])
    assert lines[0].startswith("x.toml: fault[0]")
    assert message in lines[0]


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("sensor_stuck", "accel2.core_tmp_c", "no such point; did you mean 'accel2.core_temp_c'?"),
        ("sensor_stuck", "accel2.cap_w", "is a setting, not a sensor"),
        ("latch_up", "accel3_54v", "latch_up strikes accel[0-7]_aux, such as 'accel3_aux'"),
        ("i2c_nack", "rails_a", "i2c_nack strikes accel[0-7]_54v or accel[0-7]_aux or payload_54v"),
        ("daemon_stall", "deamon", "did you mean 'daemon'?"),
    ],
)
def test_a_wrong_target_is_named_with_what_the_fault_strikes(name, target, message):
    assert message in lines_of(fault=[{**FAULT, "name": name, "target": target}])[0]


def test_a_missing_parameter_is_named():
    spike = {**FAULT, "name": "sensor_spike", "target": "accel2.core_temp_c"}
    assert "parameters.value: is missing; sensor_spike needs it" in lines_of(fault=[spike])[0]


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ({"point": "accel*.core_tmp_c"}, "no point has this name"),
        ({"point": None}, "give exactly one of point, event and back_to"),
        ({"back_to": "NOMINAL"}, "give exactly one of point, event and back_to"),
        ({"point": None, "back_to": "NOMINAL"}, "back_to has no subject, min and max"),
        ({"max": None}, "give min, max or both"),
        ({"min": 90.0}, "min 90 is above max 87"),
        ({"always": False}, "give exactly one of at, after (with within_s) and always = true"),
        ({"always": False, "after": "1 s"}, "after and within_s go together"),
        ({"hold_s": 1.0}, "hold_s has no meaning with always = true"),
        ({"stat": "mean"}, "write 'all', 'any', 'max', 'min' or 'sum'"),
        ({"subject": "accel3"}, "subject belongs to an event, not to a point"),
        ({"point": None, "event": "rail.open", "max": None}, "did you mean 'rail.opened'?"),
    ],
)
def test_a_mistake_in_an_expectation_is_named(expect, message):
    entry = {k: v for k, v in {**EXPECT, **expect}.items() if v is not None}
    lines = lines_of(expect=[entry])
    assert lines[0].startswith("x.toml: expect[0] (cool)")
    assert message in lines[0]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"do": "set_mod"}, "no such action; did you mean 'set_mode'?"),
        ({"do": "set_mode", "parameters": {"mod": "SAFE"}}, "did you mean 'mode'?"),
        ({"do": "workload", "parameters": {"kind": "burst"}}, "did you mean 'bursty'?"),
        ({"do": "workload", "parameters": {"utilisation_ratio": 2.0}}, "write 0 to 1"),
        ({"do": "workload", "parameters": {"kind": "trace"}}, "a trace needs its file"),
        ({"do": "link_window"}, "parameters.open: write true or false"),
    ],
)
def test_a_mistake_in_an_action_is_named(action, message):
    assert message in lines_of(action=[{"at": "1 s", **action}])[0]


def test_two_things_with_one_id_are_refused():
    lines = lines_of(fault=[FAULT, FAULT], expect=[EXPECT, EXPECT])
    assert [line.split(":")[1].strip() for line in lines] == [
        "fault[1] (pump_a_stop).id = 'pump_a_stop'",
        "expect[1] (cool).id = 'cool'",
    ]


def test_all_mistakes_are_told_at_once():
    wrong = {**FAULT, "target": "pump_c"}
    assert (
        len(lines_of(fault=[wrong, {**wrong, "id": "two"}], expect=[{**EXPECT, "point": "q"}])) == 3
    )


def test_what_a_back_end_cannot_inject_is_refused_by_name():
    class Bench:
        def can_inject(self, name, target):
            return f"the bench has no actuator for {target}" if name == "pump_stop" else None

    lines = lines_of(fault=[FAULT], injectors=[Bench()])
    assert "pump_stop cannot be injected: the bench has no actuator for pump_a" in lines[0]


def test_the_simulation_refuses_a_sensor_fault_where_there_is_no_sensor():
    computed = {**FAULT, "name": "sensor_stuck", "target": "accel2.margin_c"}
    lines = lines_of(fault=[computed], injectors=[SimulationInjector()])
    assert "accel2.margin_c has no sensor of its own" in lines[0]


@pytest.mark.parametrize("kind", FAULTS.values(), ids=lambda kind: kind.name)
def test_every_fault_can_be_written_as_its_catalogue_says(kind):
    needed = {p.name: 1.0 for p in kind.parameters if p.default is None}
    entry = {
        "id": "it",
        "at": "1 s",
        "name": kind.name,
        "target": kind.example,
        "parameters": needed,
    }
    scenario = parse_scenario(
        {"title": "t", "shows": "s", "fault": [entry]},
        dictionary=DICTIONARY,
        injectors=[SimulationInjector()],
    )
    assert scenario.fault[0].name == kind.name


def test_a_scenario_written_as_text_reads_back_the_same():
    data = {
        "title": 'a "quoted" title',
        "shows": "two\nlines",
        "seed": 3,
        "start": {"charge_ratio": 0.5},
        "fault": [{**FAULT, "parameters": {"torque_ratio": 0.1, "breaker_open": True}}],
        "expect": [EXPECT],
    }
    assert tomllib.loads(scenario_toml(data)) == data
