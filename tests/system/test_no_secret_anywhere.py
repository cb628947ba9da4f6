"""No command shows the password of the link, none leaves it in a file: run, then all readers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flight.cli import COMMANDS
from flight.examples import default_config_path
from tests.contract.broker import Mosquitto, with_password

TYPED = "correct-horse-battery"
WRONG = "wrong-horse-battery"
# Exit codes: 1 is "not well", 2 is refused; neither is a bug.
READERS: dict[str, tuple[list[str], int]] = {
    "check": (["node.toml"], 0),
    "sim": (["node.toml", "--duration", "2s", "--out", "flown", "--json"], 1),
    "status": (["out"], 1),
    "top": (["--link", "node.toml", "--once"], 2),
    "faults": (["--run", "out"], 0),
    "log": (["out", "--severity", "debug"], 0),
    "explain": (["out", "--at", "1s"], 0),
    "replay": (["out", "--json"], 0),
    "report": (["out"], 0),
    "plot": (["out", "--channels", "loop.*", "--out", "a.svg"], 0),
    "export": (["out", "--channels", "loop.*", "--format", "csv", "--out", "a.csv"], 0),
    "dictionary": (["node.toml", "--json"], 0),
    "orbit": (["node.toml", "--days", "1"], 0),
}
OWN_WAY = {"init", "run"}  # one takes no configuration, the other comes first


def nightside(*words: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "flight", *words]
    ended = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=60
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_every_command_is_looked_at() -> None:
    names = {module.__name__.rpartition(".")[2] for module in COMMANDS}
    assert names == set(READERS) | OWN_WAY, "add the new command to READERS"


def test_no_command_says_or_keeps_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    secret = Path("password")
    secret.write_text(f"{WRONG}\n")
    secret.chmod(0o600)
    broker_folder = tmp_path / "broker"
    broker_folder.mkdir()
    with Mosquitto(broker_folder, *with_password(broker_folder)) as broker:
        text = default_config_path().read_text()
        for old, new in (
            ('transport = "memory"', 'transport = "mqtt"'),
            ("port = 1883", f"port = {broker.port}"),
            ('host = "localhost"', 'host = "127.0.0.1"'),
            ('username = ""', 'username = "node"'),
            ('password_file = ""', 'password_file = "password"'),
        ):
            assert text.count(f"\n{old}") == 1, old
            text = text.replace(f"\n{old}", f"\n{new}")
        Path("node.toml").write_text(text)
        code, said = nightside("run", "node.toml", "--duration", "3s", "--out", "out")
        assert code == 0, said
        assert "link.needs_mend" in said, "the broker must have refused, or nothing is shown here"
        told = {"run": said}
        for command, (words, expected) in READERS.items():
            code, said = nightside(command, *words)
            assert code == expected, f"{command}: {said}"
            told[command] = said
    assert "not authorized" in told["top"].lower()
    for command, said in told.items():
        assert WRONG not in said, command
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != tmp_path / "password" and broker_folder not in path.parents:
            assert WRONG.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("command", ["check", "run", "sim", "dictionary", "faults"])
@pytest.mark.parametrize(
    "lines",
    [
        f'[link]\npassword = "{TYPED}"\n',
        f'[link]\npassword = ["{TYPED}"]\n',
        f'[link.password]\nvalue = "{TYPED}"\n',
        f'password = "{TYPED}"\n',
        f'[link]\npassword = "{TYPED}\n',
    ],
)
def test_a_password_written_into_the_configuration_is_refused_unseen(
    command: str, lines: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from flight.cli import main

    (tmp_path / "node.toml").write_text(lines)
    assert main([command, str(tmp_path / "node.toml")]) == 2
    said = capsys.readouterr()
    assert "node.toml" in said.err
    assert "horse" not in said.out + said.err
