"""Settings of all tests: hypothesis profiles and what a failure prints."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

PROPERTY = Path(__file__).parent / "property"

# No deadline anywhere: elapsed time is asserted only in `make bench` and `make verify`. Every
# failure prints the blob that replays it.
settings.register_profile(
    "dev", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# What `make test` and .ci/run use: the same examples each time, so that a red test is red for all.
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
# What `make property` and `make verify` use: the seed that they print, and many more.
settings.register_profile("long", settings.get_profile("dev"), max_examples=1000)

settings.load_profile(os.environ.get("NIGHTSIDE_HYPOTHESIS", "ci" if "CI" in os.environ else "dev"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the property tests untraced: they repeat what others cover, and tracing slows them."""
    for item in items:
        if PROPERTY in item.path.parents:
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(autouse=True)
def _logging_as_found() -> Iterator[None]:
    """Undo what a test that ran a command said about logging: its level would hide lines."""
    yield
    structlog.reset_defaults()
