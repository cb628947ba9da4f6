"""[supervision]: the shipped numbers are those of the page, and impossible ones are refused."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from flight.dictionary.events import SERVICES
from flight.services.boot import CRASHES_MAX, SAFE_START_COUNT
from flight.services.restart_ladder import BACK_OFF_S, DEFAULT_RUNGS, LINK_BACK_OFF_S
from flight.services.stored_state import START_WINDOW_S
from flight.services.supervised import Child
from flight.services.supervision_config import SupervisionConfig

PAGE = (Path(__file__).parents[2] / "docs/design/supervision.md").read_text()


def test_the_defaults_of_the_configuration_are_those_of_the_ladder() -> None:
    config = SupervisionConfig()
    assert config.rungs() == DEFAULT_RUNGS
    assert (config.back_off_s, config.link_back_off_s) == (BACK_OFF_S, LINK_BACK_OFF_S)
    child = Child(name="a", start=None)
    assert (config.task_restarts_max, config.task_window_s) == (child.restarts_max, child.window_s)


def test_the_ladder_on_the_page_is_the_one_that_flies() -> None:
    rows = re.findall(r"^\| (\w+) \| .* \| (\d+) in (\d+) s \|", PAGE, re.MULTILINE)
    child = Child(name="a", start=None)
    own = ("TASK", str(child.restarts_max), f"{child.window_s:.0f}")
    rungs = [(b.rung.name, str(b.count_max), f"{b.window_s:.0f}") for b in DEFAULT_RUNGS]
    assert rows == [own, *rungs, ("LAST", "1", f"{BACK_OFF_S:.0f}")]
    assert f"{SAFE_START_COUNT} unplanned starts in {START_WINDOW_S:.0f} s lead to SAFE" in PAGE
    assert f"beyond {CRASHES_MAX}" in PAGE


def test_the_section_on_the_page_is_complete_and_holds_the_defaults() -> None:
    block = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    section = tomllib.loads(block[1])["supervision"]
    assert set(section) == set(SupervisionConfig.model_fields)
    assert SupervisionConfig(**section) == SupervisionConfig()


def test_each_event_of_supervision_tells_the_operator_what_to_do() -> None:
    services = Path(__file__).parents[2] / "flight/services"
    names = ("supervisor", "loop_watch", "watchdog", "memory_watch")
    sources = "".join((services / f"{name}.py").read_text() for name in names)
    used = set(re.findall(r'"((?:task|daemon|watchdog|memory)\.[a-z_]+)"', sources))
    assert len(used) == 10
    assert used <= set(SERVICES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"watchdog_period_s": 12.0}, "must be at most a third of watchdog_timeout_s = 30"),
        ({"back_off_s": 60.0, "link_back_off_s": 61.0}, "the link is given up last"),
        ({"stall_s": 2.0, "blocked_s": 1.0}, "must be more than twice blocked_s = 1.0"),
        ({"exits_max": 11}, "less than or equal to 10"),
        ({"power_cycles_max": 2}, "Extra inputs"),  # of accelerators: a budget of the core's
        ({"rss_mib_max": 10.0}, "greater than or equal to 64"),
        ({"restarts": 1}, "Extra inputs"),
    ],
)
def test_impossible_numbers_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        SupervisionConfig(**changes)
