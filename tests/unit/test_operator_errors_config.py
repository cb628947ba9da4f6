"""Each section of the configuration with a mistake in it, and the new commands: exact messages.

Each case goes through the command line: exit code 2, the message on stderr, nothing written.
"""

from pathlib import Path

import pytest

from flight import cli
from flight.config import NodeConfig
from flight.config_check import file_mistakes
from flight.core.section import Section
from flight.examples import default_config_path
from tests.system.flying import refused


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# By section: text, line, message.
SECTIONS = {
    "node": (
        "[node]\naccelerator_count = 9",
        2,
        "node.accelerator_count = 9: write 1 to 8",
    ),
    "cycle": (
        "[cycle]\nperiod_s = 0.5",
        2,
        "cycle: gap_s_max = 0.3 must be longer than period_s = 0.5",
    ),
    "judge": ("[judge]\nhold_s = -1", 2, "judge.hold_s = -1: write 0 to 5"),
    "guard": (
        "[guard]\n# too hot\n\nreflex_release_c = 83.0",
        4,
        (
            "guard: reflex_release_c = 83.0 must be below setpoint_c = 82.0: a reflex would be"
            " released into the heat that set it"
        ),
    ),
    "rails": (
        "[rails]\noff_time_s = 2.0",
        2,
        "rails: spurious_off_time_s = 1.0 must not be shorter than off_time_s = 2.0",
    ),
    "latch_up": (
        "[latch_up]\naux_current_a_max = 0.7",
        2,
        (
            "latch_up: aux_current_a_max = 0.7 must be above aux_current_a_nominal = 0.8: every"
            " rail would trip"
        ),
    ),
    "loop": (
        "loop.heater_on_c = 14.0",
        1,
        "loop: heater_on_c = 14.0 must be below heater_off_c = 13.0",
    ),
    "arbiter": (
        "[arbiter]\ncap_w_safe = 800.0",
        2,
        "arbiter: cap_w_safe = 800.0 must lie between cap_w_min = 200.0 and cap_w_max = 700.0",
    ),
    "ladder": (
        "[ladder]\nshed_ratio = 0.58",
        1,
        (
            "ladder: the rungs must fall, cap > shed > safe > survival, by at least"
            " hysteresis_ratio = 0.05; given 0.6, 0.58, 0.4, 0.25"
        ),
    ),
    "modes": (
        "[modes]\nboot_s = 90.0",
        2,
        "modes: boot_s = 90.0 must be shorter than boot_s_max = 60.0",
    ),
    "faults": (
        '[faults]\nguard_enabled = "sometimes"',
        2,
        "faults.guard_enabled = 'sometimes': write true or false",
    ),
    "recorder": (
        "[recorder]\ncommit_s = 0",
        2,
        "recorder.commit_s = 0: write above 0 and at most 60",
    ),
    "link": (
        "[link]\nport = 0",
        2,
        "link.port = 0: write 1 to 65535",
    ),
    "events": (
        "[events]\ninfo_per_s = 0.0",
        2,
        "events.info_per_s = 0.0: write above 0 and at most 10000",
    ),
    "time": (
        '[time]\ntrusted_source = "ntp"',
        2,
        "time.trusted_source = 'ntp': write 'kernel', 'system' or 'none'",
    ),
    "reflex": (
        "[reflex]\ncore_temp_c = 90.0",
        2,
        "reflex.core_temp_c 90 must be below guard.core_temp_c_max 87, else it comes too late",
    ),
    "buses": (
        "[buses]\ni2c_clock_hz = 200000",
        2,
        "buses.i2c_clock_hz = 200000: write 100000, 400000 or 1000000",
    ),
    "silicon": (
        "[silicon]\nmodule_current_a_max = 15.0",
        2,
        (
            "rails.module_current_a_max 15.6 must be below silicon.module_current_a_max 15: the"
            " part would trip before the daemon can tell why"
        ),
    ),
    "points": (
        '[points."eps.*"]\nperiod_s = 1.0\n',
        2,
        (
            'points."eps.*": age_s_max 0.5 is not above period_s 1 of eps.array_power_w: every'
            " sample would be stale"
        ),
    ),
    "supervision": ("[supervision]\nstall_s = 1.0", 2, "supervision.stall_s = 1.0: write 2 to 300"),
    "ephemeris": ("[ephemeris]\nrefresh_s = 1.0", 2, "ephemeris.refresh_s = 1.0: write 10 to 3600"),
    "workload": ("[workload]\nclients_max = 0", 2, "workload.clients_max = 0: write 1 to 256"),
    "accelerators": (
        "[accelerators]\nbanana = 1",
        2,
        "accelerators.banana: unknown key; known here: ",
    ),
    "trends": ("[trends]\nbanana = 1", 2, "trends.banana: unknown key; known here: "),
    "allotment_input": (
        "[allotment_input]\nbanana = 1",
        2,
        "allotment_input.banana: unknown key; known here: ",
    ),
    "plan_input": ("[plan_input]\nbanana = 1", 2, "plan_input.banana: unknown key; known here: "),
    "plant": (
        '[plant]\n[plant.orbit]\naltitude_km = "low"',
        3,
        "plant.orbit.altitude_km = 'low': write a plain number (the unit is part of the name)",
    ),
}

# What only the whole node tells: limits against parts, channels, drivers and budgets.
LIMITS = {
    "channel_cannot_read_it": (
        "[loop]\nsupply_temp_c_max = 119.0\n[points.'loop.supply_temp_c']\nhigh = 80.0",
        2,
        (
            "loop.supply_temp_c_max 119 is outside what loop.supply_temp_c can read, -60 to 80: it"
            " would never act"
        ),
    ),
    "driver_would_refuse_the_pump": (
        "[loop]\npump_speed_rpm_max = 7000.0",
        2,
        (
            "loop.pump_speed_rpm_max 7000 is outside what loop.pump_a.speed_target_rpm may be"
            " written, 0 to 6000: the driver would refuse it"
        ),
    ),
    "driver_would_refuse_the_clock": (
        "[arbiter]\nclock_max_mhz = 2100.0",
        2,
        (
            "arbiter.clock_max_mhz 2100 is outside what accel0.clock_max_mhz may be written, 210 to"
            " 1980: the driver would refuse it"
        ),
    ),
    "driver_would_refuse_the_smallest_cap": (
        '[points."accel3.cap_w"]\nwrite_low = 250.0\nsafe = 300.0',
        2,
        (
            'points."accel3.cap_w": write_low 250 is above arbiter.cap_w_min 200: the driver would'
            " refuse the smallest cap"
        ),
    ),
    "lease_lapses_in_service": (
        "[cycle]\nperiod_s = 0.25\n[points.'accel*.cap_w']\nlease_s = 0.5",
        4,
        (
            'points."accel*.cap_w": lease_s 0.5 of accel0.cap_w is not above 0.55, a cycle and its'
            " allowed lateness: it would lapse in service"
        ),
    ),
    "budget_holds_no_caps": (
        "[arbiter]\nnode_power_w_max = 2000.0",
        2,
        (
            "arbiter.node_power_w_max 2000 cannot hold 8 accelerators at arbiter.cap_w_min 200 and"
            " arbiter.overhead_w 480: write at least 2101"
        ),
    ),
    "reflex_opens_every_rail": (
        "[reflex]\naux_current_a = 0.7",
        2,
        (
            "latch_up.aux_current_a_nominal 0.8 must be below reflex.aux_current_a 0.7: the reflex"
            " would open every auxiliary rail"
        ),
    ),
}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [*SECTIONS.values(), *LIMITS.values()],
    ids=[*SECTIONS, *LIMITS],
)
def test_a_mistake_in_each_section_is_told_with_its_line(
    text: str, line: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("node.toml").write_text(text)
    lines = refused(capsys, "check", "node.toml")
    said, wanted = lines[0], f"node.toml:{line}: {message}"
    # The list of known keys grows with the section; what comes before it is exact.
    assert said.startswith(wanted) if message.endswith("known here: ") else said == wanted
    assert all("refuse the" in other or "safe" in other for other in lines[1:])


def test_each_section_of_the_configuration_has_its_mistake() -> None:
    assert set(SECTIONS) >= set(NodeConfig.model_fields), "add a case to SECTIONS"


def test_the_mistakes_of_all_stages_come_in_one_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """Value, rule across keys, part, driver, point, bus and plant: none hides another."""
    Path("node.toml").write_text(
        "[guard]\nsetpoint_c = 120.0\n"
        "[rails]\naux_zero_current_a = 0.9\nmodule_current_a_max = 30.0\n"
        "[loop]\npump_speed_rpm_max = 9000.0\n"
        '[points."accel9.cap_w"]\nhigh = 600.0\n'
        "[buses]\nserial_baud = 9600\n"
        "[plant.loop]\nnominal_speed = 1.0\n"
    )
    lines = refused(capsys, "check", "node.toml")
    assert [line.partition(" ")[0] for line in lines] == [
        "node.toml:2:",
        "node.toml:4:",
        "node.toml:5:",
        "node.toml:7:",
        "node.toml:8:",
        "node.toml:11:",  # the bus of loop
        "node.toml:11:",  # the bus of eps
        "node.toml:13:",
    ]


def test_a_list_that_is_too_short_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Found by tests/property/test_config_any_input.py: the place that lacks is no place."""
    Path("node.toml").write_text("[plant.host]\nrail_voltage_v = []\n")
    assert refused(capsys, "check", "node.toml") == [
        f"node.toml:2: plant.host.rail_voltage_v[{i}]: is missing and has no default"
        for i in range(4)
    ]


def test_what_only_follows_from_a_mistake_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With the set-point out, its default would collide with the other key: nobody wrote that."""
    Path("node.toml").write_text("[guard]\nsetpoint_c = 20.0\nover_temperature_c = 60.0\n")
    assert refused(capsys, "check", "node.toml") == [
        "node.toml:2: guard.setpoint_c = 20.0: write 40 to 95"
    ]


class PathsSection(Section):
    """[paths]: as a section that names files would be."""

    ca_file: str = ""
    password_file: str = ""
    state_dir: str = ""


@pytest.mark.parametrize(
    ("key", "path", "message"),
    [
        ("ca_file", "no.pem", "no.pem is not there, or cannot be read"),
        ("ca_file", "open", None),
        ("ca_file", "", None),
        ("password_file", "no", "no is not there"),
        ("password_file", "open", "open can be read by others: chmod 600 open"),
        ("password_file", "closed", None),
        ("state_dir", "open", "open is not a folder"),
        ("state_dir", "new/state", None),
    ],
)
def test_a_file_that_the_configuration_names_is_looked_at(
    key: str, path: str, message: str | None
) -> None:
    Path("open").write_text("x")
    Path("open").chmod(0o644)
    Path("closed").write_text("x")
    Path("closed").chmod(0o600)
    found = list(file_mistakes(PathsSection.model_validate({key: path}), "paths"))
    assert found == ([] if message is None else [f"paths.{key}: {message}"])


def test_a_scenario_is_checked_with_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Path("node.toml").write_text("[node]\nsimulated = true\n")
    Path("plan.toml").write_text(
        'title = "T"\nshows = "S."\n\n[[action]]\nat = "start"\ndo = "set_mood"\n'
    )
    assert refused(capsys, "check", "node.toml", "--scenario", "plan.toml") == [
        "plan.toml:6: action[0].do = 'set_mood': no such action; did you mean 'set_mode'?"
    ]


COMMANDS = {
    "check_nothing": (
        ["check"],
        "the following arguments are required: config (see: nightside check --help)",
    ),
    "check_no_file": (
        ["check", "no.toml"],
        "no.toml: no such config file; did you mean 'node.toml'?",
    ),
    "check_no_old_file": (
        ["check", "node.toml", "--diff", "old.toml"],
        "old.toml: no such config file",
    ),
    "init_over_a_file": (
        ["init", "node.toml"],
        "node.toml: is there already; name another file, or write over it with --force",
    ),
    "init_into_a_folder": (
        ["init", "folder"],
        "folder: is a folder; name a file, such as folder/node.toml",
    ),
    "init_where_no_folder_is": (
        ["init", "nowhere/node.toml"],
        "nowhere/node.toml: there is no folder nowhere; make it first",
    ),
    "dictionary_no_channel": (
        ["dictionary", "--channel", "accel3.core_temp"],
        "--channel 'accel3.core_temp': no such channel; did you mean 'accel3.core_temp_c'?",
    ),
    "dictionary_no_event": (
        ["dictionary", "--event", "loop.pump_lots"],
        "--event 'loop.pump_lots': no such event; did you mean 'loop.pump_lost'?",
    ),
    "dictionary_two_forms": (
        ["dictionary", "--json", "--hash"],
        "argument --hash: not allowed with argument --json (see: nightside dictionary --help)",
    ),
    "dictionary_no_folder": (
        ["dictionary", "--markdown", "pages"],
        "--markdown pages: is no folder; give one that exists",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), COMMANDS.values(), ids=COMMANDS)
def test_a_bad_command_line_is_answered_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder").mkdir()
    Path("node.toml").write_text("# mine\n")
    assert refused(capsys, *arguments) == [message]
    assert Path("node.toml").read_text() == "# mine\n"


def test_init_writes_the_reference_node_with_its_comments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from flight.config import config_hash, load_config

    assert cli.main(["init", "mine.toml"]) == 0
    assert "nightside check mine.toml" in capsys.readouterr().out
    written, shipped = Path("mine.toml").read_text(), default_config_path().read_text()
    assert written.replace("mine.toml", "examples/configs/ref1.toml") == shipped
    assert config_hash(load_config(Path("mine.toml"))) == config_hash(
        load_config(default_config_path())
    )
    assert cli.main(["check", "mine.toml"]) == 0
    Path("mine.toml").write_text("# changed\n")
    assert cli.main(["init", "mine.toml", "--force"]) == 0
    assert Path("mine.toml").read_text() == written


def test_the_cases_are_at_least_forty() -> None:
    from tests.unit import test_operator_errors as others

    cases = (SECTIONS, LIMITS, COMMANDS, others.CONFIGS, others.ORBITS, others.COMMANDS)
    assert sum(map(len, cases)) >= 40
