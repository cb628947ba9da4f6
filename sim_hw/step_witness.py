"""S14 inside a flight: decisions depend on nothing but state and inputs.

Every tenth step is made twice from the same state and inputs; a clock, a global or a changed argument
in the core would make the two differ. Equal traces of two processes are a test of their own.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

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
        and state.to_bytes() == other_state.to_bytes()
    )
