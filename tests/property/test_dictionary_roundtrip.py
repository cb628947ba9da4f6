"""Flight and ground cannot drift: what the node packs, the dictionary document alone reads back."""

import contextlib
import json
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core.config import CoreConfig
from flight.core.types import Decision, Inputs, Mode, Snapshot
from flight.dictionary.channels import build_point_table
from flight.dictionary.decode import Decoder, DictionaryMismatchError, FrameError
from flight.dictionary.export import dictionary, to_json
from flight.dictionary.packets import PACKETS, dictionary_hash
from flight.link.topics import Topics
from flight.services.packet_schedule import PacketSchedule

TABLE = build_point_table()
TOPICS = Topics(fleet="f", satellite="s", node="n")
DOCUMENT: dict[str, Any] = json.loads(to_json(dictionary(CoreConfig(), TABLE)))
DECODER = Decoder(DOCUMENT)
NAMES = [point.name for point in TABLE]


def packed(packet: int, values: np.ndarray, status: np.ndarray, mode: Mode) -> bytes:
    """Return the payload that the link sends for a packet, as flight makes it."""
    count = len(TABLE)
    snapshot = Snapshot(values, np.zeros(count, np.int64), status, np.zeros(count, np.uint32))
    decision = Decision(
        mode=mode, desired=np.empty(0), cap_w=(700.0,) * 8, cap_reason=("guard",) * 8
    )
    schedule = PacketSchedule(PACKETS[packet], TABLE, TOPICS)
    body = schedule.pack(Inputs(now_ns=1, snapshot=snapshot), decision)
    assert body is not None
    return bytes(msgpack.packb({"seq": 3, "t": 1_500, "utc": 9, "trusted": True, **body}))


@given(
    packet=st.integers(0, len(PACKETS) - 1),
    seed=st.integers(0, 2**32 - 1),
    mode=st.sampled_from(Mode),
    specials=st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 2.0**53 - 1.0]), max_size=9),
)
def test_every_packet_is_read_back_by_name(
    packet: int, seed: int, mode: Mode, specials: list[float]
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1e4, 1e4, len(TABLE))
    places = rng.integers(0, len(TABLE), len(specials))
    values[places] = specials
    status = np.where(rng.random(len(TABLE)) < 0.2, -6, 0).astype(np.int32)
    name = PACKETS[packet].name
    frame = DECODER.frame(name, packed(packet, values, status, mode))
    channels = PACKETS[packet].channels(TABLE)
    on_wire = values.astype(PACKETS[packet].encoding)
    assert list(frame.values) == [NAMES[i] for i in channels]
    np.testing.assert_array_equal(list(frame.values.values()), on_wire[list(channels)])
    assert frame.bad == {NAMES[i] for i in channels if status[i] != 0}
    assert (frame.sequence, frame.time_ns, frame.utc_ns, frame.is_trusted) == (3, 1500, 9, True)
    entry = DOCUMENT["packets"][packet]
    assert frame.mode == (mode.value if entry["with_mode"] else "")
    assert frame.cap_w == ((700.0,) * 8 if entry["with_decision"] else ())
    assert frame.cap_reason == (("guard",) * 8 if entry["with_decision"] else ())


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_read_or_refused(payload: bytes) -> None:
    with contextlib.suppress(FrameError):  # and nothing else
        DECODER.frame("beacon", payload)


@given(st.data())
def test_a_damaged_frame_is_read_or_refused(data: st.DataObject) -> None:
    good = packed(0, np.ones(len(TABLE)), np.zeros(len(TABLE), np.int32), Mode.SAFE)
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for payload in (bytes(damaged), bytes(damaged[:cut])):
        with contextlib.suppress(FrameError):
            DECODER.frame("beacon", payload)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "packet 'beacon': is not a map"),
        ({"v": b"", "bad": b"\0", "seq": 0, "t": 0}, "packet 'beacon': v does not hold 8 values"),
        (
            {"v": bytes(32), "bad": b"", "seq": 0, "t": 0},
            "packet 'beacon': bad does not hold 8 bits",
        ),
        ({"v": bytes(32), "bad": b"\0", "seq": "x", "t": 0}, "seq is no whole number"),
        ({"v": bytes(32)}, "packet 'beacon': KeyError: 'bad'"),
    ],
)
def test_what_is_wrong_with_a_frame_is_said(body: object, message: str) -> None:
    with pytest.raises(FrameError) as caught:
        DECODER.frame("beacon", msgpack.packb(body))
    assert str(caught.value) == message
    with pytest.raises(FrameError, match="no packet 'fasst' in this dictionary"):
        DECODER.frame("fasst", b"")


def test_a_node_with_another_dictionary_is_refused_with_the_mend() -> None:
    good = {"dictionary": dictionary_hash(TABLE), "version": "0.1"}
    DECODER.check_birth(good)
    with pytest.raises(DictionaryMismatchError) as caught:
        DECODER.check_birth({"dictionary": "0" * 32, "version": "0.2"})
    assert str(caught.value) == (
        f"the node speaks dictionary {'0' * 32}, this is {DECODER.hash}: take the one of the node's"
        " version (0.2), as `nightside dictionary CONFIG --json` prints it there"
    )
    with pytest.raises(DictionaryMismatchError, match="schema 99 is not known here; known: 2, 3"):
        Decoder({**DOCUMENT, "schema": 99})
