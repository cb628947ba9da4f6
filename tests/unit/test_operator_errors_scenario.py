"""What a person gets wrong in a scenario, and what Nightside says: file, key, value, mend."""

from pathlib import Path

import pytest

from flight.examples import examples_dir
from tests.system.flying import refused

TITLE = 'title = "T"\nshows = "S."\n'


def fault(
    name: str = "pump_stop",
    target: str = "pump_a",
    *,
    at: str = '"10 s"',
    more: str = "",
    identifier: str = "f",
) -> str:
    """Return a [[fault]] table."""
    return (
        f'[[fault]]\nid = "{identifier}"\nat = {at}\nname = "{name}"\ntarget = "{target}"\n{more}\n'
    )


def expect(text: str) -> str:
    return f'{TITLE}[[expect]]\nid = "e"\n{text}\n'


def action(text: str) -> str:
    return f'{TITLE}[[action]]\nat = "10 s"\n{text}\n'


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


SCENARIOS = {
    "unknown_fault": (
        TITLE + fault("pump_stopp"),
        "fault[0] (f).name = 'pump_stopp': no such fault; did you mean 'pump_stop'?",
    ),
    "wrong_target": (
        TITLE + fault(target="pump_c"),
        (
            "fault[0] (f).target = 'pump_c': pump_stop strikes pump_[ab], such as 'pump_a';"
            " did you mean 'pump_a'?"
        ),
    ),
    "unknown_point_of_a_sensor_fault": (
        TITLE + fault("sensor_stuck", "accel3.core_temp"),
        (
            "fault[0] (f).target = 'accel3.core_temp': no such point;"
            " did you mean 'accel3.core_temp_c'?"
        ),
    ),
    "a_setting_has_no_sensor": (
        TITLE + fault("sensor_stuck", "accel3.cap_w"),
        (
            "fault[0] (f).target = 'accel3.cap_w': is a setting, not a sensor; sensor_stuck"
            " strikes a sensor such as 'accel2.core_temp_c'"
        ),
    ),
    "parameter_out_of_range": (
        TITLE + fault(more="parameters = { torque_ratio = 1.5 }"),
        "fault[0] (f).parameters.torque_ratio = 1.5: write 0 to 1",
    ),
    "parameter_of_the_wrong_type": (
        TITLE + fault(more="parameters = { breaker_open = 0.5 }"),
        "fault[0] (f).parameters.breaker_open = 0.5: write true or false",
    ),
    "parameter_in_quotes": (
        TITLE + fault(more='parameters = { torque_ratio = "half" }'),
        (
            "fault[0] (f).parameters.torque_ratio = 'half': write a plain number (the unit is"
            " part of the name)"
        ),
    ),
    "unknown_parameter": (
        TITLE + fault(more="parameters = { torque = 0.5 }"),
        (
            "fault[0] (f).parameters.torque = 0.5: pump_stop has no such parameter;"
            " did you mean 'torque_ratio'?"
        ),
    ),
    "missing_parameter": (
        TITLE + fault("sensor_spike", "accel3.power_w"),
        (
            "fault[0] (f).parameters.value: is missing; sensor_spike needs it: what that sample"
            " reports (of the point)"
        ),
    ),
    "bad_time": (
        TITLE + fault(at='"ten past two"'),
        (
            "fault[0] (f).at = 'ten past two': 'past two' is no time; write '2600 s', '43 min',"
            " 'eclipse_exit + 60 s' or 'pump_a_stop + 10 s'"
        ),
    ),
    "time_without_a_unit": (
        TITLE + fault(at="10"),
        "fault[0] (f).at = 10: a time needs a unit; write '10 s'",
    ),
    "unknown_anchor": (
        TITLE + fault(at='"moonrise + 10 s"'),
        (
            "fault[0] (f).at = 'moonrise + 10 s': 'moonrise' is neither an orbital event nor the"
            " id of a fault; known are start, end, eclipse_entry, eclipse_exit, f"
        ),
    ),
    "an_eclipse_that_does_not_happen": (
        TITLE + fault(at='"eclipse_exit[9] + 5 s"'),
        (
            "fault[0] (f).at: 'eclipse_exit[9] + 5 s': this run has 1 eclipse_exit, so"
            " eclipse_exit[9] does not happen; fly longer"
        ),
    ),
    "too_late": (
        TITLE + 'duration = "100 s"\n' + fault(at='"6000000 ms"'),
        "fault[0] (f).at = '6000000 ms': reaches to 6000 s, but the run ends at 100 s; fly longer",
    ),
    "bad_duration": (
        TITLE + 'duration = "a while"\n',
        "duration 'a while': is not a duration; write e.g. 5400s, 90min, 3d or 1orbit",
    ),
    "duplicate_id": (
        TITLE + fault() + fault("string_loss", "string1"),
        "fault[1] (f).id = 'f': another one has this id; give each its own",
    ),
    "bad_id": (
        TITLE + fault(identifier="Pump A"),
        "fault[0] (Pump A).id = 'Pump A': write lower-case letters, digits and _, such as 'pump_a'",
    ),
    "one_bracket": (
        TITLE + fault().replace("[[fault]]", "[fault]"),
        "fault: is a list of tables; write [[fault]] with two brackets before each",
    ),
    "unknown_point": (
        expect('point = "accel0.core_tmp_c"\nmax = 87.0\nat = "10 s"'),
        (
            "expect[0] (e).point = 'accel0.core_tmp_c': no point has this name;"
            " did you mean 'accel0.core_temp_c'?"
        ),
    ),
    "min_above_max": (
        expect('point = "accel0.core_temp_c"\nmin = 90.0\nmax = 20.0\nat = "10 s"'),
        "expect[0] (e): min 90 is above max 20",
    ),
    "no_bound": (
        expect('point = "accel0.core_temp_c"\nat = "10 s"'),
        "expect[0] (e): give min, max or both",
    ),
    "no_time": (
        expect('point = "accel0.core_temp_c"\nmax = 87.0'),
        "expect[0] (e): give exactly one of at, after (with within_s) and always = true",
    ),
    "unknown_event": (
        expect('event = "rail.latchup"\nafter = "10 s"\nwithin_s = 3.0'),
        "expect[0] (e).event = 'rail.latchup': no event has this id; did you mean 'rail.latch_up'?",
    ),
    "unknown_command": (
        action('do = "set_mod"'),
        "action[0].do = 'set_mod': no such action; did you mean 'set_mode'?",
    ),
    "unknown_argument": (
        action('do = "set_mode"\nparameters = { mod = "SAFE" }'),
        "action[0].parameters.mod = 'SAFE': set_mode has no such parameter; did you mean 'mode'?",
    ),
    "unknown_workload": (
        action('do = "workload"\nparameters = { kind = "bursti" }'),
        "action[0].parameters.kind = 'bursti': no such workload; did you mean 'bursty'?",
    ),
    "workload_out_of_range": (
        action('do = "workload"\nparameters = { kind = "training", step_s = 0.1 }'),
        "action[0].parameters.step_s = 0.1: write 0.6 to 600",
    ),
    "workload_of_another_kind": (
        action('do = "workload"\nparameters = { kind = "constant", step_s = 3.0 }'),
        "action[0].parameters.step_s = 3.0: a constant workload takes utilisation_ratio",
    ),
    "mode_to_start_in": (
        TITLE + '[start]\nmode = "DEGRADED"\n',
        "start.mode = 'DEGRADED': write 'STANDBY', 'NOMINAL' or 'SAFE'",
    ),
    "start_too_hot": (
        TITLE + "[start]\ntemp_c = 300.0\n",
        "start.temp_c = 300.0: write -20 to 80",
    ),
    "nothing_shown": (
        'title = "T"\n',
        "shows: is missing and has no default",
    ),
}


@pytest.mark.parametrize(("text", "message"), SCENARIOS.values(), ids=SCENARIOS)
def test_a_bad_scenario_is_named_with_key_value_and_mend(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("plan.toml").write_text(text)
    assert refused(capsys, "sim", "--scenario", "plan.toml") == [f"plan.toml: {message}"]


def test_a_bad_workload_trace_is_found_before_the_flight(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("plan.toml").write_text(
        action('do = "workload"\nparameters = { kind = "trace", file = "load.csv" }')
    )
    missing = "load.csv: cannot be read as a workload trace: No such file or directory"
    assert refused(capsys, "sim", "--scenario", "plan.toml") == [missing]
    Path("load.csv").write_text("time_s,load\n0,0.5\n10,1.5\n")
    config = str(examples_dir() / "configs" / "ref1.toml")
    wrong = "load.csv: line 3: load 1.5 is outside 0 to 1"
    assert refused(capsys, "check", config, "--scenario", "plan.toml") == [wrong]
