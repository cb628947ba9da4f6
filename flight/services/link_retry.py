"""How long to wait before the next try to connect."""

import random

from flight.link.transport import Failure

PAUSE_S_MIN, PAUSE_S_MAX = 1.0, 30.0
MEND_PAUSE_S_MIN, MEND_PAUSE_S_MAX = 60.0, 300.0  # where only a person can help; assumed
STABLE_S = 10.0  # a connection that stood so long was a good one; assumed


class BackOff:
    """Doubles the pause with each failure, up to a bound, for ever; jitter keeps nodes apart.

    Args:
        rng: Draws the jitter: each pause is between half and all of its length.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0

    def pause_s(self, failure: Failure, connected_s: float) -> float:
        """Return how long to wait after a failure.

        Args:
            connected_s: How long the connection stood, 0 when there was none.
        """
        if connected_s >= STABLE_S:
            self._failures = 0
        low_s, high_s = PAUSE_S_MIN, PAUSE_S_MAX
        if failure.needs_a_person:
            low_s, high_s = MEND_PAUSE_S_MIN, MEND_PAUSE_S_MAX
        pause_s = min(low_s * 2.0 ** min(self._failures, 16), high_s)
        self._failures += 1
        return pause_s * self._rng.uniform(0.5, 1.0)
