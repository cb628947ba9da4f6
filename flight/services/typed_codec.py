"""Immutable values of the core as bytes, by their types: state, plans, forecasts, notices.

Fields are kept by name, so a version that has one more reads what an older one wrote; a field that
is missing takes its default. Only plain data comes back: nothing in the bytes chooses a class.
"""

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgpack  # type: ignore[import-untyped]  # ships no types
import numpy as np

Decoder = Callable[[Any], Any]

_SCALARS = (int, float, str, bytes, bool, type(None))


def pack(value: object) -> bytes:
    """Return a value as MessagePack.

    Raises: TypeError, for a type that a state or an input never holds.
    """
    return bytes(msgpack.packb(_plain(value), use_bin_type=True))


def unpack(kind: Any, packed: bytes) -> Any:
    """Return the value of type `kind` that `pack` turned into these bytes.

    Raises: ValueError, when they are damaged or hold something else.
    """
    decode = decoder(kind)
    try:
        return decode(msgpack.unpackb(packed, raw=False, strict_map_key=False))
    except (TypeError, KeyError, AttributeError, msgpack.UnpackException) as error:
        raise ValueError(f"no {kind} in {len(packed)} bytes: {error}") from error


def _plain(value: Any) -> Any:
    """Turn a value into what MessagePack knows."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, _SCALARS):
        return float(value) if isinstance(value, float) else value  # numpy's own kind too
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        items = [_plain(item) for item in value]
        return items if names is None else dict(zip(names, items, strict=True))
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.tobytes()]
    if isinstance(value, frozenset | Mapping):
        items = sorted(value) if isinstance(value, frozenset) else list(value.items())
        return [_plain(item) for item in items]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return {field.name: _plain(getattr(value, field.name)) for field in fields}
    raise TypeError(f"{type(value).__name__} has no encoding")


@cache
def decoder(kind: Any) -> Decoder:
    """Return what turns plain data into a value of a type.

    Raises: TypeError, for a type that has no encoding.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _optional(arguments)
    if origin is np.ndarray:
        return _array
    if origin is tuple:
        return _tuple(arguments)
    if origin in (frozenset, dict) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _collection(origin, arguments)
    if isinstance(kind, type):
        if issubclass(kind, Enum):
            return kind
        if hasattr(kind, "_fields") or dataclasses.is_dataclass(kind):
            return _record(kind)
        if kind in _SCALARS or kind is object:
            return _same
    raise TypeError(f"{kind} has no encoding")


def _same(plain: Any) -> Any:
    return plain


def _array(plain: Any) -> Any:
    dtype, data = plain
    array = np.frombuffer(data, np.dtype(dtype))
    array.flags.writeable = False
    return array


def _optional(kinds: tuple[Any, ...]) -> Decoder:
    """Of a union, either of plain scalars, or of one type and None."""
    others = [kind for kind in kinds if kind is not type(None)]
    if all(kind in _SCALARS for kind in others):
        return _same
    if len(others) != 1:
        raise TypeError(f"a union of {others} has no encoding")
    decode = decoder(others[0])
    return lambda plain: None if plain is None else decode(plain)


def _tuple(kinds: tuple[Any, ...]) -> Decoder:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        decode = decoder(kinds[0])
        return lambda plain: tuple([decode(item) for item in plain])
    decoders = [decoder(kind) for kind in kinds]
    return lambda plain: tuple([d(item) for d, item in zip(decoders, plain, strict=True)])


def _collection(origin: Any, kinds: tuple[Any, ...]) -> Decoder:
    decode = decoder(kinds[0])
    if origin is frozenset:
        return lambda plain: frozenset(decode(item) for item in plain)
    decode_value = decoder(kinds[1])
    return lambda plain: MappingProxyType({decode(k): decode_value(v) for k, v in plain})


def _record(kind: Any) -> Decoder:
    """Of a NamedTuple or a dataclass."""
    hints = get_type_hints(kind)
    names = getattr(kind, "_fields", None) or [f.name for f in dataclasses.fields(kind) if f.init]
    decoders = {name: decoder(hints[name]) for name in names}

    def decode(plain: Any) -> Any:
        return kind(**{name: decoders[name](plain[name]) for name in names if name in plain})

    return decode
