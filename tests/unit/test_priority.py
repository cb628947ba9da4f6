"""The real-time priority of the cycle: asked for, refused with a mend, never in the way."""

import errno
import os

import pytest

from flight.services.priority import take_priority


def refuse_with(code: int, calls: list[int]):
    def refuse(pid: int, policy: int, param: os.sched_param) -> None:
        calls.append(param.sched_priority)
        raise OSError(code, os.strerror(code))

    return refuse


def test_zero_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", refuse_with(errno.EPERM, calls))
    assert take_priority(0) == "" and calls == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (errno.EPERM, "priority 10 is not permitted: allow it (LimitRTPRIO= of the unit, "),
        (errno.EINVAL, "priority 10: Invalid argument"),
    ],
)
def test_a_refusal_says_why(code: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", refuse_with(code, calls))
    assert take_priority(10).startswith(text) and calls == [10]


def test_only_the_calling_thread_is_raised_and_its_threads_stay_normal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(
        os,
        "sched_setscheduler",
        lambda pid, policy, param: asked.append((pid, policy, param.sched_priority)),
    )
    assert take_priority(10) == ""
    assert asked == [(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, 10)]
