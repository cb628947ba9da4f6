"""What the node is told by a file: read when it changes, checked whole, turned into monotonic time.

A file that cannot be used is told with its reason, and what is in force stays until its own
validity ends. Files are looked at by a thread of their own, so a sick disk holds nobody up.
"""

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Generic, NamedTuple, Protocol, TypeVar

from pydantic import PlainValidator

from flight.core.types import Event, Severity
from flight.operator_error import OperatorError
from flight.services.file_watch import FileWatch, Sighting
from flight.services.nap import Nap

NS_PER_S: Final = 1_000_000_000
WAKE_S: Final = 1.0
WATTS_MAX: Final = 100_000.0
FILE_BYTES_MAX: Final = 500_000
OFFSET_CHANGE_NS: Final = 100_000_000  # a smaller step of UTC leaves the content where it is
TEXT_LENGTH_MAX: Final = 400  # of the reason in an event

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class UtcContent(Protocol[V_co]):
    """What a file says, in UTC."""

    @property
    def valid_until_s(self) -> float:
        """From here on it binds nothing."""

    def monotonic(self, offset_ns: int) -> V_co | None:
        """Return the same in monotonic time; None: it takes back what was in force."""

    def say(self) -> str:
        """Return it in words, for an event."""


class FileInputHealth(NamedTuple):
    """What the service knows of itself. problem: why the newest file is not in force, or ""."""

    accepted: int
    rejected: int
    problem: str


class FileInput(Generic[V]):
    """Gives the cycle what a file says.

    Args:
        name: Of what it is, such as "plan": of the events NAME.accepted, NAME.rejected.
        path: Of the file; "" for none.
        parse: Returns the content, from the name of the file and its text; raises OperatorError.
        now_ns, utc_offset_ns, is_time_trusted: As for the ephemeris service. While UTC is not
            trusted no file is taken; what is in force is in monotonic time and stays.
        on_event: Takes the events; must not raise.
        has_thread: Whether the file is looked at by a thread; False in virtual time.
        renews_quietly: What says the same for longer is in force without an event.

    Attributes:
        value: The newest, None for none; the same object while nothing changed. One whose validity
            is over stays: what holds then is the core's to say.
        progress: Grows with every wake-up, at least once a second.
    """

    def __init__(
        self,
        name: str,
        path: str,
        parse: Callable[[str, str], UtcContent[V]],
        *,
        now_ns: Callable[[], int],
        utc_offset_ns: Callable[[], int | None],
        is_time_trusted: Callable[[], bool],
        on_event: Callable[[Event], None] = lambda _event: None,
        has_thread: bool = True,
        renews_quietly: bool = False,
    ) -> None:
        self.value: V | None = None
        self.progress = 0
        self._name = name
        self._path = Path(path)
        self._parse = parse
        self._now_ns = now_ns
        self._utc_offset_ns = utc_offset_ns
        self._is_time_trusted = is_time_trusted
        self._on_event = on_event
        self._has_thread = has_thread
        self._watch: FileWatch[UtcContent[V]] | None = None
        if path:
            self._watch = FileWatch(self._path, bytes_max=FILE_BYTES_MAX, convert=self._convert)
        self._renews_quietly = renews_quietly
        self._said = ""  # of what was accepted last; "" after a rejection
        self._nap = Nap()
        self._is_ending = False
        self._content: UtcContent[V] | None = None  # what `value` was made from
        self._offset_ns = 0
        self._waiting: Sighting[UtcContent[V]] | None = None  # read, but UTC is not trusted yet
        self._accepted = 0
        self._rejected = 0
        self._problem = ""

    @property
    def is_configured(self) -> bool:
        """Whether there is a file to look at."""
        return self._watch is not None

    @property
    def health(self) -> FileInputHealth:
        """The state of the service now."""
        return FileInputHealth(self._accepted, self._rejected, self._problem)

    def request_end(self) -> None:
        """Ask `run` to return."""
        self._is_ending = True
        self._nap.wake()

    async def run(self) -> None:
        """Follow the file until `request_end`."""
        if self._watch is not None and self._has_thread:
            self._watch.start()
        try:
            while not self._is_ending:
                self.look()
                self.progress += 1
                await self._nap.sleep(WAKE_S)
        finally:
            if self._watch is not None and self._is_ending:
                self._watch.end()

    def look(self) -> None:
        """Take what the watch has seen, follow UTC."""
        if self._watch is not None:
            self._waiting = self._watch.take() or self._waiting
        offset_ns = self._utc_offset_ns() if self._is_time_trusted() else None
        if offset_ns is not None:
            self._follow(offset_ns)
            if self._waiting is not None:
                sighting, self._waiting = self._waiting, None
                self._judge(sighting, offset_ns)
        elif self._waiting is not None:
            self._problem = "waits for a trusted UTC"

    def tell(self, event: str, severity: Severity, text: str) -> None:
        """Tell of NAME.event."""
        self._on_event(Event(self._now_ns(), f"{self._name}.{event}", severity, self._name, text))

    def _follow(self, offset_ns: int) -> None:
        """Shift what is in force when UTC stepped against monotonic time."""
        if self._content is not None and abs(offset_ns - self._offset_ns) > OFFSET_CHANGE_NS:
            self.value, self._offset_ns = self._content.monotonic(offset_ns), offset_ns

    def _convert(self, data: bytes) -> UtcContent[V]:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise OperatorError(f"{self._path}: is not text, so it cannot be used") from None
        return self._parse(str(self._path), text)

    def _judge(self, sighting: Sighting[UtcContent[V]], offset_ns: int) -> None:
        utc_s = (self._now_ns() + offset_ns) / NS_PER_S
        content = sighting.value
        if content is None:
            self._reject(sighting.errors)
            return
        if content.valid_until_s <= utc_s:
            text = "valid_until_utc is over; write one for the time to come"
            self._reject((f"{self._path}: {text}",))
            return
        self._accepted += 1
        self._problem = ""
        self._content, self._offset_ns = content, offset_ns
        self.value = content.monotonic(offset_ns)
        said, before = content.say(), self._said
        self._said = said
        if said != before or not self._renews_quietly:
            left_s = content.valid_until_s - utc_s
            self.tell("accepted", Severity.INFO, f"{said}, {left_s:.0f} s")

    def _reject(self, errors: tuple[str, ...]) -> None:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        self._problem = f"{errors[0][:TEXT_LENGTH_MAX]}{more}"
        self._rejected += 1
        self._said = ""
        self.tell("rejected", Severity.WARNING, self._problem)


def load_table(name: str, text: str, *, keys: str) -> dict[str, Any]:
    """Return the table of a JSON or TOML file; its name says which. keys: that belong in it.

    Raises:
        OperatorError: It is neither.
    """
    kind = "JSON" if name.endswith(".json") else "TOML"
    try:
        data = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise OperatorError(f"{name}: is not valid {kind}: {error}") from None
    if not isinstance(data, dict):
        raise OperatorError(f"{name}: is no table of keys; write {keys}")
    return data


def is_number(value: object) -> bool:
    """Whether it is a number and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def utc_time(value: Any) -> datetime:
    """Return a time as UTC; without a zone it is taken for UTC. A number is never a date here.

    Raises:
        ValueError: It is no time.
    """
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        when = None
    if not isinstance(when, datetime) or not 2000 <= when.year <= 2100:  # fits in 64 bits of ns
        raise ValueError("write a time such as 2030-03-20T12:00:00Z")
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _watts(value: Any) -> float:
    if not (is_number(value) and 0.0 <= value <= WATTS_MAX):
        raise ValueError(f"write watts, 0 to {WATTS_MAX:g}")
    return float(value)


UtcTime = Annotated[datetime, PlainValidator(utc_time)]
Watts = Annotated[float, PlainValidator(_watts)]
