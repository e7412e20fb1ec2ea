"""Schema: what a value class looks like as JSON, told from its fields; so the description cannot lag."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]

PLAIN: Final[dict[object, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
}
MOMENT: Final[Schema] = {"type": "string", "description": "ISO 8601, UTC, with milliseconds"}


class Schemas:
    """Collect the schemas of classes by their names; where one names another it refers to it."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def of(self, kind: Any, *, nested: bool = False) -> Schema:
        """Return the schema of a type. Within a list, what is none is left out of an object."""
        if kind in PLAIN:
            return dict(PLAIN[kind])
        if is_dataclass(kind) and isinstance(kind, type):
            return self._refer(kind, nested=nested)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"type": "string", "enum": [each.value for each in kind]}
        return self._made_of(get_origin(kind), get_args(kind))

    def _made_of(self, origin: Any, parts: tuple[Any, ...]) -> Schema:
        if origin is Literal:
            return {"enum": list(parts)}
        if origin in {Union, types.UnionType}:
            return {"anyOf": [self.of(part) for part in parts]}
        if origin in {tuple, list}:
            return {"type": "array", "items": self.of(parts[0], nested=True)}
        if origin in {dict, Mapping}:
            return {"type": "object", "additionalProperties": self.of(parts[1])}
        raise TypeError(f"no schema is known for {origin}")

    def _refer(self, kind: type, *, nested: bool) -> Schema:
        name = f"{kind.__name__}InList" if nested else kind.__name__
        if name not in self.found:
            self.found[name] = {}  # so that a class may hold itself
            self.found[name] = self._object(kind, nested=nested)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: type, *, nested: bool) -> Schema:
        hints = get_type_hints(kind)
        properties = {field.name: self._property(field.name, hints[field.name]) for field in fields(kind)}
        required = [name for name in properties if not (nested and _may_be_none(hints[name]))]
        return {
            "type": "object",
            "description": (kind.__doc__ or "").partition("\n")[0],
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _property(self, name: str, kind: Any) -> Schema:
        is_moment = name == "at" or name.endswith(("_at", "_until"))
        if is_moment and (kind is int or int in get_args(kind)):
            optional = type(None) in get_args(kind)
            return {"anyOf": [MOMENT, {"type": "null"}]} if optional else dict(MOMENT)
        return self.of(kind)


def _may_be_none(kind: Any) -> bool:
    return kind is Any or type(None) in get_args(kind)
