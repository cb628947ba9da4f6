"""What is said of an event besides its severity."""

from typing import NamedTuple

from flight.core.types import Severity


class EventKind(NamedTuple):
    """Cause of an event and the operator's next step.

    severity: of an event of a service; that of others stands in the core.
    """

    cause: str
    action: str
    severity: Severity | None = None
