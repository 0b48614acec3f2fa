"""Frozen dataclasses as JSON values and back, strictly: no unknown, missing or mistyped member passes.

snake_case fields become lowerCamelCase members. Numbers that may pass 2**53 are decimal strings (see `_WIDE`).

A field that is added to a type after version 1 of its document has a default and `metadata=ADDED`. It is not written
while it has that default, so that a later version does not change the digest of work that does not use it; and any
field that has a default may be absent when reading.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

ADDED: Mapping[str, Any] = types.MappingProxyType({"added": True})
"""Metadata of a dataclass field that the first version of its document did not have."""
_WIDE = frozenset({"base_seed"})


class Mismatch(Exception):
    """The value is not what the type asks for; the text says where."""


def encode(value: Any) -> Any:
    """A dataclass (or tuple, or plain value) as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        result = {}
        for item in fields(value):
            element = getattr(value, item.name)
            if item.metadata.get("added") and element == _default(item):
                continue
            result[_camel(item.name)] = str(element) if item.name in _WIDE else encode(element)
        return result
    if isinstance(value, tuple):
        return [encode(element) for element in value]
    return value


def decode(kind: Any, value: Any, where: str = "plan") -> Any:
    """The value of a type from JSON values. Raises Mismatch."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _decode_object(kind, value, where)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        options = [option for option in get_args(kind) if option is not type(None)]
        return None if value is None else decode(options[0], value, where)
    if origin is tuple:
        return _decode_tuple(get_args(kind), value, where)
    if origin is Literal:
        if value not in get_args(kind) or isinstance(value, bool):
            raise Mismatch(f"{where} is none of {', '.join(map(str, get_args(kind)))}")
        return value
    if type(value) is not kind:
        raise Mismatch(f"{where} is not {kind.__name__}")
    return value


def _decode_object(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise Mismatch(f"{where} is not an object")
    hints = _hints(kind)
    names = {_camel(name): name for name in hints}
    needed = {_camel(item.name) for item in fields(kind) if _default(item) is MISSING}
    odd = sorted((needed - set(value)) | (set(value) - set(names)))
    if odd:
        raise Mismatch(f'{where} lacks or should not have "{odd[0]}"')
    members: dict[str, Any] = {}
    for camel, name in names.items():
        if camel not in value:
            continue
        place = f"{where}.{camel}"
        members[name] = _wide(value[camel], place) if name in _WIDE else decode(hints[name], value[camel], place)
    return kind(**members)


def _decode_tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise Mismatch(f"{where} is not a list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(decode(arguments[0], element, f"{where}[{index}]") for index, element in enumerate(value))
    if len(value) != len(arguments):
        raise Mismatch(f"{where} does not have {len(arguments)} elements")
    pairs = zip(arguments, value, strict=True)
    return tuple(decode(kind, element, f"{where}[{index}]") for index, (kind, element) in enumerate(pairs))


def _wide(value: Any, where: str) -> int:
    if not isinstance(value, str) or re.fullmatch("0|[1-9][0-9]{0,18}", value) is None or int(value) >= 2**63:
        raise Mismatch(f"{where} is no seed")
    return int(value)


def _default(item: Field[Any]) -> Any:
    """The default of a field, MISSING where it has none. Factories would be new objects; plans have no need of them."""
    return item.default


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@lru_cache(maxsize=1024)
def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)
