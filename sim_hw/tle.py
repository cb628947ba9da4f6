"""Two-line element sets: read one from a file, or say exactly what is wrong with the file."""

from pathlib import Path
from typing import NamedTuple

_LINE_LENGTH = 69


class ElementSet(NamedTuple):
    """One element set: its name (may be empty) and its two lines of 69 characters."""

    name: str
    line1: str
    line2: str


def read_element_set(path: Path) -> ElementSet:
    """Return the element set in a file: an optional name line, then lines 1 and 2.

    Raises:
        ValueError: The file cannot be read or is no element set; the message names the file, the
            line and the mend.
    """
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}); give a file") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not an element set: some bytes are not ASCII") from error
    lines = [(n, line.rstrip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise ValueError(f"{path}: empty; give an optional name line and the two element lines")
    name = ""
    if not lines[0][1].startswith("1 "):
        name = lines.pop(0)[1].removeprefix("0 ").strip()
    if not lines or not lines[0][1].startswith("1 "):
        number = lines[0][0] if lines else 2
        raise ValueError(
            f"{path}, line {number}: not an element set: the line after the name must begin with "
            "'1 '"
        )
    if len(lines) < 2 or not lines[1][1].startswith("2 "):
        number = lines[1][0] if len(lines) > 1 else lines[0][0] + 1
        raise ValueError(
            f"{path}, line {number}: the second element line ('2 ...') is missing; add it"
        )
    if len(lines) > 2:
        raise ValueError(f"{path}, line {lines[2][0]}: more than one element set; keep one")
    line1, line2 = (_checked_line(path, number, line) for number, line in lines)
    if line1[2:7] != line2[2:7]:
        raise ValueError(
            f"{path}, line {lines[1][0]}: satellite {line2[2:7]}, but the line before says "
            f"{line1[2:7]}; take both from one element set"
        )
    return ElementSet(name, line1, line2)


def _checked_line(path: Path, number: int, line: str) -> str:
    if len(line) < _LINE_LENGTH:
        raise ValueError(
            f"{path}, line {number}: {len(line)} characters, an element line has {_LINE_LENGTH}; "
            "restore the line from its source"
        )
    line = line[:_LINE_LENGTH]
    digits = sum(int(c) for c in line[:-1] if c.isdigit()) + line[:-1].count("-")
    if line[-1] != str(digits % 10):
        raise ValueError(
            f"{path}, line {number}: checksum is {line[-1]!r}, the line adds up to {digits % 10}; "
            "restore the line from its source"
        )
    return line
