"""[supervision]: restart budgets, stall and block detection, watchdog, memory."""

from typing import Self

from pydantic import Field, model_validator

from flight.core.section import Section
from flight.services.restart_ladder import Rung, RungBudget


class SupervisionConfig(Section):
    """[supervision]: how the daemon's own tasks are restarted and watched."""

    task_restarts_max: int = Field(
        3, ge=0, le=100, description="Restarts of a task in its window; assumed."
    )
    task_window_s: float = Field(600.0, ge=10.0, le=86400.0, description="That window; assumed.")
    safe_requests_max: int = Field(
        1, ge=1, le=10, description="Requests for SAFE in an hour before more is done; assumed."
    )
    exits_max: int = Field(
        2, ge=0, le=10, description="Ends of the process in an hour, as a rung; assumed."
    )
    watchdog_resets_max: int = Field(
        1, ge=0, le=4, description="Host resets by watchdog in 6 h, as a rung; assumed."
    )
    back_off_s: float = Field(
        600.0, ge=60.0, le=3600.0, description="One attempt per so long on the last rung, for ever."
    )
    link_back_off_s: float = Field(
        60.0, ge=10.0, le=600.0, description="The same for the link, given up last; assumed."
    )
    stall_s: float = Field(
        5.0, ge=2.0, le=300.0, description="A task without progress so long is restarted; assumed."
    )
    blocked_s: float = Field(
        0.25, ge=0.05, le=5.0, description="A call that holds the loop longer is named; assumed."
    )
    rss_mib_max: float = Field(
        200.0, ge=64.0, le=4096.0, description="Resident memory beyond it: restart; assumed."
    )
    watchdog_timeout_s: int = Field(
        30, ge=10, le=600, description="Time-out of the host's watchdog device; assumed."
    )
    watchdog_period_s: float = Field(
        5.0, ge=2.0, le=60.0, description="Between strokes, each on a fresh token; assumed."
    )
    realtime_priority: int = Field(
        0, ge=0, le=50, description="SCHED_FIFO of the cycle's thread; 0: normal priority; assumed."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.watchdog_period_s * 3.0 > self.watchdog_timeout_s:
            raise ValueError(
                f"watchdog_period_s = {self.watchdog_period_s} must be at most a third of "
                f"watchdog_timeout_s = {self.watchdog_timeout_s}"
            )
        if self.link_back_off_s > self.back_off_s:
            raise ValueError(
                f"link_back_off_s = {self.link_back_off_s} must not be longer than "
                f"back_off_s = {self.back_off_s}: the link is given up last"
            )
        if self.stall_s <= 2.0 * self.blocked_s:
            raise ValueError(
                f"stall_s = {self.stall_s} must be more than twice blocked_s = {self.blocked_s}"
            )
        return self

    def rungs(self) -> tuple[RungBudget, ...]:
        """Return the rungs beyond the task's own."""
        return (
            RungBudget(Rung.SAFE, self.safe_requests_max, 3600.0),
            RungBudget(Rung.EXIT, self.exits_max, 3600.0, self.back_off_s),
            RungBudget(Rung.WATCHDOG, self.watchdog_resets_max, 21600.0, self.back_off_s),
        )
