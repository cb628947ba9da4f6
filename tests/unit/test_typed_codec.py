"""Values of the core as bytes: exact, tolerant of another version, and of damage."""

import math
from typing import Any, NamedTuple

import msgpack
import numpy as np
import pytest

from flight.core.arbiter import CapReason
from flight.core.state import State
from flight.core.types import Mode, Restored, WorkloadClaim
from flight.services.typed_codec import decoder, pack, unpack
from tests.core_node import booted


def test_a_state_comes_back_to_the_bit() -> None:
    node = booted()
    node.pump_dead[0] = True
    node.fly(5.0)
    again = unpack(State, pack(node.state))
    assert again.to_bytes() == node.state.to_bytes()
    assert type(again.mode.mode) is Mode and type(again.grants.reason[0]) is CapReason
    with pytest.raises(ValueError, match="read-only"):
        again.desired[0] = 1.0


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Restored | None, None),
        (Restored | None, Restored(operator_limits_w=(("all", 1.5, "o", math.inf),))),
        (tuple[WorkloadClaim, ...], (WorkloadClaim(), WorkloadClaim(client="a"))),
        (frozenset[int], frozenset({3, 1})),
        (tuple[int, str], (1, "a")),
    ],
)
def test_values_come_back(kind: Any, value: Any) -> None:
    assert unpack(kind, pack(value)) == value


def test_a_float_of_numpy_becomes_a_plain_one() -> None:
    assert type(unpack(float, pack(np.float64(0.1)))) is float


def test_a_field_more_and_a_field_less_are_borne() -> None:
    written = msgpack.packb({"client": "a", "colour": "blue"})
    assert unpack(WorkloadClaim, written) == WorkloadClaim(client="a")


class Needs(NamedTuple):
    """A record whose fields have no defaults."""

    first: int
    second: int


@pytest.mark.parametrize(
    "packed", [b"", b"\xc1", msgpack.packb({"first": 1}), msgpack.packb([1, 2]), b"\x82\xa5first"]
)
def test_damage_is_a_value_error(packed: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are those of several libraries
        unpack(Needs, packed)


def test_every_short_prefix_of_a_state_is_refused() -> None:
    packed = pack(booted().state)
    for length in range(0, len(packed), 997):
        with pytest.raises(ValueError):  # noqa: PT011 - as above
            unpack(State, packed[:length])


@pytest.mark.parametrize("kind", [set[int], int | tuple[int, ...], complex])
def test_a_type_without_an_encoding_is_named(kind: Any) -> None:
    with pytest.raises(TypeError, match="encoding"):
        decoder(kind)
    with pytest.raises(TypeError, match="no encoding"):
        pack(complex(1))
