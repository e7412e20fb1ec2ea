"""Ask an ASGI application within this process: a request, an answer, and the cookies in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp, Message

LOCAL: Final = "127.0.0.1:8642"
NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Names of headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    text: str
    pieces: tuple[int, ...] = ()
    """Bytes of each piece that it came in."""

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def place(self) -> str:
        """Where it sends the browser."""
        return self.headers["location"]

    @property
    def says(self) -> str:
        """What a person reads, with single blanks."""
        reader = _Reader()
        reader.feed(self.text)
        return " ".join(" ".join(reader.texts).split())


class Browser:
    """Ask as a browser does: with a host, its own origin on a POST, and the cookies that were set."""

    def __init__(self, app: ASGIApp, *, host: str = LOCAL, address: str = "127.0.0.1") -> None:
        self.app = app
        self.host = host
        self.address = address
        self.cookies: dict[str, str] = {}

    def get(self, path: str, *, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(
        self,
        path: str,
        form: Mapping[str, Any] = NO_HEADERS,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        own = {"origin": f"http://{self.host}", "sec-fetch-site": "same-origin"}
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.ask(
            "POST",
            path,
            headers={**kind, **(own if headers is None else headers)},
            body=urlencode(form, doseq=True).encode(),
        )

    def send_file(self, path: str, content: bytes, *, name: str = "file") -> Answer:
        """Send a file as a form does."""
        boundary = "----WebKitFormBoundaryx7Yq"
        head = f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"; filename="a.jsonl"\r\n\r\n'
        kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
        own = {"origin": f"http://{self.host}", "sec-fetch-site": "same-origin"}
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.ask("POST", path, headers={**kind, **own}, body=body)

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] = NO_HEADERS, body: bytes = b""
    ) -> Answer:
        cookie = {"cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items())} if self.cookies else {}
        said = {"host": self.host, **cookie, **headers}
        answer = asyncio.run(_ask(self.app, method, path, said, body, address=self.address))
        if "set-cookie" in answer.headers:
            for name, morsel in SimpleCookie(answer.headers["set-cookie"]).items():
                self.cookies[name] = morsel.value
        return answer


async def _ask(
    app: ASGIApp, method: str, path: str, headers: Mapping[str, str], body: bytes, *, address: str
) -> Answer:
    parts = urlsplit(path)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": (address, 50_000),
        "server": ("127.0.0.1", 8642),
    }
    pieces = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if not pieces:
            await asyncio.Event().wait()  # the browser waits for its answer
        return pieces.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    bodies = [message.get("body", b"") for message in sent[1:]]
    return Answer(
        status=start["status"],
        headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
        text=b"".join(bodies).decode(),
        pieces=tuple(len(body) for body in bodies if body),
    )


class _Reader(HTMLParser):
    """Collect the texts of a page but for its head."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_head = tag == "head" or (self._in_head and tag != "body")

    def handle_data(self, data: str) -> None:
        if not self._in_head:
            self.texts.append(data)
