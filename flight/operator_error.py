"""Operator errors: bad input from a person. A message names file, key, value and mend."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo


class OperatorError(Exception):
    """Something a person gave us cannot be used. `lines`: one complete sentence per mistake."""

    def __init__(self, lines: Sequence[str] | str) -> None:
        self.lines = (lines,) if isinstance(lines, str) else tuple(lines)
        super().__init__("\n".join(self.lines))


def read_toml(path: Path, *, what: str) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Args:
        what: What the file is to the operator, e.g. "config" or "scenario".

    Raises:
        OperatorError: the file is missing, unreadable, not text, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = suggest(path.stem, [p.stem for p in path.parent.glob(f"*{path.suffix}")])
        near = near.replace("'?", f"{path.suffix}'?")
        raise OperatorError(f"{path}: no such {what} file{near}") from None
    except IsADirectoryError:
        raise OperatorError(f"{path}: is a folder, not a {what} file") from None
    except UnicodeDecodeError:
        raise OperatorError(f"{path}: is not text, so it cannot be a {what} file") from None
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{path}: is not valid TOML: {error}") from None
    except OSError as error:
        raise OperatorError(f"{path}: cannot be read: {error.strerror}") from None


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the nearest known word, else an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def explain_validation(
    path: Path | str, error: ValidationError, model: type[BaseModel], data: Mapping[str, Any]
) -> list[str]:
    """Return one line per mistake pydantic found: file, key, value, what would be right."""
    lines: list[str] = []
    for item in error.errors():
        line = _explain(path, item, model, data)
        place, write, mend = line.rpartition(": write ")
        if lines and write and lines[-1].startswith(place + write):  # one value, several types
            lines[-1] += f", or {mend}"
        elif line not in lines:
            lines.append(line)
    return lines


def _explain(path: Path | str, item: Any, model: type[BaseModel], data: Mapping[str, Any]) -> str:
    location = _without_union_tag(tuple(item["loc"]), data)
    key = key_text(location, data)
    kind = item["type"]
    if kind == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        near = suggest(str(location[-1]), known)
        options = "" if near else f"; known here: {', '.join(sorted(known))}" if known else ""
        return f"{path}: {key}: unknown key{near}{options}"
    if kind == "missing":
        return f"{path}: {key}: is missing and has no default"
    given = item.get("input")
    is_shown = not isinstance(given, dict | list | BaseModel) and not _SECRET.search(key)
    shown = f" = {given!r}" if is_shown else ""
    mend = _mend(item, key, _field(model, location))
    return f"{path}: {key}{shown}: {mend}" if location else f"{path}: {mend}"


# Keys whose value is never shown; not those that name the file of a secret.
_SECRET = re.compile(r"(password|secret|token|passphrase|private_key)$")

# What to write instead, by pydantic's kind of mistake: its own words are meant for programmers.
_NUMBER = "write a plain number (the unit is part of the name)"
_MENDS: Mapping[str, str] = {
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "string_type": "write text in quotes",
    "is_instance_of": "write text in quotes",
    "finite_number": "write a finite number",
}
_TABLE_KINDS = ("model_type", "dict_type", "model_attributes_type")
_RANGE_KINDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def _mend(item: Any, key: str, field: FieldInfo | None) -> str:
    """Return what would be right instead of one wrong value."""
    kind, context = item["type"], item.get("ctx", {})
    if kind in _MENDS:
        return _MENDS[kind]
    if kind in _TABLE_KINDS:
        return f"is a table; write [{key}] and its keys below it"
    if kind == "tuple_type":
        return f"is a list of tables; write [[{key}]] with two brackets before each"
    if kind in ("literal_error", "enum"):
        return f"write {context['expected']}{suggest(str(item['input']), _quoted(context))}"
    if kind in _RANGE_KINDS and field is not None:
        return f"write {range_text(field)}"
    if kind == "string_pattern_mismatch":
        return f"write lower-case letters, digits and _{_like(item['input'], context['pattern'])}"
    message = str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message[:1].lower() + message[1:]


def _quoted(context: Mapping[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", str(context["expected"]))


def _like(given: str, pattern: str) -> str:
    candidate = re.sub(r"[^a-z0-9]+", "_", given.lower()).strip("_")
    return f", such as {candidate!r}" if re.match(pattern, candidate) else f" ({pattern})"


def range_text(field: FieldInfo) -> str:
    """Return the range that a number may have, in words: 40 to 95, above 0 and at most 500."""
    low = next((_plain(m.ge) for m in field.metadata if hasattr(m, "ge")), "")
    high = next((_plain(m.le) for m in field.metadata if hasattr(m, "le")), "")
    if low and high:
        return f"{low} to {high}"
    above = next((f"above {_plain(m.gt)}" for m in field.metadata if hasattr(m, "gt")), "")
    below = next((f"below {_plain(m.lt)}" for m in field.metadata if hasattr(m, "lt")), "")
    bounds = (above or (low and f"at least {low}"), below or (high and f"at most {high}"))
    return " and ".join(bound for bound in bounds if bound)


def _plain(number: float) -> str:
    """Return a bound as a person writes it: 1000000, not 1e+06."""
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def _without_union_tag(
    location: tuple[str | int, ...], data: Mapping[str, Any]
) -> tuple[str | int, ...]:
    """Return the place of a value without the name of the type that pydantic tried last."""
    here: Any = data
    for i, part in enumerate(location):
        if isinstance(here, Mapping | list):
            known = here if isinstance(here, Mapping) else range(len(here))
            here = here[part] if part in known else None  # type: ignore[index]
        else:
            return location[:i] if part in ("float", "bool", "str", "int") else location
    return location


def key_text(location: Sequence[str | int], data: Mapping[str, Any]) -> str:
    """Return a dotted key; an entry of an array of tables has its index and, if any, its id."""
    text = ""
    here: Any = data
    for part in location:
        if isinstance(part, int):
            here = here[part] if isinstance(here, list) and part < len(here) else None
            name = here.get("id", here.get("name")) if isinstance(here, dict) else None
            text += f"[{part}]" + (f" ({name})" if isinstance(name, str) else "")
        else:
            here = here.get(part) if isinstance(here, Mapping) else None
            name = f'"{part}"' if "." in part else part
            text += f".{name}" if text else name
    return text or "(whole file)"


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    here = _model_at(model, location)
    return [] if here is None else list(here.model_fields)


def _field(model: type[BaseModel], location: Sequence[str | int]) -> FieldInfo | None:
    """Return what a model says about the value at a place; None where it says nothing."""
    here = _model_at(model, location[:-1])
    return here.model_fields.get(str(location[-1])) if here is not None and location else None


def _model_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    here: Any = model
    is_entry = False  # the next part is a key of the operator's own, as in points."accel0.cap_w"
    for part in location:
        if isinstance(part, int) or is_entry:
            is_entry = False
            continue
        field = here.model_fields.get(part) if _is_model(here) else None
        here = _model_in(field.annotation) if field is not None else None
        is_entry = field is not None and get_origin(field.annotation) is dict
    return here if _is_model(here) else None


def _is_model(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, BaseModel)


def _model_in(annotation: Any) -> Any:
    """The model inside an annotation such as tuple[Model, ...] or Model | None."""
    if _is_model(annotation):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
