"""What a daemon is told from outside besides commands: orbit, plan, grants, jobs."""

from collections.abc import Callable

from flight.config import NodeConfig
from flight.core.types import Event
from flight.daemon_place import Place, Service
from flight.services.allotment_input import AllotmentInput
from flight.services.cycle import Feed
from flight.services.ephemeris_service import EphemerisService
from flight.services.plan_input import PlanInput
from flight.services.time_source import TimeSource
from flight.services.workload import WorkloadPort


class DaemonInputs:
    """The services that know what the cycle is fed with.

    Args:
        note: Takes their events.
    """

    def __init__(
        self, config: NodeConfig, place: Place, time: TimeSource, note: Callable[[Event], None]
    ) -> None:
        count, element_set = config.node.accelerator_count, place.element_set

        def is_time_trusted() -> bool:
            return time.health.is_trusted

        self.ephemeris = EphemerisService(
            config=config.ephemeris,
            now_ns=place.now_ns,
            utc_offset_ns=time.offset_ns,
            is_time_trusted=is_time_trusted,
            element_set=None if element_set is None else lambda: element_set,
            on_event=note,
        )
        self.plan = PlanInput(
            config=config.plan_input,
            accelerator_count=count,
            now_ns=place.now_ns,
            utc_offset_ns=time.offset_ns,
            is_time_trusted=is_time_trusted,
            on_event=note,
            has_thread=not place.is_virtual,
        )
        self.allotment = AllotmentInput(
            config=config.allotment_input,
            now_ns=place.now_ns,
            utc_offset_ns=time.offset_ns,
            is_time_trusted=is_time_trusted,
            on_event=note,
            has_thread=not place.is_virtual,
        )
        self.workload = WorkloadPort(
            config=config.workload,
            accelerator_count=count,
            now_ns=place.now_ns,
            session_id=place.session_id,
            utc_offset_ns=lambda: time.offset_ns() if is_time_trusted() else None,
            on_event=note,
        )

    def services(self) -> dict[str, Service]:
        """Return what must run, by name."""
        made: dict[str, Service] = {"ephemeris": self.ephemeris, "plan": self.plan}
        if self.allotment.is_configured:
            made["allotment"] = self.allotment
        return made | {"workload": self.workload}

    def lay_out(self, feed: Feed) -> None:
        """Lay out for the cycle what the services know.

        Without a file of grants what the feed has stays: in simulation the spacecraft grants.
        """
        feed.plan = self.plan.value
        feed.orbit = self.ephemeris.forecast
        feed.claims = self.workload.claims()
        if self.allotment.is_configured:
            feed.allotment = self.allotment.value
