"""On which line of a TOML text each key stands, so that a message can say so.

`tomllib` gives values without places. This scanner reads the keys of a text that `tomllib` has
accepted: tables, arrays of tables, dotted and quoted keys, values that run over several lines.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

_PART = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_SKIPPED = re.compile(
    r"""
    \"{3} (?: \\. | [^\\] )*? \"{3,5} | '{3} .*? '{3,5}  # text of several lines
    | "(?: \\. | [^"\\\n] )*" | '[^'\n]*'  # text of one line
    | \#[^\n]*  # comment
    """,
    re.DOTALL | re.VERBOSE,
)

Key = tuple[str | int, ...]


def key_lines(text: str) -> dict[Key, int]:
    """Return the line, from 1, of each table and key, as paths with indices of array entries."""
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    position, line = 0, 1
    while position < len(text):
        end = _statement_end(text, position)
        statement = text[position:end]
        stripped = statement.lstrip(" \t\r\n")
        first = line + statement[: len(statement) - len(stripped)].count("\n")
        if stripped.startswith("[["):
            table = _indexed(_key(stripped[2:])[0], counts, is_entry=True)
            found.setdefault(table, first)
            found.setdefault(table[:-1], first)
        elif stripped.startswith("["):
            table = _indexed(_key(stripped[1:])[0], counts, is_entry=False)
            _note(found, (), table, first)
        elif stripped and not stripped.startswith("#"):
            parts, after = _key(stripped)
            if stripped[after : after + 1] == "=":
                _note(found, table, parts, first)
        line += statement.count("\n")
        position = end
    return found


def _note(found: dict[Key, int], table: Key, parts: Key, line: int) -> None:
    """Note a key, and the tables that a dotted one implies."""
    for count in range(1, len(parts) + 1):
        found.setdefault((*table, *parts[:count]), line)


def _indexed(parts: Key, counts: dict[Key, int], *, is_entry: bool) -> Key:
    """Return a table's path with the index of the newest entry of each array in it."""
    path: Key = ()
    for i, part in enumerate(parts):
        path = (*path, part)
        if is_entry and i == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _key(text: str) -> tuple[Key, int]:
    """Return the parts of a dotted key at the start of a text, and where it ends."""
    parts: list[str] = []
    position = 0
    while match := _PART.match(text, position):
        double, single, bare = match.groups()
        if double is not None:
            parts.append(re.sub(r"\\(.)", r"\1", double))
        else:
            parts.append(bare if single is None else single)
        position = match.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    return tuple(parts), position


def _statement_end(text: str, start: int) -> int:
    """Return where a statement ends: at a line's end outside of strings and brackets."""
    depth, position = 0, start
    is_header = text[start:].lstrip(" \t\r\n").startswith("[")
    while position < len(text):
        match = _SKIPPED.match(text, position)
        if match:
            position = match.end()
            continue
        character = text[position]
        position += 1
        if not is_header:
            depth += (character in "[{") - (character in "]}")
        if character == "\n" and depth <= 0 and text[start:position].strip():
            return position
    return len(text)


_TABLE_KEY = re.compile(r"\[([a-z_]+)\] ([a-z_]+)")
_WORD = re.compile(r"""(?:[A-Za-z_][\w-]*|"[^"]*")(?:\.(?:[\w-]+|"[^"]*")|\[\d+\])*""")


def line_of(message: str, lines: Mapping[Key, int]) -> int | None:
    """Return the line of the first key that a message names and the text has; None: of none.

    A name that stands alone is looked for in the table that the message begins with.
    """
    spelled = {_spell(key): line for key, line in lines.items()}
    text = re.sub(r"\[(\d+)\] \([^)]*\)", r"[\1]", message)  # an entry's id after its index
    text = _TABLE_KEY.sub(r"\1.\2", text)
    words = [match.group() for match in _WORD.finditer(text)]
    head = words[0] if words and text.startswith(words[0]) else ""
    is_place = text[len(head) :].startswith((":", " ="))
    if head and is_place:
        for word in words[1:] if head in spelled and text[len(head)] == ":" else ():
            if f"{head}.{word}" in spelled:
                return spelled[f"{head}.{word}"]
        if head in spelled:
            return spelled[head]
    named = [word for word in words if "." in word and word in spelled]
    if named:
        return spelled[named[0]]
    return _nearest_table(head, spelled) if is_place else None


def with_lines(path: object, text: str, messages: Iterable[str]) -> list[str]:
    """Return messages `PATH: ...` as `PATH:LINE: ...` where the line is known, in that order."""
    lines, prefix = key_lines(text), f"{path}: "
    placed = []
    for message in messages:
        known = re.match(rf"{re.escape(str(path))}:(\d+): ", message)
        if known:
            placed.append((int(known.group(1)), message))
            continue
        rest = message.removeprefix(prefix)
        line = line_of(rest, lines) if message.startswith(prefix) else None
        placed.append((line or 0, message if line is None else f"{path}:{line}: {rest}"))
    return [message for _, message in sorted(placed, key=lambda item: item[0])]


def _nearest_table(name: str, spelled: Mapping[str, int]) -> int | None:
    """Return the line of the list or table that a missing entry or key belongs to."""
    while match := re.fullmatch(r"(.+)(?:\.[^.]*|\[\d+\])", name):
        name = match.group(1)
        if name in spelled:
            return spelled[name]
    return None


def _spell(key: Sequence[str | int]) -> str:
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w-]+", part) else f'"{part}"'
            text += f".{name}" if text else name
    return text
