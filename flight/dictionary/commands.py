"""Commands as data: what each does, and of each argument type, unit, range and meaning.

Which commands and arguments there are is decided in flight/core/commands.py; a test holds the two
together. A limit in quotes is a key of the configuration.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from flight.core.commands import INHIBIT_S_MAX, INHIBITABLE
from flight.core.fault_kinds import FAULT_IDS
from flight.core.modes import COMMANDS as MODE_COMMANDS


class Argument(NamedTuple):
    """One argument. A number has `low` and `high`, a text its `choices`; without any, it is free.

    low, high: a number, or the key of the configuration that holds it. unit: "" for a text.
    """

    name: str
    description: str
    unit: str = ""
    low: float | str = 0.0
    high: float | str = 0.0
    choices: tuple[str, ...] = ()
    is_required: bool = True

    @property
    def is_number(self) -> bool:
        """Whether a number is expected."""
        return bool(self.unit)


class CommandKind(NamedTuple):
    """One command."""

    description: str
    arguments: tuple[Argument, ...]


_OWNER = Argument("owner", "Whose limit it is; without it, operator.", is_required=False)
_ACCELERATOR = Argument("subject", "The accelerator.", choices=("accelN", "all"))

COMMANDS: Mapping[str, CommandKind] = MappingProxyType(
    {
        "set_mode": CommandKind(
            "Change the mode; refused where the table of modes has no way.",
            (Argument("mode", "The mode wanted.", choices=tuple(MODE_COMMANDS)),),
        ),
        "operator_limit": CommandKind(
            "Limit the cap of accelerators, for a time or until the next limit.",
            (
                _ACCELERATOR,
                Argument("cap_w", "Highest cap.", "W", "arbiter.cap_w_min", "arbiter.cap_w_max"),
                Argument("duration_s", "Without it, for good.", "s", 0.1, 1e7, is_required=False),
                _OWNER,
            ),
        ),
        "release_limit": CommandKind("End a limit of one owner.", (_ACCELERATOR, _OWNER)),
        "node_budget": CommandKind(
            "Limit the power of the whole node.",
            (
                Argument(
                    "power_w",
                    "Highest power.",
                    "W",
                    "arbiter.overhead_w",
                    "arbiter.node_power_w_max",
                ),
            ),
        ),
        "enable_accelerator": CommandKind("Let accelerators be switched on.", (_ACCELERATOR,)),
        "disable_accelerator": CommandKind(
            "Switch accelerators off in order and leave them off.", (_ACCELERATOR,)
        ),
        "clear_latched": CommandKind(
            "Release what a fault has latched off.",
            (
                Argument(
                    "subject",
                    "What is released.",
                    choices=("accelN", "payload_54v", "pump_a", "pump_b", "all"),
                ),
            ),
        ),
        "inhibit_response": CommandKind(
            "Stop a response of the daemon for a time; it comes back by itself.",
            (
                Argument("name", "The response.", choices=INHIBITABLE),
                Argument("duration_s", "How long; 0 ends it.", "s", 0.0, INHIBIT_S_MAX),
            ),
        ),
        "inhibit_fault": CommandKind(
            "Hold back the response of a fault for a time; it is told and counted as before.",
            (
                Argument("id", "The fault.", choices=tuple(sorted(FAULT_IDS))),
                Argument("duration_s", "How long; 0 ends it.", "s", 0.0, INHIBIT_S_MAX),
            ),
        ),
        "retire": CommandKind(
            "Take accelerators out of service until return_to_service.",
            (_ACCELERATOR, Argument("reason", "Why, for the log.", is_required=False)),
        ),
        "return_to_service": CommandKind(
            "Let retired accelerators be switched on again; they start with probation.",
            (_ACCELERATOR,),
        ),
        "reset_accelerator": CommandKind(
            "Reset accelerators once their clients have left.", (_ACCELERATOR,)
        ),
    }
)
