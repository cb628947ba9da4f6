"""The [link] section: what is refused, what is found on the ground, and that no secret shows."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from flight.link.outbox import DEPTHS
from flight.services.link_config import LinkSection, check_link, mqtt_settings

SECRET = "horse-battery-staple"  # noqa: S105  # of this test


def secret_file(folder: Path, text: str = f"{SECRET}\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def mqtt(**keys: Any) -> LinkSection:
    return LinkSection(transport="mqtt", **{key: str(value) for key, value in keys.items()})


def test_the_defaults_are_right_and_need_no_broker() -> None:
    section = LinkSection()
    assert section.transport == "memory"
    assert section.depths.by_priority() == DEPTHS
    assert check_link("c.toml", section) == []
    assert check_link("c.toml", mqtt()) == []


def test_every_key_reaches_the_transport(tmp_path: Path) -> None:
    secret = secret_file(tmp_path)
    section = mqtt(host="b.example", port=8883, username="u", password_file=secret, window=7)
    settings = mqtt_settings(section, client_id="n")
    assert (settings.host, settings.port, settings.client_id) == ("b.example", 8883, "n")
    assert (settings.username, settings.password_file, settings.window) == ("u", secret, 7)
    assert settings.ca_file is None
    assert SECRET not in f"{section!r}{settings!r}{section.model_dump_json()}"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (
            {"password_file": "{secret}"},
            "password_file: has no link.username beside it; write both or neither",
        ),
        (
            {"username": "u", "password_file": "/none/secret"},
            (
                "password_file = '/none/secret': No such file or directory; "
                "write the path of a file that can be read"
            ),
        ),
        (
            {"username": "u", "password_file": "{open}"},
            "password_file = '{open}': others can read it; run chmod 600 {open}",
        ),
        (
            {"username": "u", "password_file": "{empty}"},
            "password_file = '{empty}': its first line is empty; write the password there",
        ),
        (
            {"ca_file": "{secret}"},
            "ca_file = '{secret}': holds no certificate; write one in PEM",
        ),
        (
            {"ca_file": "{secret}", "key_file": "{secret}"},
            "key_file: has no link.certificate_file beside it; write both or neither",
        ),
        (
            {"port": 8883},
            "port = 8883: is the port of TLS; write link.ca_file, or port = 1883",
        ),
    ],
)
def test_a_mistake_is_named_with_its_mend(tmp_path: Path, keys: dict[str, Any], line: str) -> None:
    files = {
        "secret": secret_file(tmp_path),
        "open": tmp_path / "open",
        "empty": tmp_path / "empty",
    }
    files["open"].write_text(SECRET)
    files["open"].chmod(0o644)
    files["empty"].write_text("")
    files["empty"].chmod(0o600)
    section = mqtt(**{key: str(value).format(**files) for key, value in keys.items()})
    lines = check_link("c.toml", section)
    assert lines == [f"c.toml: link.{line.format(**files)}"]
    assert SECRET not in "".join(lines)


def test_a_key_that_does_not_fit_its_certificate_is_found(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("NOT RUN: there is no openssl; install with: sudo apt-get install openssl")
    for name in ("a", "b"):
        command = (
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x "
            f"-keyout {tmp_path}/{name}.key -out {tmp_path}/{name}.crt"
        )
        subprocess.run(command.split(), check=True, capture_output=True)
        (tmp_path / f"{name}.key").chmod(0o600)
    files = {"ca_file": tmp_path / "a.crt", "certificate_file": tmp_path / "a.crt"}
    assert check_link("c.toml", mqtt(**files, key_file=tmp_path / "a.key")) == []
    (line,) = check_link("c.toml", mqtt(**files, key_file=tmp_path / "b.key"))
    assert line.endswith(
        "b.key': is not the key of link.certificate_file, or it has a password; "
        "write the plain key in PEM"
    )


@pytest.mark.parametrize("host", ["mqtt://b", "b/path", "a b", ""])
def test_a_host_that_is_not_a_name_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="host"):
        LinkSection(host=host)
