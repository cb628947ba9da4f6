"""Commands that change parameters: done one after the other, answered once they are on the disk.

Until a command has its answer nothing is promised; after it, no crash loses what it did.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from flight.core.types import Ack, Command
from flight.services.nap import Nap
from flight.services.parameters import Outcome, Parameters

WAITING_MAX: Final = 64
WAKE_S: Final = 1.0
CONFIRM_S: Final = 600.0  # assumed: the next pass

# Of each command, the required and the optional arguments.
ARGUMENTS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType(
    {
        "set_parameter": (frozenset({"key", "value"}), frozenset()),
        "reset_parameter": (frozenset({"key"}), frozenset()),
        "discard_parameters": (frozenset(), frozenset()),
        "activate_parameters": (frozenset(), frozenset({"confirm_s"})),
        "confirm_parameters": (frozenset(), frozenset()),
        "revert_parameters": (frozenset(), frozenset()),
    }
)


class ParameterCommands:
    """Carries the commands of ARGUMENTS out; a service.

    Args:
        parameters: What they change.
        secure: Writes the store now; returns whether it is durable.
        answer: Takes the one answer to each command.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        secure: Callable[[], Awaitable[bool]],
        answer: Callable[[Ack], None],
    ) -> None:
        self.progress = 0
        self._parameters = parameters
        self._secure = secure
        self._answer = answer
        self._waiting: deque[Command] = deque()
        self._nap = Nap()
        self._is_ending = False

    def submit(self, command: Command) -> None:
        """Take a command; beyond WAITING_MAX, or at the end, it is answered with a refusal."""
        if self._is_ending:
            self._answer(Ack(command.command_id, False, "interrupted: the daemon ends"))
            return
        if len(self._waiting) >= WAITING_MAX:
            text = f"{WAITING_MAX} parameter commands already wait"
            self._answer(Ack(command.command_id, False, text))
            return
        self._waiting.append(command)
        self._nap.wake()

    def request_end(self) -> None:
        """Ask `run` to return; what waits is answered as interrupted."""
        self._is_ending = True
        self._nap.wake()

    async def run(self) -> None:
        """Carry out what comes, and take unconfirmed activations back, until `request_end`."""
        try:
            while not self._is_ending:
                self._parameters.expire()
                self.progress += 1
                if self._waiting:
                    await self._one(self._waiting.popleft())
                    continue
                await self._nap.sleep(WAKE_S)
        finally:
            while self._waiting:
                text = "interrupted: the daemon ends or this service was restarted"
                self._answer(Ack(self._waiting.popleft().command_id, False, text))

    async def _one(self, command: Command) -> None:
        is_answered = False
        try:
            outcome = self._carry_out(command)
            ack = Ack(command.command_id, outcome.ok, _say(outcome))
            if outcome.ok and not await self._secure():
                ack = Ack(command.command_id, False, "in force, but the store cannot be written")
            self._answer(ack)
            is_answered = True
        finally:
            if not is_answered:
                self._answer(Ack(command.command_id, False, "interrupted"))

    def _carry_out(self, command: Command) -> Outcome:
        arguments = dict(command.arguments)
        required, optional = ARGUMENTS[command.name]
        missing, unknown = required - arguments.keys(), arguments.keys() - required - optional
        if missing or unknown:
            wrong = [f"missing {key}" for key in sorted(missing)]
            return Outcome(False, tuple(wrong + [f"unknown {key}" for key in sorted(unknown)]))
        parameters, key = self._parameters, str(arguments.get("key", ""))
        if command.name == "set_parameter":
            return parameters.stage(key, arguments["value"])
        if command.name == "reset_parameter":
            return parameters.stage(key, None)
        if command.name == "discard_parameters":
            return parameters.discard()
        if command.name == "activate_parameters":
            confirm_s = arguments.get("confirm_s", CONFIRM_S)
            if isinstance(confirm_s, str):
                return Outcome(False, (f"confirm_s must be a number of seconds: {confirm_s!r}",))
            return parameters.activate(confirm_s)
        if command.name == "confirm_parameters":
            return parameters.confirm()
        return parameters.revert()


def _say(outcome: Outcome) -> str:
    if outcome.restart_keys:
        return f"done; from the next start of the daemon on: {', '.join(outcome.restart_keys)}"
    return "; ".join(outcome.reasons) or "done"
