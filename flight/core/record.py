"""Records that nobody changes: frozen to the type checker, plain to the machine.

A frozen dataclass sets each of its fields by a call of its own, at a quarter of a microsecond:
15 µs in a cycle, more than judge. So the few records that are made in each cycle are plain ones
that mypy holds to be frozen; a flight that checks itself runs steps twice and would see a change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record() -> Callable[[type[T]], type[T]]:
    """Return a decorator as `dataclass(frozen=True, slots=True)`, for what each cycle makes."""
    return dataclass(slots=True)
