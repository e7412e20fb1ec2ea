"""Mistake: what was given cannot be, in a sentence for whoever gave it."""

from __future__ import annotations


class MistakeError(Exception):
    """Answer with 400, and say what cannot be."""
