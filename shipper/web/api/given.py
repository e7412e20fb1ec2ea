"""Given: what a program sent, read strictly; a MistakeError says what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shipper.web.mistake import MistakeError


def text_in(given: Mapping[str, Any], name: str, *, most: int = 500) -> str | None:
    """Return a text; None where none was given."""
    value = given.get(name)
    if value is None and name not in given:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise MistakeError(f"{name} is no text of at most {most} characters")
    return value


def flag_in(given: Mapping[str, Any], name: str) -> bool:
    """Return whether something was asked for; false where nothing is said."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise MistakeError(f"{name} is neither true nor false")
    return value


def whole_in(given: Mapping[str, Any], name: str, *, least: int, most: int, default: int) -> int:
    """Return a whole number, from the query too, where all is text."""
    value = given.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise MistakeError(f"{name} is no whole number from {least} to {most}")
    return value


def number_in(given: Mapping[str, Any], name: str, *, most: float) -> float | None:
    """Return a number above 0; None where none was given."""
    value = given.get(name)
    if value is None and name not in given:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most:
        raise MistakeError(f"{name} is no number above 0 and of at most {most:g}")
    return float(value)


def object_in(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a JSON object."""
    value = given.get(name)
    if not isinstance(value, dict):
        raise MistakeError(f"{name} is no JSON object")
    return value


def texts_in(given: Mapping[str, Any], name: str, *, most: int = 100) -> tuple[str, ...]:
    """Return a list of texts; empty where none was given."""
    value = given.get(name, [])
    if not isinstance(value, list) or len(value) > most or not all(isinstance(each, str) for each in value):
        raise MistakeError(f"{name} is no list of at most {most} texts")
    return tuple(value)


def pairs_in(given: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return texts by texts; empty where none were given."""
    value = given.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise MistakeError(f"{name} is no JSON object of texts")
    return value
