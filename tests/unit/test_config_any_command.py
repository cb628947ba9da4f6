"""Every command that takes a configuration tells all its mistakes at once, as `check` does."""

import shutil
from pathlib import Path

import pytest

from flight import cli
from flight.examples import default_config_path
from tests.system.flying import refused

MISTAKEN = (
    "[guard]\nsetpoint_c = 120.0\n[rails]\nmodule_current_a_max = 30.0\n"
    '[points."accel9.cap_w"]\nhigh = 600.0\n[buses]\nserial_baud = 9600\n'
    "[plant.loop]\nnominal_speed = 1.0\n"
)
TAKES_A_PLANT = ("check", "sim", "run")
LINK = '[link]\ntransport = "mqtt"\n'


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", ["check", "sim", "run", "dictionary", "faults"])
def test_all_mistakes_come_at_once_from_any_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("node.toml").write_text(MISTAKEN)
    places = [line.partition(" ")[0] for line in refused(capsys, command, "node.toml")]
    plant = ["node.toml:10:"] if command in TAKES_A_PLANT else []
    assert places == [*(f"node.toml:{n}:" for n in (2, 4, 5, 8, 8)), *plant]
    assert not Path("flights").exists()


def test_the_old_file_of_a_diff_is_told_all_its_mistakes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(default_config_path(), "new.toml")
    Path("old.toml").write_text("[guard]\nsetpoint_c = 120.0\n[rails]\nretry_count_max = 2.5\n")
    assert refused(capsys, "check", "new.toml", "--diff", "old.toml") == [
        "old.toml:2: guard.setpoint_c = 120.0: write 40 to 95",
        "old.toml:4: rails.retry_count_max = 2.5: write a whole number",
    ]


CERTIFICATE_TEXT = "no certificate"
LINKS = {
    "alone": (
        'certificate_file = "own.crt"\nca_file = "own.crt"',
        ["3: link.certificate_file: has no link.key_file beside it; write both or neither"],
    ),
    "password_of_nobody": (
        'password_file = "closed"',
        ["3: link.password_file: has no link.username beside it; write both or neither"],
    ),
    "no_file": (
        'username = "node1"\npassword_file = "none"',
        [
            (
                "4: link.password_file = 'none': No such file or directory; "
                "write the path of a file that can be read"
            )
        ],
    ),
    "open_to_others": (
        'username = "node1"\npassword_file = "open"',
        ["4: link.password_file = 'open': others can read it; run chmod 600 open"],
    ),
    "tls_port": (
        "port = 8883",
        ["3: link.port = 8883: is the port of TLS; write link.ca_file, or port = 1883"],
    ),
    "no_authority": (
        'ca_file = "own.crt"',
        ["3: link.ca_file = 'own.crt': holds no certificate; write one in PEM"],
    ),
}


@pytest.mark.parametrize(("text", "lines"), LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("command", ["check", "run"])
def test_the_files_of_a_link_are_looked_into_and_told_once(
    command: str, text: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("own.crt").write_text(CERTIFICATE_TEXT)
    for name, mode in (("open", 0o644), ("closed", 0o600)):
        Path(name).write_text("hunter2-hunter2\n")
        Path(name).chmod(mode)
    Path("node.toml").write_text(f"{LINK}{text}\n[node]\nsimulated = true\n")
    assert refused(capsys, command, "node.toml") == [f"node.toml:{line}" for line in lines]


def test_files_of_a_link_that_is_not_in_use_are_told_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("node.toml").write_text('[link]\nkey_file = "none"\n')
    assert refused(capsys, "check", "node.toml") == [
        "node.toml:2: link.key_file: none is not there"
    ]


@pytest.mark.parametrize("command", ["dictionary", "faults"])
def test_files_that_only_the_node_has_are_no_matter_of_the_ground(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("node.toml").write_text(f'{LINK}username = "node1"\npassword_file = "/etc/ns/password"\n')
    assert cli.main([command, "node.toml"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("simulated", ["true", "false"])
def test_a_node_may_have_fewer_accelerators(
    simulated: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("node.toml").write_text(f"[node]\naccelerator_count = 4\nsimulated = {simulated}\n")
    assert cli.main(["check", "node.toml"]) == 0
    assert "4 accelerators" in capsys.readouterr().out
