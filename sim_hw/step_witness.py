"""S14 inside a flight: decisions depend on nothing but state and inputs.

Every tenth cycle of every flight is decided twice from the same state and inputs; a clock, a global
or a changed argument in the core would make the two differ. That the whole trace of two processes
is equal is a test of its own (tests/system/test_processes.py).
"""

from collections.abc import Callable
from math import copysign
from typing import Generic, Protocol, TypeVar

import numpy as np

from flight.core.types import Decision, Inputs

EVERY = 10


class PackedState(Protocol):
    """A state of the core, as far as the witness looks at it."""

    def to_bytes(self) -> bytes:
        """Return a canonical encoding."""


C = TypeVar("C")
S = TypeVar("S", bound=PackedState)


class StepWitness(Generic[C, S]):
    """Stands in for `step`, with the same signature.

    Attributes:
        compared: Steps made twice. differed: How many of them came out differently.
    """

    def __init__(self, step: Callable[[C, S, Inputs], tuple[S, Decision]]) -> None:
        self.compared = 0
        self.differed = 0
        self._step = step
        self._count = 0

    def __call__(self, config: C, state: S, inputs: Inputs) -> tuple[S, Decision]:
        """Run one step of the wrapped function."""
        result = self._step(config, state, inputs)
        self._count += 1
        if self._count % EVERY == 0:
            again = self._step(config, state, inputs)
            self.compared += 1
            if not _are_equal(result, again):
                self.differed += 1
        return result


def _are_equal(one: tuple[S, Decision], other: tuple[S, Decision]) -> bool:
    (state, decision), (other_state, other_decision) = one, other
    return (
        decision.desired.tobytes() == other_decision.desired.tobytes()
        and decision.mode is other_decision.mode
        and decision.cap_w == other_decision.cap_w
        and decision.cap_reason == other_decision.cap_reason
        and decision.events == other_decision.events
        and (_are_surely_same(state, other_state) or state.to_bytes() == other_state.to_bytes())
    )


def _are_surely_same(one: object, other: object) -> bool:
    """Look for equality the cheap way: what both share is not looked into, for it never changes.

    False only means that the canonical encoding has to decide.
    """
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_are_surely_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other and copysign(1.0, one) == copysign(1.0, other)
    if isinstance(one, int | str):
        return one == other
    names: tuple[str, ...] = getattr(kind, "__slots__", ())
    return bool(names) and all(
        _are_surely_same(getattr(one, name), getattr(other, name)) for name in names
    )
