"""The terminal application of `nightside top`, and its one-page form for pipes."""

from collections.abc import Callable
from typing import Any, ClassVar, Final

from rich.console import Console, Group
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from flight.operator_error import OperatorError
from flight.top import panels
from flight.top.sources import STALE_S, Source

REFRESH_S: Final = 1.0
SLIDER_CELLS: Final = 16
STEPS_S: Final = {"left": -1.0, "right": 1.0, "shift+left": -60.0, "shift+right": 60.0}
FIXED_ROWS: Final = 16  # header, accelerators, power, loop, daemon, footer
_LOWER: Final[dict[str, Callable[[panels.Document, int], Text]]] = {
    "events": panels.events,
    "faults": panels.faults,
    "rails": panels.rails,
    "tasks": panels.tasks,
}
HELP: Final = """\
e  events        f  faults        r  rails        t  tasks of the daemon
?  this help     q  quit

On a recording, whose slider is below:
left, right      one second back, on        shift+left, shift+right   a minute
home, end        its start, its end         space  play, pause
p  previous event of severity warning or above     n  next one

cap W     what the arbiter grants each accelerator; reason: the term that won
draw W    measured; the bar is of 700 W
A dash is a reading that is not known now."""


def page(document: panels.Document, *, lower: str = "events", rows: int = 7) -> Group:
    """Return one whole page."""
    return Group(
        panels.header(document),
        panels.accelerators(document),
        panels.power_and_loop(document),
        panels.daemon(document),
        _LOWER[lower](document, rows),
    )


def print_once(source: Source, console: Console) -> None:
    """Print one page, for pipes and scripts."""
    document = source.read(None)
    console.print(page(document), soft_wrap=True)
    if notice := _notice(document):
        console.print(notice, soft_wrap=True)


def _notice(document: panels.Document) -> Text | None:
    """Return what a reader of what is live must know of its age; None while it is fresh."""
    age_s = document.get("age_s", 0.0)
    state = document.get("state")
    if state == "ended":
        return Text("the daemon has ended; its flight: top --recording", "yellow")
    if state == "lost":
        return Text("the broker lost the node", "red")
    if age_s > STALE_S:
        return Text(f"no news for {panels.duration(age_s)}: is it running?", "red")
    return None


class TopApp(App[None]):
    """The live view. A recording is moved through by keys; a running node refreshes by itself."""

    CSS = "Screen { background: $background; } #foot { dock: bottom; height: 1; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        Binding("q", "quit", "quit"),
        Binding("question_mark", "toggle_help", "help"),
        *(Binding(name[0], f"lower('{name}')", name) for name in _LOWER),
        *(Binding(key, f"move({step})", "move") for key, step in STEPS_S.items()),
        Binding("home", "jump(0)", "start"),
        Binding("end", "jump(1)", "end"),
        Binding("space", "play", "play"),
        Binding("p", "event(-1)", "previous event"),
        Binding("n", "event(1)", "next event"),
    ]

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._t_s: float | None = None if source.span_s is None else source.span_s[0]
        self._lower = "events"
        self._is_help = False
        self._is_playing = False
        self._document: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """Make the two widgets."""
        yield Static(id="page")
        yield Static(id="foot")

    def on_mount(self) -> None:
        """Show the first page and keep it fresh."""
        self.show()
        self.set_interval(REFRESH_S, self._tick)

    def on_resize(self) -> None:
        """Fill what room there is."""
        self.show()

    def show(self) -> None:
        """Read the source and draw."""
        notice = ""
        try:
            self._document = self._source.read(self._t_s)
        except OperatorError:
            notice = "it cannot be read any more; trying again.  q quit"
        rows = max(1, self.size.height - FIXED_ROWS)
        body = Text(HELP) if self._is_help else page(self._document, lower=self._lower, rows=rows)
        self.query_one("#page", Static).update(body)
        self.query_one("#foot", Static).update(self._foot(notice))

    def action_toggle_help(self) -> None:
        """Show the keys, or the node again."""
        self._is_help = not self._is_help
        self.show()

    def action_lower(self, name: str) -> None:
        """Choose what the lower part shows."""
        self._lower, self._is_help = name, False
        self.show()

    def action_move(self, step_s: float) -> None:
        """Move through a recording."""
        if self._t_s is not None and self._source.span_s is not None:
            first_s, last_s = self._source.span_s
            self._t_s = min(max(self._t_s + step_s, first_s), last_s)
            self.show()

    def action_jump(self, end: int) -> None:
        """Go to the start (0) or the end (1) of a recording."""
        if self._source.span_s is not None:
            self._t_s = self._source.span_s[end]
            self.show()

    def action_play(self) -> None:
        """Play a recording at its own pace, or pause."""
        self._is_playing = not self._is_playing
        self.show()

    def action_event(self, direction: int) -> None:
        """Go to the next or previous event that asks for attention."""
        if self._t_s is None or self._source.span_s is None:
            return
        found = self._source.event_time(self._t_s, direction)
        if found is not None:
            self._t_s = found
            self.show()

    def _tick(self) -> None:
        if self._t_s is None:
            self.show()
        elif self._is_playing:
            self.action_move(REFRESH_S)

    def _foot(self, notice: str) -> Text:
        if notice:
            return Text(notice, "bold red")
        keys = "e events  f faults  r rails  t tasks  ? help  q quit"
        if self._t_s is None or self._source.span_s is None:
            found = _notice(self._document)
            return Text(keys, "dim") if found is None else found.append("  ? help  q quit")
        first_s, last_s = self._source.span_s
        part = (self._t_s - first_s) / max(1e-9, last_s - first_s)
        text = Text("▶ " if self._is_playing else "■ ")
        text.append(panels.bar(part, SLIDER_CELLS), "cyan")
        text.append(f" {self._t_s:.1f} of {last_s:.1f} s  ←→ move  space play  n/p event  ? q")
        return text
