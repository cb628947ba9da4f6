"""The restart ladder: what follows a failure, from a fresh task to a reset of the host. Pure.

A chain belongs to one task (starts of the process: boot.py). Devices have ladders of their own in
the core: an accelerator is reset by its driver, then power-cycled by its rails. A chain is an
ordered list of rungs, each with a budget within a sliding window. A failure takes the first rung
with something left. When nothing is left the last rung is due: SAFE, and one attempt per back-off,
for ever. So restarting is bounded in rate (`restarts_max`) and never final.

Times are of a clock that goes on while the host sleeps (CLOCK_BOOTTIME), in ns. They are all the
state there is: whoever keeps them across processes keeps the windows.
"""

from enum import IntEnum
from typing import NamedTuple

NS_PER_S = 1_000_000_000
BACK_OFF_S = 600.0  # docs/design/supervision.md: one attempt per 10 minutes
LINK_BACK_OFF_S = 60.0  # assumed: the link is given up last, so it is tried more often


class Rung(IntEnum):
    """What can be done about a failure, in the order of what it costs."""

    TASK = 0  # start the task again
    SAFE = 1  # ask the node for SAFE first
    EXIT = 2  # end the process; whoever keeps it starts a fresh one
    WATCHDOG = 3  # stop stroking: the host is reset
    LAST = 4  # SAFE, one attempt per back-off


NODE_RUNGS = frozenset({Rung.SAFE, Rung.EXIT, Rung.WATCHDOG})  # one budget for all chains


class RungBudget(NamedTuple):
    """How often a rung may be taken: count_max times in any window_s.

    settle_s: time from the act to the next start; for EXIT and WATCHDOG the time after which the
    act is taken as without effect.
    """

    rung: Rung
    count_max: int
    window_s: float
    settle_s: float = 0.0


# The rungs beyond the task's own. Counts and windows are assumed; docs/design/supervision.md has
# this table.
DEFAULT_RUNGS = (
    RungBudget(Rung.SAFE, 1, 3600.0, 0.0),
    RungBudget(Rung.EXIT, 2, 3600.0, BACK_OFF_S),
    RungBudget(Rung.WATCHDOG, 1, 21600.0, BACK_OFF_S),
)


class Chain(NamedTuple):
    """The rungs of one thing that can fail, in their order.

    good_s: a run that lasts longer than this after an attempt of the last rung has the whole ladder
    again.
    """

    name: str
    rungs: tuple[RungBudget, ...]
    back_off_s: float = BACK_OFF_S
    good_s: float = BACK_OFF_S


# For each rung the times at which it was taken, oldest first; at the end those of the last rung.
Spent = tuple[tuple[int, ...], ...]


class Action(NamedTuple):
    """Take `rung`, then start again after delay_s."""

    rung: Rung
    delay_s: float


def keys(chain: Chain) -> tuple[str, ...]:
    """Return the names under which the times of a chain are kept, in the order of Spent."""
    pairs = [
        f"{'node' if budget.rung in NODE_RUNGS else chain.name}/{budget.rung.name.lower()}"
        for budget in chain.rungs
    ]
    return (*pairs, f"{chain.name}/last")


def within(times_ns: tuple[int, ...], window_s: float, now_ns: int) -> tuple[int, ...]:
    """Return the times inside the window; a time to come counts as now."""
    since_ns = now_ns - round(window_s * NS_PER_S)
    return tuple(min(time_ns, now_ns) for time_ns in times_ns if time_ns >= since_ns)


def decide(chain: Chain, spent: Spent, now_ns: int) -> tuple[Spent, Action]:
    """Return what a failure at now_ns leads to, and the times with it counted.

    Guarantees: a rung is taken at most count_max times in any window; attempts of the last rung are
    at least back_off_s apart; the delay is finite.
    """
    attempts_ns = spent[-1]
    is_last = bool(attempts_ns) and now_ns - attempts_ns[-1] <= round(chain.good_s * NS_PER_S)
    if not is_last:
        for index, budget in enumerate(chain.rungs):
            kept = within(spent[index], budget.window_s, now_ns)
            if len(kept) < budget.count_max:
                after = (*spent[:index], (*kept, now_ns), *spent[index + 1 :])
                return after, Action(budget.rung, budget.settle_s)
    attempt_ns = now_ns + round(chain.back_off_s * NS_PER_S)
    return (*spent[:-1], (attempt_ns,)), Action(Rung.LAST, chain.back_off_s)


def start_delay_s(chain: Chain, spent: Spent, now_ns: int) -> float:
    """Return how long the first start in a new process has to wait for the last rung's attempt."""
    attempts_ns = spent[-1]
    if not attempts_ns or attempts_ns[-1] <= now_ns:
        return 0.0
    return min((attempts_ns[-1] - now_ns) / NS_PER_S, chain.back_off_s)


def left(chain: Chain, spent: Spent, now_ns: int) -> int:
    """Return how often the first rung may still be taken now."""
    attempts_ns = spent[-1]
    if attempts_ns and now_ns - attempts_ns[-1] <= round(chain.good_s * NS_PER_S):
        return 0
    budget = chain.rungs[0]
    return max(0, budget.count_max - len(within(spent[0], budget.window_s, now_ns)))


def restarts_max(chain: Chain, window_s: float) -> int:
    """Return the most restarts that a chain can lead to in any window_s, whatever fails and when.

    A rung of n in w gives at most n (floor(window / w) + 1); the last rung one per back-off, plus
    one.
    """
    rungs = sum(b.count_max * (int(window_s // b.window_s) + 1) for b in chain.rungs)
    return rungs + int(window_s // chain.back_off_s) + 1
