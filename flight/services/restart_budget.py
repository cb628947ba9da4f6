"""Where the times of restarts are kept, and the acts behind the rungs of the restart ladder."""

from collections.abc import Callable, Mapping
from typing import Protocol

from flight.services.restart_ladder import (
    BACK_OFF_S,
    DEFAULT_RUNGS,
    LINK_BACK_OFF_S,
    Action,
    Chain,
    Rung,
    RungBudget,
    Spent,
    decide,
    keys,
    left,
    start_delay_s,
)
from flight.services.supervised import Child


class BudgetStore(Protocol):
    """Keeps restart times across processes. Neither call waits or raises.

    Times of an earlier boot of the host come back as if they had just happened: nobody knows how
    long the host was off.
    """

    def load(self, name: str) -> tuple[int, ...]:
        """Return the times kept under a name, in ns of this boot, oldest first; () for none."""

    def save(self, name: str, times_ns: tuple[int, ...]) -> None:
        """Keep the times, durably before the process ends."""


class MemoryBudgetStore:
    """A BudgetStore that lasts as long as its object: for tests, and when there is no disk."""

    def __init__(self) -> None:
        self.times: dict[str, tuple[int, ...]] = {}

    def load(self, name: str) -> tuple[int, ...]:
        """Return the times kept under a name, () for none."""
        return self.times.get(name, ())

    def save(self, name: str, times_ns: tuple[int, ...]) -> None:
        """Keep the times."""
        self.times[name] = times_ns


def load_spent(store: BudgetStore, chain: Chain) -> Spent:
    """Return what a chain has spent."""
    return tuple(store.load(name) for name in keys(chain))


def count_failure(store: BudgetStore, chain: Chain, now_ns: int) -> Action:
    """Return what a failure at now_ns leads to; it is kept before anything is done about it."""
    before = load_spent(store, chain)
    after, action = decide(chain, before, now_ns)
    for name, old, new in zip(keys(chain), before, after, strict=True):
        if new != old:
            store.save(name, new)
    return action


class Escalation:
    """Turns failures of children into actions, and carries out the act of each rung.

    Args:
        boot_ns: CLOCK_BOOTTIME in ns; any steady clock will do without a store.
        store: Keeps the budgets; None: in memory.
        rungs: Budgets of the rungs above the task's own.
        acts: For a rung what to do, called with the name of the failed child; must return at once.
            A rung without an act is left out of every chain. LAST has an act too. SAFE is also
            asked for on every rung above it.
        back_off_s, link_back_off_s: Time between attempts of the last rung.
        on_act_failed: Called when an act raises; the chain goes on as if it had been done.
    """

    def __init__(
        self,
        *,
        boot_ns: Callable[[], int],
        store: BudgetStore | None = None,
        rungs: tuple[RungBudget, ...] = DEFAULT_RUNGS,
        acts: Mapping[Rung, Callable[[str], None]] | None = None,
        back_off_s: float = BACK_OFF_S,
        link_back_off_s: float = LINK_BACK_OFF_S,
        on_act_failed: Callable[[Rung, Exception], None] = lambda _rung, _error: None,
    ) -> None:
        self._boot_ns = boot_ns
        self._store: BudgetStore = MemoryBudgetStore() if store is None else store
        self._acts = dict(acts or {})
        self._rungs = {budget.rung: budget for budget in rungs if budget.rung in self._acts}
        self._back_off_s = back_off_s
        self._link_back_off_s = min(back_off_s, link_back_off_s)
        self._on_act_failed = on_act_failed

    def chain(self, child: Child, path: str) -> Chain:
        """Return the ladder of one child; `path` is its full name in the tree."""
        own = RungBudget(Rung.TASK, child.restarts_max, child.window_s)
        beyond = (self._rungs[rung] for rung in sorted(child.rungs) if rung in self._rungs)
        back_off_s = self._link_back_off_s if child.is_link else self._back_off_s
        return Chain(path, (own, *beyond), back_off_s, child.window_s)

    def start_delay_s(self, child: Child, path: str) -> float:
        """Return how long the first start in this process has to wait."""
        chain = self.chain(child, path)
        return start_delay_s(chain, load_spent(self._store, chain), self._boot_ns())

    def left(self, child: Child, path: str) -> int:
        """Return how many restarts are left before the next rung."""
        chain = self.chain(child, path)
        return left(chain, load_spent(self._store, chain), self._boot_ns())

    def fail(self, child: Child, path: str) -> Action:
        """Count a failure, carry out what it leads to and return it."""
        action = count_failure(self._store, self.chain(child, path), self._boot_ns())
        if action.rung is Rung.LAST and child.is_optional:
            return action  # the node flies without it
        if action.rung > Rung.SAFE:
            self._carry_out(Rung.SAFE, path)
        self._carry_out(action.rung, path)
        return action

    def _carry_out(self, rung: Rung, path: str) -> None:
        act = self._acts.get(rung)
        if act is None:
            return
        try:
            act(path)
        except Exception as error:  # noqa: BLE001  # a broken rung must not end the supervisor
            self._on_act_failed(rung, error)
