"""Which rail depends on what, as data: `[rails.depends]`. A cycle is refused by name.

The rails of one accelerator have one entry each, `accel_aux` and `accel_54v`, the same for all.
`coolant_flow` is no rail, but rails wait for it alike.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

COOLANT_FLOW: Final = "coolant_flow"
PAYLOAD: Final = "payload_54v"
AUX: Final = "accel_aux"
MODULE: Final = "accel_54v"
RAILS: Final = (PAYLOAD, AUX, MODULE)

Depends = Mapping[str, tuple[str, ...]]

# REF-1, rail order. A module's hot-swap controller hangs on its auxiliary rail.
DEFAULT: Final[Depends] = MappingProxyType(
    {PAYLOAD: (), AUX: (COOLANT_FLOW, PAYLOAD), MODULE: (COOLANT_FLOW, PAYLOAD, AUX)}
)
_NEEDED: Final = ((MODULE, AUX), (MODULE, PAYLOAD))  # what the hardware feeds from what


def order(depends: Depends) -> tuple[str, ...]:
    """Return all names so that each comes after what it depends on; ties in the order given.

    Raises:
        ValueError: They form a cycle; the message names it.
    """
    done: dict[str, None] = {}
    for name in depends:
        _visit(name, depends, done, ())
    return tuple(done)


def _visit(name: str, depends: Depends, done: dict[str, None], path: tuple[str, ...]) -> None:
    if name in done:
        return
    if name in path:
        cycle = (*path[path.index(name) :], name)
        raise ValueError(f"the rails depend on each other in a cycle: {' -> '.join(cycle)}")
    for other in depends.get(name, ()):
        _visit(other, depends, done, (*path, name))
    done[name] = None


def all_depends(depends: Depends, name: str) -> frozenset[str]:
    """Return what a rail depends on, directly or through another. The data must have no cycle."""
    direct = depends.get(name, ())
    return frozenset(direct).union(*(all_depends(depends, other) for other in direct))


def check(depends: Depends) -> None:
    """Check the dependencies of a node.

    Raises:
        ValueError: An unknown name, a missing rail, a cycle, or an order the hardware forbids.
    """
    known = (*RAILS, COOLANT_FLOW)
    for name, others in depends.items():
        if name not in RAILS:
            raise ValueError(f"{name!r} is no rail to be sequenced; known: {', '.join(RAILS)}")
        for other in others:
            if other not in known:
                raise ValueError(
                    f"{name} depends on {other!r}, which does not exist; known: {', '.join(known)}"
                )
    missing = [name for name in RAILS if name not in depends]
    if missing:
        raise ValueError(f"no entry for {', '.join(missing)}; write [] for none")
    order(depends)
    for name, other in _NEEDED:
        if other not in all_depends(depends, name):
            raise ValueError(f"{name} must depend on {other}, which feeds it or its controller")
