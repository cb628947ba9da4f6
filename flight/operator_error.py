"""Operator errors: bad input from a person. A message names file, key, value and mend."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError


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
    """Return one line per mistake that pydantic found: file, key, value, what would be right."""
    return [_explain(path, item, model, data) for item in error.errors()]


def _explain(path: Path | str, item: Any, model: type[BaseModel], data: Mapping[str, Any]) -> str:
    location: tuple[str | int, ...] = tuple(item["loc"])
    key = key_text(location, data)
    kind = item["type"]
    if kind == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        near = suggest(str(location[-1]), known)
        options = "" if near else f"; known here: {', '.join(sorted(known))}" if known else ""
        return f"{path}: {key}: unknown key{near}{options}"
    if kind == "missing":
        return f"{path}: {key}: is missing and has no default"
    message = str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = message[:1].lower() + message[1:]
    given = item.get("input")
    shown = "" if isinstance(given, dict | list | BaseModel) else f" = {given!r}"
    return f"{path}: {key}{shown}: {message}"


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
            text += f".{part}" if text else str(part)
    return text or "(whole file)"


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    here: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        field = here.model_fields.get(part) if _is_model(here) else None
        here = _model_in(field.annotation) if field is not None else None
    return list(here.model_fields) if _is_model(here) else []


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
