"""The broker of docs/how-to/connect-a-broker.md: its two files work as they are written."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from flight.config import NodeConfig, build_points
from flight.link.mqtt import MqttTransport
from flight.link.topics import Topics
from flight.link.transport import Refused
from flight.services.link_config import LinkSection, check_link, mqtt_settings
from tests.contract.broker import PASSWORD, Mosquitto, certificates, run_real

EXAMPLE = Path(__file__).parents[2] / "examples" / "broker"
FRAME_BYTES_MAX = 262_144 // 4  # a node of twice as many points must fit by far
TOPICS = Topics(fleet="demo", satellite="sat1", node="node1")


def example(folder: Path) -> str:
    """Return the example with its folders moved, so that a test can run it."""
    certificate, key = certificates(folder, "broker")
    (folder / "certs").mkdir()
    for source, name in [
        (certificate, "authority.crt"),
        (certificate, "broker.crt"),
        (key, "broker.key"),
    ]:
        shutil.copy(source, folder / "certs" / name)
    shutil.copy(EXAMPLE / "access", folder / "access")
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip("NOT RUN: there is no mosquitto; install with: sudo apt-get install mosquitto")
    for user, create in (("sat1", ["-c"]), ("ground", [])):
        command = [program, "-b", *create, str(folder / "passwords"), user, PASSWORD]
        subprocess.run(command, check=True, capture_output=True)
    text = (EXAMPLE / "mosquitto.conf").read_text()
    text = text.replace("listener 8883", "listener PORT 127.0.0.1")
    text = text.replace("/etc/mosquitto", str(folder)).replace("/var/lib/mosquitto/", f"{folder}/")
    user = "user root\n" if os.geteuid() == 0 else ""
    return f"{user}log_dest stderr\nlog_type information\n{text}"


def test_node_and_ground_meet_on_the_example_and_neither_may_do_more(tmp_path: Path) -> None:
    whole = example(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)

    async def test() -> None:
        def transport(user: str) -> MqttTransport:
            section = LinkSection(
                transport="mqtt",
                host="127.0.0.1",
                port=broker.port,
                username=user,
                password_file=str(secret),
                ca_file=str(tmp_path / "certs" / "authority.crt"),
            )
            assert check_link("c.toml", section) == []
            return MqttTransport(mqtt_settings(section, client_id=user))

        node, ground = transport("sat1"), transport("ground")
        await node.connect()
        await ground.connect()
        await ground.subscribe("ns/#")
        await node.subscribe(TOPICS.command)
        topics = [
            TOPICS.birth, TOPICS.event, TOPICS.ack, TOPICS.death, TOPICS.telemetry("fast")
        ]  # fmt: skip
        for topic in topics:
            await node.publish(topic, bytes(FRAME_BYTES_MAX))
            assert (await ground.receive()).topic == topic
        await ground.publish(TOPICS.command, b"x")
        assert (await node.receive()).payload == b"x"
        with pytest.raises(Refused):
            await node.publish("ns/demo/sat2/node1/evt", b"x")
        with pytest.raises(Refused):
            await ground.publish(TOPICS.event, b"x")
        node.drop()
        await ground.close()

    with Mosquitto(tmp_path, whole=whole) as broker:
        run_real(test)


def test_the_largest_frame_fits_the_brokers_limit() -> None:
    assert 8 * 2 * len(build_points(NodeConfig())) < FRAME_BYTES_MAX
