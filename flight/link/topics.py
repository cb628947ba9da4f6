"""Topic names of one node: ns/<fleet>/<satellite>/<node>/{birth,tlm/<packet>,evt,cmd,ack,death}."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The topics of one node. Each part is one level: not empty, without `/`, `+`, `#`, NUL."""

    fleet: str
    satellite: str
    node: str

    def __post_init__(self) -> None:
        for name in ("fleet", "satellite", "node"):
            _check_level(name, getattr(self, name))

    @property
    def base(self) -> str:
        """The part that all topics of the node share."""
        return f"ns/{self.fleet}/{self.satellite}/{self.node}"

    @property
    def birth(self) -> str:
        """Retained: who the node is since its last connect."""
        return f"{self.base}/birth"

    @property
    def death(self) -> str:
        """Retained: the last session ended, in order or not (last will)."""
        return f"{self.base}/death"

    @property
    def event(self) -> str:
        """Events, one per message."""
        return f"{self.base}/evt"

    @property
    def command(self) -> str:
        """Commands to the node."""
        return f"{self.base}/cmd"

    @property
    def ack(self) -> str:
        """Answers to commands, one per message."""
        return f"{self.base}/ack"

    def telemetry(self, packet: str) -> str:
        """Return the topic of a telemetry packet."""
        _check_level("packet", packet)
        return f"{self.base}/tlm/{packet}"


def topic_matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic is under a filter, by the rules of MQTT v5 section 4.7."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for i, level in enumerate(wanted):
        if level == "#":
            return True
        if i >= len(levels) or level not in ("+", levels[i]):
            return False
    return len(wanted) == len(levels)


def _check_level(name: str, level: str) -> None:
    if not level or any(character in level for character in "/+#\0"):
        raise ValueError(f"{name} must be one topic level without / + #: {level!r}")
