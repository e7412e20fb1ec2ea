"""Mistake: what was given cannot be, or not now, in a sentence for whoever gave it."""

from __future__ import annotations


class MistakeError(Exception):
    """Answer with 400, and say what cannot be."""


class TooLateError(Exception):
    """Answer with 409, and say what stands in the way just now."""
