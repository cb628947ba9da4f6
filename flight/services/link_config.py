"""The `[link]` section of the configuration, what can be checked of it on the ground, and the
transport that it describes.
"""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from flight.link.outbox import DEPTHS, Priority

if TYPE_CHECKING:
    from flight.link.mqtt import MqttSettings

PRIVATE = 0o077  # permission bits that a file with a secret must not have
SECRET_BYTES_MAX = 65535  # MQTT v5 section 1.5.6: a length is two bytes


class LinkDepths(BaseModel):
    """How many messages of each priority wait at most while there is no link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alert: int = Field(
        default=DEPTHS[Priority.ALERT],
        ge=16,
        le=1_000_000,
        description="Answers, events of severity WARNING and above; beyond it the oldest goes.",
    )
    event: int = Field(
        default=DEPTHS[Priority.EVENT],
        ge=16,
        le=1_000_000,
        description="Other events; beyond it the oldest goes.",
    )
    slow: int = Field(
        default=DEPTHS[Priority.SLOW],
        ge=16,
        le=1_000_000,
        description="Telemetry at 5 s and longer, about 2.5 kB each; beyond it the oldest goes.",
    )
    fast: int = Field(
        default=DEPTHS[Priority.FAST],
        ge=16,
        le=1_000_000,
        description="Other telemetry, about 1 kB each; beyond it every other second goes.",
    )

    def by_priority(self) -> dict[Priority, int]:
        """Return what an Outbox takes."""
        return {
            Priority.ALERT: self.alert,
            Priority.EVENT: self.event,
            Priority.SLOW: self.slow,
            Priority.FAST: self.fast,
        }


class LinkSection(BaseModel):
    """The link to the ground or the fleet. The node flies without it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: Literal["memory", "mqtt"] = Field(
        default="memory", description='"mqtt": a broker; "memory": none, as in simulation.'
    )
    host: str = Field(
        default="localhost", min_length=1, max_length=253, description="Name or address."
    )
    port: int = Field(default=1883, ge=1, le=65535, description="1883 in the clear, 8883 with TLS.")
    username: str = Field(default="", description='At the broker; "": as nobody.')
    password_file: str = Field(
        default="",
        description="File whose first line is the password, readable for its owner alone.",
    )
    ca_file: str = Field(
        default="", description='Authority of the broker\'s certificate; "": no TLS.'
    )
    certificate_file: str = Field(default="", description="Our own certificate, if it asks.")
    key_file: str = Field(default="", description="Its key, readable for its owner alone.")
    keepalive_s: int = Field(
        default=30,
        ge=5,
        le=3600,
        description="The broker tells of our death 1.5 times so long after a silence.",
    )
    session_expiry_s: int = Field(
        default=86400,
        ge=0,
        le=4294967294,
        description="The broker keeps commands for us so long while we are away.",
    )
    window: int = Field(
        default=20,
        ge=1,
        le=100,
        description="Messages under way at once; the broker may allow fewer.",
    )
    depths: LinkDepths = Field(default=LinkDepths(), description="Messages that wait at most.")

    @field_validator("host")
    @classmethod
    def _is_no_address_of_a_page(cls, host: str) -> str:
        if "/" in host or " " in host or host.startswith("mqtt:"):
            raise ValueError("write the name or address alone, without a scheme, port or path")
        return host


def check_link(path: Path | str, section: LinkSection) -> list[str]:
    """Return one line for each mistake that shows on the ground; never the contents of a file.

    Args:
        path: Of the configuration; begins each line.
    """
    if section.transport == "memory":
        return []
    lines = _check_pairs(section)
    for key in ("password_file", "ca_file", "certificate_file", "key_file"):
        name = getattr(section, key)
        if name:
            lines += _check_file(key, name, is_secret=key in ("password_file", "key_file"))
    if section.ca_file and not lines:
        lines += _check_certificates(section)
    return [f"{path}: link.{line}" for line in lines]


def mqtt_settings(section: LinkSection, *, client_id: str) -> "MqttSettings":
    """Return what MqttTransport takes.

    Args:
        client_id: Unlike that of any other client of the broker.
    """
    from flight.link.mqtt import MqttSettings  # noqa: PLC0415  # 0.1 s, for a node with a broker

    return MqttSettings(
        host=section.host,
        port=section.port,
        client_id=client_id,
        username=section.username or None,
        password_file=_path(section.password_file),
        ca_file=_path(section.ca_file),
        certificate_file=_path(section.certificate_file),
        key_file=_path(section.key_file),
        keepalive_s=section.keepalive_s,
        session_expiry_s=section.session_expiry_s,
        window=section.window,
    )


def _path(name: str) -> Path | None:
    return Path(name) if name else None


def _check_pairs(section: LinkSection) -> list[str]:
    lines = []
    if section.password_file and not section.username:
        lines.append("password_file: has no link.username beside it; write both or neither")
    if bool(section.certificate_file) != bool(section.key_file):
        given, missing = (
            ("certificate_file", "key_file")
            if section.certificate_file
            else ("key_file", "certificate_file")
        )
        lines.append(f"{given}: has no link.{missing} beside it; write both or neither")
    if section.certificate_file and not section.ca_file:
        lines.append("certificate_file: needs link.ca_file, which switches TLS on")
    if section.port == 8883 and not section.ca_file:
        lines.append("port = 8883: is the port of TLS; write link.ca_file, or port = 1883")
    return lines


def _check_file(key: str, name: str, *, is_secret: bool) -> list[str]:
    file = Path(name)
    try:
        mode = file.stat().st_mode
        with file.open("rb") as opened:
            content = opened.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        return [f"{key} = {name!r}: {error.strerror}; write the path of a file that can be read"]
    lines = []
    if is_secret and mode & PRIVATE:
        lines.append(f"{key} = {name!r}: others can read it; run chmod 600 {name}")
    first = content.split(b"\n", 1)[0].rstrip(b"\r")
    if key == "password_file" and not first:
        lines.append(f"{key} = {name!r}: its first line is empty; write the password there")
    return lines


def _check_certificates(section: LinkSection) -> list[str]:
    try:
        context = ssl.create_default_context(cafile=section.ca_file)
    except ssl.SSLError:
        return [f"ca_file = {section.ca_file!r}: holds no certificate; write one in PEM"]
    if section.certificate_file:
        try:
            context.load_cert_chain(section.certificate_file, section.key_file, password=str)
        except (ssl.SSLError, ValueError):
            what = "is not the key of link.certificate_file, or it has a password"
            return [f"key_file = {section.key_file!r}: {what}; write the plain key in PEM"]
    return []
