"""The simulated spacecraft around a node: it grants watts and heat for a while, again and again."""

from collections.abc import Mapping

from flight.core.types import Allotment

NS_PER_S = 1_000_000_000
VALID_S = 90.0  # of a grant: one that is lost does not hurt yet; assumed
EVERY_S = 60.0  # between two grants; assumed


class Spacecraft:
    """Grants an allotment in a fixed rhythm, as the last order of a scenario says.

    Nothing is granted before the first order. After an order with `every_s` 0 there is one grant,
    and then the spacecraft is silent.
    """

    def __init__(self) -> None:
        self._power_w = self._heat_w = 0.0
        self._valid_ns = self._every_ns = 0
        self._next_ns = -1  # when the next grant goes out; below 0: never

    def order(self, parameters: Mapping[str, float | bool | str], now_ns: int) -> None:
        """Grant this from now on.

        Args:
            parameters: power_w; heat_w, as much without it; valid_s; every_s.
        """
        self._power_w = float(parameters["power_w"])
        self._heat_w = float(parameters.get("heat_w", self._power_w))
        self._valid_ns = round(float(parameters.get("valid_s", VALID_S)) * NS_PER_S)
        self._every_ns = round(float(parameters.get("every_s", EVERY_S)) * NS_PER_S)
        self._next_ns = now_ns

    def grant(self, now_ns: int) -> Allotment | None:
        """Return the grant that goes out now, None between two."""
        if self._next_ns < 0 or now_ns < self._next_ns:
            return None
        self._next_ns = now_ns + self._every_ns if self._every_ns else -1
        return Allotment(self._power_w, self._heat_w, now_ns + self._valid_ns)
