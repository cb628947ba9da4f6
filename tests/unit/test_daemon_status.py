"""What status.json says of the daemon: values of the services as JSON, and the next eclipse."""

import re
from enum import StrEnum
from math import inf, nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest

from flight.assembly import Daemon
from flight.core.types import OrbitForecast
from flight.daemon_status import plain, sections
from flight.services.recorder import RecorderHealth
from flight.view import orbit_view

NS_PER_S = 1_000_000_000
SPANS = ((100 * NS_PER_S, 200 * NS_PER_S), (500 * NS_PER_S, 600 * NS_PER_S))


class Colour(StrEnum):
    RED = "red"


class Pair(NamedTuple):
    left: Any
    right: Any


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Pair(1, (Colour.RED, nan)), {"left": 1, "right": ["red", None]}),
        ({3: [inf, -inf, 2.5]}, {"3": [None, None, 2.5]}),
        ("text", "text"),
        (None, None),
        (True, True),
    ],
)
def test_values_of_services_become_what_json_holds(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_a_dataclass_goes_by_its_fields() -> None:
    health = RecorderHealth(ok=True, rows_written=3, rows_lost=0, rares_lost=0, error="")
    assert plain(health)["rows_written"] == 3 and plain(health)["ok"] is True


@pytest.mark.parametrize(
    ("now_s", "sunlit", "change_in_s"),
    [
        (0.0, True, 100.0),
        (100.0, False, 100.0),
        (199.0, False, 1.0),
        (200.0, True, 300.0),
        (599.0, False, 1.0),
        (600.0, True, None),
        (1000.0, None, None),
    ],
)
def test_the_orbit_says_light_or_shadow_and_the_next_change_while_it_is_known(
    now_s: float, sunlit: bool | None, change_in_s: float | None
) -> None:
    forecast = OrbitForecast(SPANS, 1000 * NS_PER_S)
    assert orbit_view(forecast, round(now_s * NS_PER_S)) == {
        "sunlit": sunlit,
        "change_in_s": change_in_s,
    }


def test_every_section_stands_on_the_page_of_files() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "files.md"
    table = page.read_text(encoding="utf-8").partition("| key | what |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`(\w+)`", table))
    daemon = SimpleNamespace(place=SimpleNamespace(now_ns=lambda: 0))
    assert set(sections(cast("Daemon", daemon))) <= told
