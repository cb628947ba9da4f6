"""The state of the core at any time of a recording: the last one kept, and the steps since.

For people who look (`nightside top`), not for proofs: nothing is compared, and where this version
cannot step what was flown there is no state.
"""

from flight.config import build_points
from flight.core.state import State
from flight.core.step import StepConfig, compile_config, step
from flight.operator_error import OperatorError
from flight.replay import LATE_ID, recorded_config
from flight.services.recording import NS_PER_S, RecordingReader


class RecordedStates:
    """The states of one run; going forward costs only the steps between.

    Args:
        reader: Stays open as long as this is used.

    config: None: this version cannot step what was flown.
    """

    def __init__(self, reader: RecordingReader) -> None:
        self.config = _compiled(reader)
        self._reader = reader
        self._last: State | None = None

    def at(self, now_ns: int) -> State | None:
        """Return the state behind the last cycle at or before a time; None: it cannot be known."""
        if self.config is None:
            return None
        kept = self._kept(now_ns)
        last = self._last
        if last is None or not (kept.now_ns if kept else 0) <= last.now_ns <= now_ns:
            last = kept
        self._last = None if last is None else self._step(self.config, last, now_ns)
        return self._last

    def _kept(self, now_ns: int) -> State | None:
        try:
            kept = self._reader.state_before(now_ns)
        except (ValueError, TypeError):  # of another version
            return None
        return None if kept is None else kept[1]

    def _step(self, config: StepConfig, state: State, to_ns: int) -> State:
        begin_ns = state.now_ns
        for inputs, recorded in self._reader.rows(begin_ns / NS_PER_S, to_ns / NS_PER_S):
            is_late = any(event.event_id == LATE_ID for event in recorded.events)
            if inputs.now_ns > begin_ns and not is_late:  # a late cycle took no step
                state, _ = step(config, state, inputs)
        return state


def _compiled(reader: RecordingReader) -> StepConfig | None:
    try:
        config = recorded_config(reader)
        points = build_points(config)
    except (OperatorError, ValueError, KeyError):
        return None
    if tuple(point.name for point in points) != reader.channels():
        return None
    return compile_config(config, points)
