"""Secrets: what must stand in no log, event, recording, exception or dump."""

import hmac
import stat
import threading
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

HIDDEN = "(secret)"
SECRET_BYTES_MAX = 4096
SECRET_CHARACTERS_MIN = 4  # a shorter one is not looked for in texts: it would blot out words

_known: set[str] = set()
_known_lock = threading.Lock()


class Secret:
    """A text that shows itself only to who calls `reveal`.

    May be the type of a configuration key: a dump of the configuration says `(secret)`.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) >= SECRET_CHARACTERS_MIN:
            with _known_lock:
                _known.add(text)

    def reveal(self) -> str:
        """Return the text itself, to hand it to whom it is for."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(cls, core_schema.str_schema()),
            python_schema=core_schema.no_info_before_validator_function(
                lambda given: cls(given) if isinstance(given, str) else given,
                core_schema.is_instance_schema(cls),
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _secret: HIDDEN),
        )


def redact(text: str) -> str:
    """Return a text without any secret that this process has read."""
    with _known_lock:
        known = sorted(_known, key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, HIDDEN)
    return text


def redact_log(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take secrets out of a log line; a processor of structlog, before the last."""
    return {key: _redact_value(value) for key, value in event.items()} if _known else event


def _redact_value(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redact_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_value(item) for item in value]
    if value is None or isinstance(value, int | float):
        return value
    return redact(str(value))


def secret_file_mistake(path: Path) -> str | None:
    """Return why a file cannot hold a secret, None when it can. The content is not looked at."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return f"{path} is not there"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a file"
    if status.st_mode & 0o077:
        return f"{path} can be read by others: chmod 600 {path}"
    if not 0 < status.st_size <= SECRET_BYTES_MAX:
        return f"{path} holds {status.st_size} bytes, write 1 to {SECRET_BYTES_MAX}"
    return None
