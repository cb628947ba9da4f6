"""What became of each fault: when the daemon noticed it, what it did, when the node was safe and
back.

Told from events, grants and telemetry, as an operator would tell it; nothing here looks at plant
truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from flight.core.points import PointTable
from flight.core.types import Decision, Event, Inputs, Mode, Severity
from sim_hw.fault_injector import AppliedFault
from sim_hw.faults import FAULTS, accelerator_of, accelerators_struck
from sim_hw.scenario_times import PlannedFault
from sim_hw.timeline import NS_PER_S

STEPS_KEPT = 24
NOTICE_S = 30  # what comes later after the end of a fault is not its doing; assumed
CAP_W_SAFE = 200.5  # the safe cap and its read-back quantum
# While one of these words of accelN.cap_reason is in force, a response is still at work.
RESPONDING = frozenset(
    {"mode", "pump", "voltage", "rail", "sensor", "reflex", "lease", "ramp", "current"}
)
WHOLE_NODE = ("pump_stop", "daemon_stall", "coolant_leak", "bypass_stuck", "outlet_trip")
SHARED_BY_ALL = ("loop", "eps", "payload")  # targets


class Step(NamedTuple):
    """One thing that happened after a fault, as the daemon's event says it."""

    time_s: float
    event: str
    subject: str
    text: str


@dataclass(slots=True)
class FaultStory:
    """One fault. Times in s since the start of the run; None: not (yet).

    detected_by: event id and subject. safe_s: the accelerators concerned are off, or at their safe
    cap in a mode that keeps them on. back_s: no response is at work on them any more and the mode
    is the one of before. Both stay None when the fault asked for no response. concerned: the
    accelerators whose caps it may change; a fault of the whole node leaves out those on which an
    earlier response was still at work.
    """

    fault: PlannedFault
    mode_before: Mode
    concerned: tuple[int, ...]
    detected_s: float | None = None
    detected_by: str = ""
    safe_s: float | None = None
    back_s: float | None = None
    is_disturbed: bool = False
    steps: list[Step] = field(default_factory=list)


class FaultStories:
    """Follows all faults of a flight; a cycle sink. Costs nothing while no fault is open.

    Args:
        applied: The list that the fault injector appends to.
    """

    def __init__(self, points: PointTable, applied: Sequence[AppliedFault]) -> None:
        self.stories: list[FaultStory] = []
        self._applied = applied
        self._seen = 0
        self._open: list[FaultStory] = []
        self._mode = Mode.BOOT
        self._reasons: tuple[str, ...] = ()
        self._cap = points.match("accel*.cap_w")
        self._enable = points.match("rail.accel*_54v.enable")

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take one cycle."""
        while self._seen < len(self._applied):
            edge = self._applied[self._seen]
            self._seen += 1
            if edge.is_start:
                concerned = tuple(
                    i
                    for i in _concerned(edge.fault, len(self._reasons))
                    if self._reasons[i] not in RESPONDING or edge.fault.name not in WHOLE_NODE
                )
                story = FaultStory(edge.fault, self._mode, concerned)
                self.stories.append(story)
                self._open.append(story)
        self._mode, self._reasons = decision.mode, decision.cap_reason
        if self._open:
            for story in self._open:
                self._follow(story, inputs, decision)
            self._open = [story for story in self._open if not _is_told(story, inputs.now_ns)]

    def _follow(self, story: FaultStory, inputs: Inputs, decision: Decision) -> None:
        now_s = inputs.now_ns / NS_PER_S
        for event in decision.events:
            self._take_event(story, event, now_s)
        if story.detected_s is None:
            return  # what happens meanwhile is the answer to something else
        responding = [i for i in story.concerned if decision.cap_reason[i] in RESPONDING]
        if responding or decision.mode is not story.mode_before:
            story.is_disturbed = True
        if not story.is_disturbed:
            return
        must_be_off = decision.mode in (Mode.SAFE, Mode.SURVIVAL)
        is_safe = all(self._is_safe(i, inputs, must_be_off) for i in responding or story.concerned)
        if is_safe and story.safe_s is None:
            story.safe_s = now_s
        elif must_be_off and not is_safe:
            story.safe_s = None  # what was safe for one step of the response is not for the next
        elif not responding and decision.mode is story.mode_before:
            story.back_s = now_s
            if story.safe_s is None:
                story.safe_s = now_s

    def _is_safe(self, accelerator: int, inputs: Inputs, must_be_off: bool) -> bool:
        values = inputs.snapshot.values
        is_off = bool(values[self._enable[accelerator]] < 0.5)
        return is_off or (not must_be_off and bool(values[self._cap[accelerator]] <= CAP_W_SAFE))

    @staticmethod
    def _take_event(story: FaultStory, event: Event, now_s: float) -> None:
        if not _concerns(story.fault, event):
            return
        if story.detected_s is None and event.severity >= Severity.WARNING:
            story.detected_s = now_s
            story.detected_by = f"{event.event_id} {event.subject}"
        if len(story.steps) < STEPS_KEPT:
            story.steps.append(Step(now_s, event.event_id, event.subject, event.text))


def _is_told(story: FaultStory, now_ns: int) -> bool:
    """Whether nothing more belongs to the story: over, or long past and nobody minded."""
    if story.back_s is not None:
        return True
    fault = story.fault
    end_ns = fault.start_ns if FAULTS[fault.name].is_instant else fault.end_ns
    return not story.is_disturbed and now_ns > end_ns + NOTICE_S * NS_PER_S


def _concerned(fault: PlannedFault, count: int) -> range:
    """The accelerators whose caps a fault may change."""
    struck = accelerators_struck(fault.name, fault.target)
    is_shared = fault.name in WHOLE_NODE or fault.target.startswith(SHARED_BY_ALL)
    return range(count) if is_shared else range(struck.start, min(struck.stop, count))


def _concerns(fault: PlannedFault, event: Event) -> bool:
    if fault.name in WHOLE_NODE or event.subject == fault.target:
        return True
    subject, struck = accelerator_of(event.subject), accelerators_struck(fault.name, fault.target)
    return subject in struck if struck else subject is None
