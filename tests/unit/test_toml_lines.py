"""Lines of keys in TOML texts, and of the keys that messages name."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flight.examples import default_config_path, examples_dir
from flight.toml_lines import Key, key_lines, line_of, with_lines

TEXT = '''# a comment = 1
top = 1
dotted.key = "x # no comment"  # [table]

[a]
list = [
    1,  # two
    [2],
]  # end
text = """
[not] = "a table"
fake = 1
"""
literal = \'\'\'
also = "no key"\'\'\'
inline = { x = 1, y = [1] }
[a."b.c*".'d e']
"quoted.key" = true
\'single\' = 2
[[rows]]
id = "first"
[[rows]]
[rows.sub]
id = "second"
last = 3'''


def test_every_form_of_key_has_its_line() -> None:
    lines = key_lines(TEXT)
    expected: dict[Key, int] = {
        ("top",): 2,
        ("dotted",): 3,
        ("dotted", "key"): 3,
        ("a",): 5,
        ("a", "list"): 6,
        ("a", "text"): 10,
        ("a", "literal"): 14,
        ("a", "inline"): 16,
        ("a", "b.c*"): 17,
        ("a", "b.c*", "d e"): 17,
        ("a", "b.c*", "d e", "quoted.key"): 18,
        ("a", "b.c*", "d e", "single"): 19,
        ("rows",): 20,
        ("rows", 0): 20,
        ("rows", 0, "id"): 21,
        ("rows", 1): 22,
        ("rows", 1, "sub"): 23,
        ("rows", 1, "sub", "id"): 24,
        ("rows", 1, "sub", "last"): 25,
    }
    assert lines == expected


def _keys(tree: Any, path: Key = ()) -> Iterator[Key]:
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for name, value in entries:
        yield (*path, name)
        if isinstance(value, dict) or (isinstance(value, list) and value and _is_tables(value)):
            yield from _keys(value, (*path, name))


def _is_tables(value: list[Any]) -> bool:
    return all(isinstance(item, dict) for item in value)


def _with_inline_tables_out(keys: set[Key], found: set[Key]) -> set[Key]:
    """Leave out what stands inside of an inline table, whose own line is enough."""
    return {key for key in keys if key in found or key[:-1] in found}


@pytest.mark.parametrize(
    "path",
    [default_config_path(), *sorted((examples_dir() / "scenarios").glob("*.toml"))],
    ids=lambda path: path.name,
)
def test_every_key_of_the_shipped_files_is_found(path: Path) -> None:
    text = path.read_text()
    lines = key_lines(text)
    expected = set(_keys(tomllib.loads(text)))
    assert set(lines) <= expected
    assert _with_inline_tables_out(expected, set(lines)) == expected
    for key, line in lines.items():
        if isinstance(key[-1], str):
            assert key[-1] in text.splitlines()[line - 1]


CONFIG = """[guard]
setpoint_c = 86.5
[latch_up]
confirm_s = 0.5
[points."accel0.cap_w"]
safe = 100.0
[[fault]]
id = "x"
at = "soon"
"""


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("guard.setpoint_c = 86.5: write 40 to 95", 2),
        ("guard: setpoint_c = 86.5 must be below over_temperature_c = 86.0", 2),
        ("[latch_up] confirm_s = 0.5 with [cycle] period_s = 0.1 needs more", 4),
        ("reflex.core_temp_c 81 must be above guard.setpoint_c 86.5", 2),
        ('points."accel0.cap_w": accel0.cap_w: safe 100 is outside 200 to 700', 6),
        ('points."accel0.cap_w": no such point', 5),
        ("fault[0] (x).at = 'soon': is not a time", 9),
        ("guard.other: is missing and has no default", 1),
        ("the points of loop keep its bus busy", None),
        ("is not valid TOML: guard", None),
        ("the guard is on guard", None),
    ],
)
def test_a_message_is_placed_at_the_key_it_names(message: str, line: int | None) -> None:
    assert line_of(message, key_lines(CONFIG)) == line


def test_messages_come_in_the_order_of_the_file_and_keep_what_is_placed() -> None:
    given = ["f: latch_up.confirm_s: b", "f:1: guard: a", "g: guard: c", "f: loop of nothing"]
    assert with_lines("f", CONFIG, given) == [
        "g: guard: c",
        "f: loop of nothing",
        "f:1: guard: a",
        "f:4: latch_up.confirm_s: b",
    ]
