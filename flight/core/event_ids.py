"""Event ids of the core that are not faults, with severities. Faults carry theirs (faults.py).

A fault that ends gives `<event_id>.cleared`, INFO. What to do: flight/dictionary/events.py.
"""

from types import MappingProxyType
from typing import Final

from flight.core.types import Severity

SEVERITIES: Final = MappingProxyType(
    {
        "mode.changed": Severity.INFO,
        "mode.safe": Severity.CRITICAL,
        "mode.survival": Severity.CRITICAL,
        "charge.rung_down": Severity.WARNING,
        "charge.rung_up": Severity.INFO,
        "loop.pump_lost": Severity.CRITICAL,
        "loop.no_flow": Severity.CRITICAL,
        "loop.recovered": Severity.INFO,
        "pump.failed": Severity.WARNING,
        "pump.cleared": Severity.INFO,
        "rail.adopted": Severity.INFO,
        "rail.switching_on": Severity.INFO,
        "rail.switched_off": Severity.INFO,
        "rail.fault_off": Severity.WARNING,
        "rail.latched_off": Severity.CRITICAL,
        "rail.unlatched": Severity.INFO,
        "accel.uncorrected_error": Severity.WARNING,
        "accel.xid": Severity.WARNING,
        "accel.draining": Severity.INFO,
        "accel.drained": Severity.INFO,
        "accel.reset": Severity.WARNING,
        "accel.reset_done": Severity.INFO,
        "accel.reset_failed": Severity.WARNING,
        "accel.retired": Severity.CRITICAL,
        "accel.returned": Severity.INFO,
        "accel.disabled": Severity.INFO,
        "accel.enabled": Severity.INFO,
        "node.budget_set": Severity.INFO,
        "limit.set": Severity.INFO,
        "limit.ended": Severity.INFO,
        "accel.on_probation": Severity.INFO,
        "accel.in_service": Severity.INFO,
        "payload.on": Severity.INFO,
        "payload.off": Severity.WARNING,
        "payload.latched_off": Severity.CRITICAL,
        "response.inhibited": Severity.WARNING,
        "response.enabled": Severity.INFO,
    }
)
