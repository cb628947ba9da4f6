"""MqttTransport against a real Mosquitto that refuses, limits, freezes or dies."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flight.link import mqtt
from flight.link.mqtt import INBOX_MAX, MqttSettings, MqttTransport
from flight.link.transport import Failure, LinkDown, Message, Refused
from flight.secret import redact
from tests.contract.broker import (
    PASSWORD,
    Mosquitto,
    certificates,
    free_port,
    run_real,
    with_password,
)


def failure_of(settings: MqttSettings) -> LinkDown:
    """Return why a connection cannot be made."""
    found: list[LinkDown] = []

    async def test() -> None:
        transport = MqttTransport(settings)
        with pytest.raises(LinkDown) as caught:
            await transport.connect()
        found.append(caught.value)

    run_real(test)
    return found[0]


def test_nobody_listens() -> None:
    settings = MqttSettings(host="127.0.0.1", port=free_port(), client_id="x")
    assert failure_of(settings).failure is Failure.UNREACHABLE


def test_a_name_without_an_address() -> None:
    down = failure_of(MqttSettings(host="broker.invalid", client_id="x"))  # RFC 2606: never one
    assert down.failure is Failure.NAME_NOT_FOUND


def test_a_wrong_password_is_named_and_no_secret_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}-wrong\n")
    with Mosquitto(tmp_path, *with_password(tmp_path)) as broker:
        settings = broker.settings(username="node", password_file=secret)
        down = failure_of(settings)
        assert down.failure is Failure.NOT_AUTHORIZED and down.failure.needs_a_person
        assert PASSWORD not in f"{down!r} {settings!r} {MqttTransport(settings)!r}"
        assert redact(f"sent {PASSWORD}-wrong") == "sent (secret)"  # whoever else may log it
        secret.write_text(f"{PASSWORD}\n")  # mended without a restart

        async def test() -> None:
            transport = MqttTransport(settings)
            await transport.connect()
            assert PASSWORD not in repr(vars(transport))
            await transport.close()

        run_real(test)


def test_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    settings = MqttSettings(host="127.0.0.1", client_id="x", password_file=tmp_path / "none")
    down = failure_of(settings)
    assert down.failure is Failure.FILE
    assert str(down) == f"{tmp_path}/none: No such file or directory"


def test_a_broker_that_is_full_ends_the_connection(tmp_path: Path) -> None:
    async def test() -> None:
        first = MqttTransport(broker.settings())
        await first.connect()
        with pytest.raises(LinkDown) as caught:
            await MqttTransport(broker.settings()).connect()
        assert caught.value.failure in (Failure.CLOSED, Failure.BUSY)
        await first.publish("still", b"here")
        await first.close()

    with Mosquitto(tmp_path, "max_connections 1") as broker:
        run_real(test)


def test_a_topic_that_the_access_list_denies_is_refused(tmp_path: Path) -> None:
    (tmp_path / "access").write_text("topic readwrite open/#\n")

    async def test() -> None:
        transport = MqttTransport(broker.settings())
        await transport.connect()
        with pytest.raises(Refused, match="not authorized") as caught:
            await transport.publish("closed/a", b"x")
        assert caught.value.is_topic_denied
        transport.drop()  # Mosquitto 2.0.11 does it by itself, others do not
        await transport.connect()
        await transport.publish("open/a", b"x")
        await transport.close()

    lines = ("allow_anonymous true", f"acl_file {tmp_path / 'access'}")
    with Mosquitto(tmp_path, *lines) as broker:
        run_real(test)


def test_a_message_over_the_brokers_packet_limit_is_refused_and_the_connection_stays(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        transport = MqttTransport(broker.settings())
        await transport.connect()
        with pytest.raises(Refused):
            await transport.publish("a", bytes(3000))
        await transport.publish("a", bytes(1500))
        await transport.close()

    with Mosquitto(tmp_path, "max_packet_size 2000") as broker:
        run_real(test)


def test_the_window_is_the_smaller_of_ours_and_the_brokers_and_is_kept(tmp_path: Path) -> None:
    async def test() -> None:
        transport = MqttTransport(broker.settings(window=50))
        await transport.connect()
        assert transport.window == 7
        sent = [transport.send("a", b"") for _ in range(7)]
        with pytest.raises(ValueError, match="more than 7"):
            transport.send("a", b"")
        await asyncio.gather(*sent)
        await transport.close()

    with Mosquitto(tmp_path, "max_inflight_messages 7") as broker:
        run_real(test)


def test_small_messages_are_not_held_back_by_the_kernel(tmp_path: Path) -> None:
    async def test() -> None:
        transport = MqttTransport(broker.settings())
        await transport.connect()
        assert transport._client is not None
        opened = transport._client._client.socket()
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # type: ignore[union-attr]
        await transport.close()

    with Mosquitto(tmp_path) as broker:
        run_real(test)


def test_the_session_keeps_what_came_while_the_node_was_away(tmp_path: Path) -> None:
    async def test() -> None:
        sender, node = MqttTransport(broker.settings()), MqttTransport(broker.settings())
        await sender.connect()
        await node.connect()
        await node.subscribe("cmd")
        node.drop()
        await sender.publish("cmd", b"1")
        await node.connect()
        assert (await node.receive()).payload == b"1"
        for transport in (sender, node):
            await transport.close()

    with Mosquitto(tmp_path) as broker:
        run_real(test)


def test_a_second_client_with_the_same_id_ends_the_first(tmp_path: Path) -> None:
    async def test() -> None:
        settings = broker.settings()
        first, second = MqttTransport(settings), MqttTransport(settings)
        await first.connect()
        await second.connect()
        with pytest.raises(LinkDown) as caught:
            await first.receive()
        # Mosquitto 2.0.11 closes without a word; others give the reason.
        assert caught.value.failure in (Failure.CLOSED, Failure.TAKEN_OVER)
        await second.publish("a", b"still here")
        await second.close()

    with Mosquitto(tmp_path) as broker:
        run_real(test)


def test_a_killed_broker_ends_every_call_that_waits(tmp_path: Path) -> None:
    async def test() -> None:
        transport = MqttTransport(broker.settings())
        await transport.connect()
        broker.freeze()
        sent = [transport.send("a", b"x") for _ in range(3)]
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(ends_down(transport), name="receiver")
            broker.kill()
            ends = await asyncio.gather(*sent, return_exceptions=True)
        assert all(isinstance(end, LinkDown) for end in ends)
        assert receiving.result() is Failure.CLOSED

    async def ends_down(transport: MqttTransport) -> Failure:
        with pytest.raises(LinkDown) as caught:
            await transport.receive()
        return caught.value.failure

    with Mosquitto(tmp_path) as broker:
        run_real(test)


def test_a_frozen_broker_times_a_connect_out_and_the_loop_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_TIMEOUT_S", 0.3)

    async def test() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        async with asyncio.TaskGroup() as group:
            beside = group.create_task(tick(), name="beside")
            transport = MqttTransport(broker.settings())
            with pytest.raises(LinkDown) as caught:
                await transport.connect()
            assert caught.value.failure is Failure.TIMEOUT
            assert ticks >= 5  # of thirty
            broker.thaw()
            await transport.connect()
            await transport.close()
            beside.cancel()

    with Mosquitto(tmp_path) as broker:
        broker.freeze()
        run_real(test)


def test_a_connect_that_is_cancelled_leaves_no_second_client_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, is_over = threading.Event(), threading.Event()
    connect = mqtt._Client._client_connect
    ends: list[BaseException | None] = []

    def held_up(client: mqtt._Client) -> None:
        """Stand for a name server that answers late."""
        may_go_on.wait(30.0)
        try:
            connect(client)
            ends.append(None)
        except ConnectionAbortedError as error:
            ends.append(error)
        is_over.set()

    async def test() -> None:
        monkeypatch.setattr(mqtt._Client, "_client_connect", held_up)
        transport = MqttTransport(broker.settings())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await transport.connect()
        monkeypatch.setattr(mqtt._Client, "_client_connect", connect)
        await transport.connect()
        may_go_on.set()
        assert await asyncio.to_thread(is_over.wait, 30.0)
        await transport.publish("a", b"")  # one left behind would have taken the session over
        await transport.close()

    with Mosquitto(tmp_path) as broker:
        run_real(test)
    assert [type(end) for end in ends] == [ConnectionAbortedError]


def test_a_full_inbox_drops_the_oldest_and_counts_it(tmp_path: Path) -> None:
    transport = MqttTransport(MqttSettings(host="x", client_id="x"))
    for k in range(INBOX_MAX + 2):
        transport._take(Message("a", b"%d" % k))
    assert transport.inbox_dropped_count == 2
    assert transport._inbox[0].payload == b"2"


# ---- TLS ----


def test_tls_connects_with_the_right_authority_and_names_the_wrong_one(tmp_path: Path) -> None:
    certificate, key = certificates(tmp_path, "broker")
    other, _ = certificates(tmp_path, "other")
    with Mosquitto(tmp_path, f"certfile {certificate}", f"keyfile {key}") as broker:

        async def test() -> None:
            transport = MqttTransport(broker.settings(ca_file=certificate))
            await transport.connect()
            assert transport._client is not None
            assert isinstance(transport._client._client.socket(), ssl.SSLSocket)
            await transport.publish("a", bytes(100_000))
            await transport.close()

        run_real(test)
        assert failure_of(broker.settings(ca_file=other)).failure is Failure.TLS
        assert failure_of(broker.settings(ca_file=tmp_path / "none")).failure is Failure.FILE
        assert failure_of(broker.settings(ca_file=key)).failure is Failure.TLS
        plain = failure_of(broker.settings())
        assert plain.failure in (Failure.CLOSED, Failure.TIMEOUT)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (socket.gaierror(-2, "x"), Failure.NAME_NOT_FOUND),
        (ConnectionRefusedError(111, "x"), Failure.UNREACHABLE),
        (OSError(113, "No route to host"), Failure.UNREACHABLE),
        (ConnectionResetError(104, "x"), Failure.CLOSED),
        (TimeoutError(), Failure.TIMEOUT),
        (ssl.SSLError(1, "x"), Failure.TLS),
        (ValueError("x"), Failure.CLOSED),
        (None, Failure.TIMEOUT),
    ],
)
def test_each_error_has_its_class(error: Exception | None, failure: Failure) -> None:
    assert mqtt.os_failure(error, "otherwise").failure is failure


@pytest.mark.parametrize("code", [0x86, 0x87, 0x88, 0x8B, 0x8D, 0x8E, 0x97])
def test_each_reason_code_has_its_class(code: int) -> None:
    classify: Callable[[int], LinkDown] = mqtt.connect_failure
    expected = {
        0x86: Failure.NOT_AUTHORIZED,
        0x87: Failure.NOT_AUTHORIZED,
        0x88: Failure.BUSY,
        0x8D: Failure.TIMEOUT,
        0x8E: Failure.TAKEN_OVER,
        0x97: Failure.BUSY,
    }
    assert classify(code).failure is expected.get(code, Failure.CLOSED)
    at_end = mqtt.disconnect_failure(code).failure
    assert not at_end.needs_a_person or at_end is Failure.TAKEN_OVER
