"""A secret stands in no dump, recording, log or message."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import ValidationError

from flight.config import NodeConfig, config_hash
from flight.core.section import Section
from flight.log import configure_logging
from flight.operator_error import explain_validation
from flight.secret import HIDDEN, Secret, redact, secret_file_mistake
from flight.services.recorder_queue import RecorderBatch
from flight.services.recording_schema import RecordingInfo
from tests.unit.test_packet_schedule import POINTS

WORD = "correct-horse-battery"


class BrokerSection(Section):
    """[broker]: as a section of the configuration with a password would be."""

    user: str = "node1"
    password: Secret = Secret("")
    port: int = 1883


class ConfigWithSecret(NodeConfig):
    """A configuration with such a section."""

    broker: BrokerSection = BrokerSection()


def config() -> ConfigWithSecret:
    return ConfigWithSecret.model_validate({"broker": {"password": WORD}})


@pytest.fixture
def log():
    stream = io.StringIO()
    yield stream
    structlog.reset_defaults()


def test_only_reveal_shows_it() -> None:
    secret = config().broker.password
    assert secret.reveal() == WORD
    shown = (repr(secret), str(secret), f"{secret:>30}", f"{secret!r}", repr(config()))
    assert not [text for text in shown if WORD in text]
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_dump_of_the_configuration_does_not_hold_it() -> None:
    assert WORD not in config().model_dump_json()
    assert WORD not in str(config().model_dump())
    assert json.loads(config().model_dump_json())["broker"]["password"] == HIDDEN
    assert config_hash(config()) == config_hash(
        ConfigWithSecret.model_validate({"broker": {"password": "another-one"}})
    )


def test_a_recording_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "recording.db"
    info = RecordingInfo(points=POINTS, accelerators=1, config_text=config().model_dump_json())
    RecorderBatch(path, info).close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"node1" in content
    assert WORD.encode() not in content


@pytest.mark.parametrize("as_json", [True, False])
def test_a_log_does_not_hold_it(log: io.StringIO, as_json: bool) -> None:
    secret = config().broker.password
    configure_logging(stream=log, as_json=as_json)
    logger = structlog.get_logger()
    try:
        raise ConnectionError(f"refused: user node1 password {secret.reveal()}")
    except ConnectionError:
        logger.exception("link.refused", detail=f"with {WORD}", more=[{"p": WORD}], secret=secret)
    logger.warning("said " + WORD)  # noqa: G003
    text = log.getvalue()
    assert "ConnectionError" in text and "node1" in text
    assert WORD not in text
    assert redact(f"a {WORD} b") == f"a {HIDDEN} b"


@pytest.mark.parametrize(
    ("key", "value", "is_shown"),
    [("password", 12345678, False), ("port", "s3cr3t", True), ("user", 5, True)],
)
def test_a_message_to_the_operator_shows_no_value_of_a_secret(
    key: str, value: Any, is_shown: bool
) -> None:
    data = {"broker": {key: value}}
    with pytest.raises(ValidationError) as caught:
        ConfigWithSecret.model_validate(data)
    lines = explain_validation("node.toml", caught.value, ConfigWithSecret, data)
    assert lines
    assert (str(value) in " ".join(lines)) is is_shown
    assert f"broker.{key}" in lines[0]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0, "{path} is not there"),
        (b"x", 0o644, "{path} can be read by others: chmod 600 {path}"),
        (b"", 0o600, "{path} holds 0 bytes, write 1 to 4096"),
        (b"x" * 5000, 0o600, "{path} holds 5000 bytes, write 1 to 4096"),
        (b"x", 0o600, None),
    ],
    ids=["missing", "open_to_others", "empty", "too_long", "good"],
)
def test_a_file_that_can_hold_no_secret_is_named(
    tmp_path: Path, content: bytes | None, mode: int, message: str | None
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    expected = None if message is None else message.format(path=path)
    assert secret_file_mistake(path) == expected
    assert secret_file_mistake(tmp_path) == f"{tmp_path} is not a file"
