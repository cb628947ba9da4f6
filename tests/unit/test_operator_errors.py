"""What a person gets wrong, and what Nightside says: file, key, value, and what would be right.

Each case goes through the command line: exit code 2, the message on stderr, nothing flown.
"""

import shutil
from pathlib import Path

import pytest

from flight.examples import examples_dir
from sim_hw.fly_output import prepare_folder
from tests.system.flying import refused

TITLE = 'title = "T"\nshows = "S."\n'
LINE_1 = "1 28057U 03049A   06177.78615833  .00000060  00000-0  35940-4 0  1836\n"
LINE_2 = "2 28057  98.4283 247.6961 0000884  88.1964 271.9322 14.35478080140550\n"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


CONFIGS = {
    "unknown_key": (
        "[guard]\nsetpiont_c = 80.0",
        "guard.setpiont_c: unknown key; did you mean 'setpoint_c'?",
    ),
    "unknown_table": (
        "[gaurd]\nsetpoint_c = 80.0",
        "gaurd: unknown key; did you mean 'guard'?",
        ":1",
    ),
    "unknown_key_like_nothing": (
        "[recorder]\nbanana = 1",
        "recorder.banana: unknown key; known here: commit_s, enabled, quota_mib",
    ),
    "unit_in_the_value": (
        '[guard]\nsetpoint_c = "82 degC"',
        "guard.setpoint_c = '82 degC': write a plain number (the unit is part of the name)",
    ),
    "not_a_number_at_all": (
        "[guard]\nsetpoint_c = nan",
        "guard.setpoint_c = nan: write a finite number",
    ),
    "not_whole": (
        "[rails]\nretry_count_max = 2.5",
        "rails.retry_count_max = 2.5: write a whole number",
    ),
    "not_a_switch": (
        '[recorder]\nenabled = "perhaps"',
        "recorder.enabled = 'perhaps': write true or false",
    ),
    "not_text": (
        "[node]\nfleet = 7",
        "node.fleet = 7: write text in quotes",
    ),
    "bad_name": (
        '[node]\nname = "Node 1"',
        "node.name = 'Node 1': write lower-case letters, digits and _, such as 'node_1'",
    ),
    "not_a_mode": (
        '[modes]\nautostart_mode = "DEGRADED"',
        "modes.autostart_mode = 'DEGRADED': write 'STANDBY', 'NOMINAL' or 'SAFE'",
    ),
    "not_a_table": (
        "guard = 3",
        "guard = 3: is a table; write [guard] and its keys below it",
        ":1",
    ),
    "too_high": (
        "[guard]\nsetpoint_c = 120.0",
        "guard.setpoint_c = 120.0: write 40 to 95",
    ),
    "too_low": (
        "[ladder]\ncap_w = 0.0",
        "ladder.cap_w = 0.0: write 1 to 5000",
    ),
    "open_range": (
        "[silicon]\naux_current_a_max = 0.0",
        "silicon.aux_current_a_max = 0.0: write above 0 and at most 10",
    ),
    "impossible_in_one_table": (
        "[guard]\nsetpoint_c = 86.5",
        (
            "guard: setpoint_c = 86.5 must be below over_temperature_c = 86.0: the guard would"
            " regulate to a switch-off"
        ),
    ),
    "impossible_across_tables": (
        "[reflex]\ncore_temp_c = 81.0",
        (
            "reflex.core_temp_c 81 must be above guard.setpoint_c 82, else the reflex does the"
            " guard's work"
        ),
    ),
    "too_slow_for_s5": (
        "[latch_up]\nconfirm_s = 0.5",
        (
            "[latch_up] confirm_s = 0.5 with [cycle] period_s = 0.1 needs more than two samples:"
            " the rail would open later than 250 ms (S5)"
        ),
    ),
    "unknown_point": (
        '[points."accel9.cap_w"]\nhigh = 600.0',
        "points.\"accel9.cap_w\": no such point; did you mean 'accel7.cap_w'?",
        ":1",
    ),
    "unknown_key_of_a_point": (
        '[points."accel0.cap_w"]\nlease = 1.0',
        "points.\"accel0.cap_w\".lease: unknown key; did you mean 'lease_s'?",
    ),
    "read_only_point": (
        '[points."accel0.core_temp_c"]\nsafe = 20.0',
        'points."accel0.core_temp_c": accel0.core_temp_c is read-only, safe cannot apply',
    ),
    "unsafe_safe_value": (
        '[points."accel0.cap_w"]\nsafe = 100.0',
        'points."accel0.cap_w": accel0.cap_w: safe 100 is outside 200 to 700',
    ),
    "empty_range_of_a_point": (
        '[points."accel0.core_temp_c"]\nlow = 50.0\nhigh = 40.0',
        'points."accel0.core_temp_c": accel0.core_temp_c: low 50 is not below high 40',
    ),
    "plant": (
        "[plant.loop]\nnominal_speed = 1.0",
        "plant.loop.nominal_speed: unknown key; did you mean 'nominal_speed_rpm'?",
    ),
    "not_toml": (
        "[guard\nsetpoint_c = 80.0",
        "is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 7)",
        "",
    ),
}


@pytest.mark.parametrize("case", CONFIGS.values(), ids=CONFIGS)
def test_a_bad_config_is_named_with_line_key_value_and_mend(
    case: tuple[str, str] | tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    text, message, line = (*case, ":2")[:3]  # where in the file; ":2", the line below a header
    Path("node.toml").write_text(text)
    assert refused(capsys, "check", "node.toml") == [f"node.toml{line}: {message}"]
    assert refused(capsys, "sim", "node.toml") == [f"node.toml{line}: {message}"]


def test_every_mistake_of_a_config_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("node.toml").write_text("[guard]\nsetpoint_c = 120.0\n[loop]\nlead_pump = 1\n")
    assert refused(capsys, "check", "node.toml") == [
        "node.toml:2: guard.setpoint_c = 120.0: write 40 to 95",
        "node.toml:4: loop.lead_pump = 1: write 'a' or 'b'",
    ]


@pytest.mark.parametrize("what", ["config", "scenario"])
def test_a_file_that_cannot_be_read_is_named(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sim"] if what == "config" else ["sim", "--scenario"]
    Path("folder").mkdir()
    Path("picture.toml").write_bytes(b"\x89PNG\xff")
    near = "; did you mean 'picture.toml'?"
    assert refused(capsys, *command, "pictures.toml") == [
        f"pictures.toml: no such {what} file{near}"
    ]
    assert refused(capsys, *command, "folder") == [f"folder: is a folder, not a {what} file"]
    assert refused(capsys, *command, "picture.toml") == [
        f"picture.toml: is not text, so it cannot be a {what} file"
    ]


ORBITS = {
    "checksum": (
        LINE_1[:-2] + "9\n" + LINE_2,
        "line 1: checksum is '9', the line adds up to 6; restore the line from its source",
    ),
    "missing_line": (
        LINE_1,
        "line 2: the second element line ('2 ...') is missing; add it",
    ),
    "not_an_element_set": (
        "hello\nworld\n",
        "line 2: not an element set: the line after the name must begin with '1 '",
    ),
}


@pytest.mark.parametrize(("text", "message"), ORBITS.values(), ids=ORBITS)
def test_a_bad_element_set_is_named_with_its_line(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("moon.tle").write_text(text)
    assert refused(capsys, "sim", "--orbit", "moon.tle") == [f"moon.tle, {message}"]


def test_an_orbit_file_that_is_missing_or_contradicted_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert refused(capsys, "sim", "--orbit", "no.tle") == [
        "no.tle: cannot be read (No such file or directory); give a file"
    ]
    shutil.copy(examples_dir() / "orbits" / "cbers2.tle", "cbers2.tle")
    Path("plan.toml").write_text(TITLE + "[start]\norbit_phase = 0.5\n")
    assert refused(capsys, "sim", "--orbit", "cbers2.tle", "--scenario", "plan.toml") == [
        (
            "plan.toml: start.orbit_phase cannot be chosen with --orbit: an element set says itself"
            " where the flight begins; remove one of them"
        )
    ]


HELP = " (see: nightside {} --help)"
COMMANDS = {
    "bad_duration": (
        ["sim", "--duration", "soon"],
        "--duration 'soon': is not a duration; write e.g. 5400s, 90min, 3d or 1orbit",
    ),
    "no_duration": (
        ["sim", "--duration", "0s"],
        "--duration '0s': must be longer than zero",
    ),
    "unknown_unit": (
        ["sim", "--duration", "3 weeks"],
        "--duration '3 weeks': unknown unit 'weeks'; known units: s, min, h, d, orbit, orbits",
    ),
    "too_long": (
        ["sim", "--duration", "1000d"],
        "--duration '1000d': is longer than 400 days",
    ),
    "negative_seed": (
        ["sim", "--seed", "-1"],
        "argument --seed: -1 is outside 0 to 4294967295" + HELP.format("sim"),
    ),
    "seed_too_large": (
        ["sim", "--seed", "4294967296"],
        "argument --seed: 4294967296 is outside 0 to 4294967295" + HELP.format("sim"),
    ),
    "seed_in_words": (
        ["sim", "--seed", "seven"],
        "argument --seed: 'seven' is not a whole number" + HELP.format("sim"),
    ),
    "speed_in_words": (
        ["sim", "--realtime", "fast"],
        "argument --realtime: 'fast' is not a speed such as 10" + HELP.format("sim"),
    ),
    "no_speed": (
        ["sim", "--realtime", "0"],
        "argument --realtime: 0 is outside 0.01 to 1000" + HELP.format("sim"),
    ),
    "explain_what_time": (
        ["explain"],
        "the following arguments are required: --at" + HELP.format("explain"),
    ),
    "explain_no_time": (
        ["explain", "recording.db", "--at", "soon"],
        "--at 'soon': is not a duration; write e.g. 5400s, 90min, 3d or 1orbit",
    ),
    "explain_no_flight": (
        ["explain", "folder", "--at", "10s"],
        "folder: holds no recording.db; give the folder of a flight",
    ),
    "explain_never_flown": (
        ["explain", "--at", "10s"],
        "flights/ holds no flight; fly one first (nightside sim) or name its folder",
    ),
    "run_without_a_config": (
        ["run"],
        "the following arguments are required: config" + HELP.format("run"),
    ),
    "no_command": (
        [],
        "the following arguments are required: COMMAND (see: nightside --help)",
    ),
    "unknown_option": (
        ["sim", "--scenarios", "plan.toml"],
        "unrecognized arguments: --scenarios (see: nightside --help)",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), COMMANDS.values(), ids=COMMANDS)
def test_a_bad_command_line_is_answered_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder").mkdir()
    Path("recording.db").touch()
    assert refused(capsys, *arguments) == [message]


def test_a_flight_never_overwrites_what_is_no_flight(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("mine")
    Path("holiday").mkdir()
    (Path("holiday") / "beach.jpg").write_text("mine")
    assert refused(capsys, "sim", "--out", "file") == ["--out file: is a file; give a folder"]
    assert refused(capsys, "sim", "--out", "holiday") == [
        (
            "--out holiday: holds 'beach.jpg', which is no part of a flight; give an empty folder"
            " or that of an earlier flight"
        )
    ]
    assert (Path("holiday") / "beach.jpg").read_text() == "mine"


def test_what_was_set_aside_is_part_of_a_flight_with_its_wal() -> None:
    folder = Path("flown")
    folder.mkdir()
    for name in ("recording.db.aside", "recording.db.aside-wal", "recording.db.aside-shm"):
        (folder / name).write_text("of an earlier flight")
    prepare_folder(folder)
    assert list(folder.iterdir()) == []


def test_run_wants_to_hear_that_the_devices_are_simulated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("node.toml").write_text("[node]\nsimulated = false\n")
    assert refused(capsys, "run", "node.toml") == [
        (
            "node.toml: node.simulated = false: only simulated devices can be run yet; say"
            " `simulated = true` under [node] if that is what you want"
        )
    ]
