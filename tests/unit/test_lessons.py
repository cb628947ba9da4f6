"""Each test that docs/explanation/lessons.md names exists, and each pain has a row."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "lessons.md"
PAINS = {"Flight software": 24, "Node and accelerators": 22}


def sections(text):
    """Return the rows of each table by its heading."""
    found = {}
    for part in text.split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        found[heading] = [row for row in body.splitlines() if re.match(r"\| \d", row)]
    return found


def missing(text, root=ROOT):
    """Return the references of a page that lead nowhere."""
    files = {p.name: p for p in [*root.glob("tests/**/test_*.py"), *root.glob("csrc/tests/*.c")]}
    lost = []
    for name, function in re.findall(r"`(test_\w+\.(?:py|c))(?:::(\w+))?`", text):
        source = files[name].read_text(encoding="utf-8") if name in files else ""
        kind = r"(?:async )?def" if name.endswith(".py") else r"void"
        if not source or (function and not re.search(rf"\b{kind} {function}\b", source)):
            lost.append(f"{name}::{function}")
    return lost


def test_every_pain_has_a_row_with_an_answer_and_a_test():
    found = sections(PAGE.read_text(encoding="utf-8"))
    assert {heading: len(rows) for heading, rows in found.items()} == PAINS
    for rows in found.values():
        assert [int(row.split("|")[1]) for row in rows] == list(range(1, len(rows) + 1))
        for row in rows:
            _, _, pain, answer, tests, _ = row.split("|")
            assert "#" in pain and len(answer) > 30 and "`test_" in tests, row


def test_every_test_named_exists():
    assert missing(PAGE.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "reference",
    ["test_store.py::test_that_nobody_wrote", "test_nowhere.py::test_x", "test_nvml.c::nobody",
     "test_nowhere.c"],
)  # fmt: skip
def test_a_reference_that_leads_nowhere_is_found(reference):
    assert missing(f"`{reference}`")
