"""`shipper config`: the effective settings and where each comes from, secrets hidden."""

# ruff: noqa: TID251 - a door: it reads the environment

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import click
from pydantic import SecretStr
from rich.console import RenderableType

from shipper.cli.desk import as_json
from shipper.cli.gameball import accounts_of, check_workers, told
from shipper.cli.new_key import new_key_
from shipper.cli.output import Output, table
from shipper.settings import Settings, load_settings

_CREDENTIALS: Final = re.compile(r"(?<=://).*@")
_IN_QUERY: Final = re.compile(r"(?i)([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*")
_URLS: Final = frozenset({"redis_url", "broker_url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One setting. A key's value is only `set` or `not set`."""

    name: str
    value: Any
    origin: str
    about: str


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def config(ctx: click.Context, *, as_json: bool) -> None:
    """List every setting by its environment variable, with its value and origin.

    Passwords in URLs are hidden; of keys only is told whether they are set, and where.
    """
    if ctx.invoked_subcommand:
        return
    settings = load_settings()
    lines = [*_settings(settings), *_accounts(settings)]
    Output(as_json=as_json).facts(lines, _draw)


config.add_command(new_key_)


def hide_secrets(url: str) -> str:
    """Return a URL without the user, the password and secrets in its query."""
    return _IN_QUERY.sub(r"\1***", _CREDENTIALS.sub("***@", url))


def _settings(settings: Settings) -> Iterator[Line]:
    for field, info in type(settings).model_fields.items():
        value = getattr(settings, field)
        name = f"SHIPPER_{field.upper()}"
        if field == "redis_url" and name not in os.environ and "REDIS_URL" in os.environ:
            name = "REDIS_URL"
        yield Line(
            name=name,
            value=hide_secrets(value) if field in _URLS else _plain(field, value, settings),
            origin="environment" if field in settings.model_fields_set else "default",
            about=info.description or "",
        )


def _plain(field: str, value: Any, settings: Settings) -> Any:
    if field == "web_tokens":
        return "set" if value else ""
    if isinstance(value, SecretStr):  # ids are no secret, and tell which key encrypts
        return ",".join(f"{key_id}:***" for key_id in settings.keyring.ids) if value else ""
    return ",".join(value) if isinstance(value, tuple) else value


def _accounts(settings: Settings) -> Iterator[Line]:
    if check_workers().result != "ok":
        return
    for account in accounts_of(settings.accounts):
        prefix = account.api_key.variable.removesuffix("API_KEY")
        facts = {
            "BASE_URL": hide_secrets(account.base_url),
            "API_VERSION": account.version,
            "LANG": account.lang,
            "CA_BUNDLE": account.ca_bundle,
            "PROXY": "set" if account.proxy.get_secret_value() else "",
        }
        for name, value in facts.items():
            given = f"{prefix}{name}" in os.environ
            yield Line(
                name=f"{prefix}{name}",
                value=value,
                origin="environment" if given else "default",
                about=f"account {account.alias}",
            )
        for key in (account.api_key, account.secret_key):
            origin = key.origin if key.is_configured else "default"
            value = "set" if key.is_configured else "not set"
            yield Line(
                name=key.variable, value=value, origin=origin, about=f"account {account.alias}: {told(key)}"
            )


def _draw(lines: list[Line]) -> RenderableType:
    return table("SETTING", "VALUE", "FROM", rows=map(_row, lines), wide=(0, 2))


def _row(line: Line) -> tuple[str, str, str]:
    if line.origin in {"default", "environment"}:
        return line.name, _shown(line.value), line.origin
    return line.name, f"{line.value} ({line.origin})", "environment"


def _shown(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
