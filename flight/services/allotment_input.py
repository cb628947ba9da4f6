"""The grant of the spacecraft as a file: power and heat for a while, by the rules of file_input."""

from collections.abc import Callable
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flight.core.section import Section
from flight.core.types import Allotment, Event
from flight.operator_error import OperatorError, explain_validation
from flight.services.file_input import NS_PER_S, FileInput, UtcTime, Watts, load_table


class AllotmentInputSection(Section):
    """A spacecraft's grant from a file."""

    path: str = Field(
        default="", description="A .json or .toml file, read when it changes; empty: no grants."
    )


class AllotmentFile(BaseModel):
    """What a file of a grant says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    power_w: Watts = Field(description="What the whole node may draw.")
    heat_w: Watts | None = Field(
        default=None, description="What it may give off; as much as power_w without it."
    )
    valid_until_utc: UtcTime = Field(description="From here on the node keeps to its fallback.")


class UtcAllotment(NamedTuple):
    """A grant with its end in UTC seconds."""

    power_w: float
    heat_w: float
    valid_until_s: float

    def monotonic(self, offset_ns: int) -> Allotment:
        """Return the same in monotonic time."""
        until_ns = round(self.valid_until_s * NS_PER_S) - offset_ns
        return Allotment(self.power_w, self.heat_w, until_ns)

    def say(self) -> str:
        """Return it in words."""
        return f"{self.power_w:g} W, heat {self.heat_w:g} W"


def parse_allotment(name: str, text: str) -> UtcAllotment:
    """Return the grant that a file holds.

    Args:
        name: Of the file; its suffix says what it is.

    Raises:
        OperatorError: It cannot be used; one line per mistake.
    """
    data = load_table(name, text, keys="power_w, heat_w and valid_until_utc")
    try:
        found = AllotmentFile.model_validate(data)
    except ValidationError as error:
        raise OperatorError(explain_validation(name, error, AllotmentFile, data)) from None
    heat_w = found.power_w if found.heat_w is None else found.heat_w
    return UtcAllotment(found.power_w, heat_w, found.valid_until_utc.timestamp())


class AllotmentInput(FileInput[Allotment]):
    """Gives the cycle the grant of a file. That one has ended is the core's to tell.

    Args: As those of FileInput; config: the section [allotment_input].
    """

    def __init__(
        self,
        *,
        config: AllotmentInputSection,
        now_ns: Callable[[], int],
        utc_offset_ns: Callable[[], int | None],
        is_time_trusted: Callable[[], bool],
        on_event: Callable[[Event], None] = lambda _event: None,
        has_thread: bool = True,
    ) -> None:
        super().__init__(
            "allotment",
            config.path,
            parse_allotment,
            now_ns=now_ns,
            utc_offset_ns=utc_offset_ns,
            is_time_trusted=is_time_trusted,
            on_event=on_event,
            has_thread=has_thread,
            renews_quietly=True,  # a spacecraft says the same every minute
        )
