"""`nightside top --link`: the ground's page of a node, from its messages alone."""

import asyncio
import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgpack
import numpy as np
import pytest
from rich.console import Console

from flight import cli
from flight.config import NodeConfig, build_points
from flight.core.types import Decision, Event, Inputs, Mode, Severity, Snapshot
from flight.dictionary.export import dictionary
from flight.link.memory import MemoryBroker, MemoryTransport
from flight.link.mqtt import MqttSettings, MqttTransport
from flight.link.topics import Topics
from flight.link.transport import Failure, LinkDown, Message
from flight.services.link import Link, LinkInfo
from flight.top.app import page
from flight.top.link_picture import LinkPicture
from flight.top.link_source import Listener, make_transport
from sim_hw.clock import SimLoop, run_simulated
from tests.contract.broker import Mosquitto
from tests.system.flying import refused

CONFIG = NodeConfig()
TABLE = build_points(CONFIG)
TOPICS = Topics(fleet="demo", satellite="sat1", node="node1")
DOCUMENT = dictionary(CONFIG, TABLE)
UP = {"state": "up", "failure": ""}


def cycle(now_ns: int, core_temp_c: float = 71.0) -> tuple[Inputs, Decision]:
    """What a node in NOMINAL sees and decides, every reading 1 but one core."""
    count = len(TABLE)
    values = np.ones(count)
    values[TABLE.index["accel3.core_temp_c"]] = core_temp_c
    status = np.zeros(count, np.int32)
    status[TABLE.index["accel5.core_temp_c"]] = 7  # a reading that failed
    snapshot = Snapshot(values, np.zeros(count, np.int64), status, np.zeros(count, np.uint32))
    decision = Decision(
        mode=Mode.NOMINAL,
        desired=np.empty(0),
        cap_w=(412.0,) * 8,
        cap_reason=("plan",) * 8,
        accel_phases=("in service",) * 7 + ("draining",),
    )
    return Inputs(now_ns=now_ns, snapshot=snapshot), decision


def link_on(transport: object, now_ns, session_id: str = "s1") -> Link:
    return Link(
        info=LinkInfo(topics=TOPICS, session_id=session_id, simulated=True, version="9.9"),
        points=TABLE,
        transport=transport,
        now_ns=now_ns,
    )


def heard(duration_s: int, *, ends: bool = False, dies: bool = False) -> list[Message]:
    """Return all that a node sends in a flight."""

    async def main() -> list[Message]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        broker, messages = MemoryBroker(), list[Message]()
        link = link_on(MemoryTransport(broker, now_ns=loop.now_ns), loop.now_ns)
        ear = MemoryTransport(broker, now_ns=loop.now_ns)
        await ear.connect()
        await ear.subscribe("#")

        async def listen() -> None:
            while True:
                messages.append(await ear.receive())

        async with asyncio.TaskGroup() as group:
            listening = group.create_task(listen(), name="ear")
            flying = group.create_task(link.run(), name="link")
            for _ in range(10 * duration_s):
                link.record(*cycle(loop.now_ns(), 70.0 + loop.now_ns() / 1e9))
                await asyncio.sleep(0.1)
            link.note(Event(loop.now_ns(), "rail.tripped", Severity.WARNING, "accel1", "why"))
            if ends:
                link.request_end()
            await asyncio.sleep(1.0)
            if dies:
                flying.cancel()
                await asyncio.sleep(0.1)
            listening.cancel()
            flying.cancel()
        return messages

    return run_simulated(main())


def picture(messages: list[Message]) -> LinkPicture:
    taken = LinkPicture(TOPICS, DOCUMENT)
    for message in messages:
        taken.take(message)
    return taken


def shown(document: dict[str, object]) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(page(document))
    return console.export_text()


def test_the_page_says_what_the_node_said() -> None:
    document = picture(heard(12)).document(age_s=0.3, link=UP)
    json.dumps(document, allow_nan=False)
    assert document["state"] == "running"
    assert document["view"]["mode"] == "NOMINAL"
    accelerator = document["view"]["accelerators"][3]
    assert (accelerator["cap_w"], accelerator["phase"]) == (412.0, "in service")
    assert document["view"]["accelerators"][7]["phase"] == "draining"
    assert accelerator["core_temp_c"] == pytest.approx(81.0, abs=0.2), "of the newest packet"
    assert document["view"]["accelerators"][5]["core_temp_c"] is None, "a failed reading is none"
    assert document["events"][-1]["id"] == "rail.tripped"
    text = shown(document)
    words = ("SIM NOMINAL", "412", "draining", "plan", "heard   running", "rail.tripped")
    for word in ("demo/sat1/node1", *words):
        assert word in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_what_no_packet_carries_is_said_to_be_unknown() -> None:
    document = picture(heard(1)).document(age_s=0.3, link=UP)
    console = Console(width=80, record=True, file=io.StringIO())
    for lower in ("faults", "tasks"):
        console.print(page(document, lower=lower))
    text = console.export_text()
    assert text.count("not known from here") == 2
    assert "none" not in text


def test_repeats_and_latecomers_change_nothing() -> None:
    messages = heard(12)
    once = picture(messages).document(age_s=0.0, link=UP)
    telemetry = [message for message in messages if "/tlm/" in message.topic]
    late = picture([*messages, *telemetry]).document(age_s=0.0, link=UP)
    assert late == once


def test_a_packet_that_overtook_another_is_not_undone_by_it() -> None:
    """Slow and fast packets are numbered apart, so one may come after a newer one of the other."""
    messages = heard(12)
    slow = [m for m in messages if m.topic.endswith("/tlm/slow")]
    taken = picture([m for m in messages if m not in slow] + slow)
    document = taken.document(age_s=0.0, link=UP)
    assert document["view"]["accelerators"][3]["core_temp_c"] == pytest.approx(81.0, abs=0.2)


@pytest.mark.parametrize("ends", [True, False])
def test_an_end_in_order_and_a_lost_node_are_told_apart(ends: bool) -> None:
    messages = heard(2, ends=ends, dies=not ends)
    death = [m for m in messages if m.topic == TOPICS.death]
    assert len(death) == 1
    document = picture(messages).document(age_s=0.0, link=UP)
    assert document["state"] == ("ended" if ends else "lost")


def test_an_old_death_says_nothing_of_a_new_session() -> None:
    messages = heard(2, ends=True)
    birth = msgpack.unpackb(messages[0].payload)
    again = Message(TOPICS.birth, msgpack.packb(birth | {"session": "s2"}))
    document = picture([*messages, again]).document(age_s=0.0, link=UP)
    assert document["state"] == "running"
    assert "view" not in document, "what the session before said is forgotten"
    assert document["events"] == []


def test_a_node_that_is_back_is_not_dead() -> None:
    """The will of the connection before is retained beside the birth of this one."""
    messages = heard(2, dies=True)
    birth = msgpack.unpackb(messages[0].payload)
    again = Message(TOPICS.birth, msgpack.packb(birth | {"connects": birth["connects"] + 1}))
    document = picture([*messages, again]).document(age_s=0.0, link=UP)
    assert document["state"] == "running"
    assert "view" in document, "the same session: what it said holds"


def test_what_the_broker_kept_is_no_sign_of_life() -> None:
    async def main() -> list[bool]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        broker = MemoryBroker()
        birth, *others = heard_in_this_process
        broker.publish(birth._replace(retain=True))
        listener = Listener(LinkPicture(TOPICS, DOCUMENT))
        transport = MemoryTransport(broker, now_ns=loop.now_ns)
        has_age = []
        async with asyncio.TaskGroup() as group:
            ear = group.create_task(listener.listen(transport, "#"), name="ear")
            await asyncio.sleep(1.0)
            has_age.append("age_s" in listener.document())
            broker.publish(next(m for m in others if m.topic.endswith("/tlm/fast")))
            await asyncio.sleep(1.0)
            has_age.append("age_s" in listener.document())
            ear.cancel()
        return has_age

    heard_in_this_process = heard(1)
    assert run_simulated(main()) == [False, True]


def test_a_node_with_another_dictionary_is_not_misread() -> None:
    messages = heard(2)
    birth = msgpack.unpackb(messages[0].payload)
    other = Message(TOPICS.birth, msgpack.packb(birth | {"dictionary": "0" * 32}))
    document = picture([other, *messages[1:]]).document(age_s=0.0, link=UP)
    assert "the node speaks dictionary 000" in document["heard"]["problem"]
    assert "view" not in document
    assert "the node speaks dictionary" in shown(document)


def test_what_is_damaged_or_foreign_is_let_by() -> None:
    messages = heard(12)
    good = picture(messages).document(age_s=0.0, link=UP)
    taken = picture(messages)
    frame = next(m for m in messages if m.topic.endswith("/tlm/fast"))
    body = msgpack.unpackb(frame.payload)
    for topic, payload in (
        (frame.topic, b""),
        (frame.topic, b"\xc1"),
        (frame.topic, frame.payload[:-9]),
        (frame.topic, msgpack.packb(7)),
        (frame.topic, msgpack.packb(body | {"seq": 10**6, "mode": "PARTY"})),
        (frame.topic, msgpack.packb(body | {"seq": 10**6 + 1, "v": b"abc"})),
        (TOPICS.event, msgpack.packb({"session": "s1", "priority": 0, "seq": 10**6})),
        ("ns/demo/sat1/other/tlm/fast", frame.payload),
    ):
        taken.take(Message(topic, payload))
    assert taken.document(age_s=0.0, link=UP)["view"] == good["view"]


class RefusingTransport(MemoryTransport):
    """A broker that does not know us."""

    async def connect(self, will: Message | None = None) -> None:
        raise LinkDown("not authorized", Failure.NOT_AUTHORIZED)


def test_a_listener_tells_why_it_hears_nothing_and_goes_on_trying() -> None:
    async def main() -> tuple[bool, dict[str, object]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        listener = Listener(LinkPicture(TOPICS, DOCUMENT))
        transport = RefusingTransport(MemoryBroker(), now_ns=loop.now_ns)
        async with asyncio.TaskGroup() as group:
            ear = group.create_task(listener.listen(transport, "#"), name="ear")
            await asyncio.sleep(10.0)
            was_trying = not ear.done()
            ear.cancel()
        return was_trying, listener.document()

    was_trying, document = run_simulated(main())
    assert was_trying
    assert document["heard"]["failure"] == "not authorized"
    assert "heard   not authorized" in shown(document)


# ---- at a real broker ----


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration whose node is at a real broker, sending ten times as fast as in flight."""
    monkeypatch.chdir(tmp_path)
    ending = threading.Event()
    with Mosquitto(tmp_path) as broker:

        async def fly() -> None:
            link = link_on(MqttTransport(broker.settings()), time.monotonic_ns)
            begin_ns = time.monotonic_ns()
            async with asyncio.TaskGroup() as group:
                group.create_task(link.run(), name="link")
                step = 0
                while not ending.is_set():
                    link.record(*cycle(begin_ns + step * 1_000_000_000))
                    step += 1
                    await asyncio.sleep(0.1)
                link.request_end()

        flying = threading.Thread(target=lambda: asyncio.run(fly()))
        flying.start()
        Path("ground.toml").write_text(
            f'[link]\ntransport = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\n'
        )
        yield Path("ground.toml")
        ending.set()
        flying.join()


def test_top_listens_at_a_real_broker(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["top", "--link", str(node), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["state"] == "running"
    assert document["version"] == "9.9"
    assert document["view"]["accelerators"][3]["core_temp_c"] == 71.0
    assert cli.main(["top", "--link", str(node), "--once"]) == 0
    assert "demo/sat1/node1 SIM NOMINAL" in capsys.readouterr().out


def test_who_looks_leaves_no_session_behind_and_takes_nobodys_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A session that the broker keeps would collect what nobody reads."""
    made: list[MqttSettings] = []
    monkeypatch.setattr("flight.link.mqtt.MqttTransport", made.append)
    config = NodeConfig.model_validate({"link": {"transport": "mqtt", "host": "broker"}})
    make_transport(config, Path("node.toml"))()
    make_transport(config, Path("node.toml"))()
    assert [settings.session_expiry_s for settings in made] == [0, 0]
    assert len({settings.client_id for settings in made}) == 2


def test_top_of_a_link_that_is_not_there_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("memory.toml").write_text('[link]\ntransport = "memory"\n')
    assert refused(capsys, "top", "--link", "memory.toml") == [
        (
            "memory.toml: link.transport = 'memory': there is no broker to listen to; "
            'write transport = "mqtt" with its host and port'
        )
    ]
    Path("away.toml").write_text('[link]\ntransport = "mqtt"\nhost = "127.0.0.1"\nport = 9\n')
    assert refused(capsys, "top", "--link", "away.toml") == [
        "ns/demo/sat1/node1 at 127.0.0.1:9: Connection refused"
    ]
