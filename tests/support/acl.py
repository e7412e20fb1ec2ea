"""Redis users as an operator would install them: `deploy/acl/fill.sh`, and a server that knows no others."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from tests.support.servers import HOST, RedisServer, StartServer

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "acl"
ALWAYS: Final = {"appendonly": "yes", "appendfsync": "always", "acllog-max-len": "1000"}


class Users:
    """The users of one server."""

    def __init__(self, folder: Path, *, account: str = "") -> None:
        self.folder = folder
        subprocess.run(
            ["sh", FOLDER / "fill.sh", folder, *([account] if account else [])],
            check=True,
            capture_output=True,
        )

    @property
    def file(self) -> Path:
        return self.folder / "users.acl"

    def password(self, user: str) -> str:
        return (self.folder / f"{user}.password").read_text()

    def start(self, start: StartServer, *, on: str | None = None) -> RedisServer:
        """Start a server that has these users; its own client is the admin's."""
        options = {**ALWAYS, "aclfile": str(self.file)}
        return start(on=on, options=options, username="admin", password=self.password("admin"))

    def url(self, user: str, server: RedisServer) -> str:
        return f"redis://{user}:{self.password(user)}@{HOST}:{server.port}/0"


def denied(server: RedisServer) -> list[str]:
    """Return what the server refused so far, as `user: what (where)`; its log has the newest first."""
    with server.client() as admin:
        entries = admin.acl_log()
    return [f"{each['username']}: {each['object']} ({each['context']})" for each in entries]
