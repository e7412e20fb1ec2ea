"""Desk: go round everything that operators have, as a person and as a program, and keep what it said.

Every route that only looks is asked, so a new one is searched for canaries without being named here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import requests

from shipper.web.app import PAGES
from tests.support.servers import HOST
from tests.support.web import WebServer
from tests.support.worker import ROOT

JSON: Final = "application/x-ndjson"
ANSWER_SECONDS: Final = 60


class Desk:
    """`shipper web` with tokens, in a process of its own, seen through its operator's and viewer's eyes."""

    def __init__(self, folder: Path, environment: Mapping[str, str], tokens: Mapping[str, str]) -> None:
        folder.mkdir()
        said = ",".join(f"{role}:{role}:{token}" for role, token in tokens.items())
        ours = {"SHIPPER_WEB_TOKENS": said, "SHIPPER_LOG": "json", "PYTHONPATH": str(ROOT)}
        self.tokens = tokens
        self.pages: dict[str, str] = {}
        """What it answered to whoever did not ask for personal data."""
        self.unmasked: dict[str, str] = {}
        self.exports: dict[str, str] = {}
        """Files, by whether they were asked for masked."""
        self._server = WebServer(
            lambda port: ("-m", "shipper", "web", "--port", str(port)), folder, {**environment, **ours}
        )

    def go_round(self, ids: list[str], *, customer: str, text: str, steering: str, wrong: str) -> str:
        """Look at everything and do everything; return what it logged."""
        with self._server as server:
            self._base = f"http://{HOST}:{server.port}"
            self._sign_in(wrong)
            job = self._act(ids, customer=customer, text=text, steering=steering)
            self._look(ids, job=job, text=text)
            for role in self.tokens:
                self._see("GET", "/a/default/", role=role, kept=f"overview of the {role}")
        return self._server.log

    def _sign_in(self, wrong: str) -> None:
        for name, token in (("wrong", wrong), ("right", self.tokens["operator"])):
            answer = self._ask("POST", "/sign-in", form={"token": token}, role="")
            self.pages[f"sign-in {name}"] = f"{answer.status_code} {answer.headers} {answer.text}"
        self._see("GET", f"/sign-in?token={wrong}", role="", kept="a token in an address")
        self._see("GET", "/a/default/", role="", kept="a stranger")

    def _look(self, ids: list[str], *, job: str, text: str) -> None:
        filters = "?reason=refused", f"?text={text}", "?customer=x", "?limit=bad"
        for page in (page for page in PAGES if page.method == "GET"):
            for path in _filled(page.path, ids, job):
                self._see("GET", path)
            if page.path.endswith("/letters"):
                for each in filters:
                    self._see("GET", page.path.replace("{account}", "default") + each)

    def _act(self, ids: list[str], *, customer: str, text: str, steering: str) -> str:
        """Do what changes something, well and badly; return a job of its own."""
        api = "/api/v1/accounts/default"
        which = {"reason": "refused", "text": text, "until": "2100-01-01"}
        self._do("/a/default/preview", which | {"rate": "1"})
        self._do("/a/default/correct", which | {"what1": "rename", "at1": "write_review", "to1": steering})
        self._do("/a/default/correct", which | {"what1": "set", "at1": f"{text}.{text}", "to1": text})
        self._do("/a/default/redrive", which | {"rate": steering})
        self._do("/a/default/discard", which | {"reason": steering})
        job = ""
        for one in ({"reason": "refused", "text": text}, {"customer": customer}):
            job = str(self._say(f"{api}/redrive", one | {"rate": 0.1}).json()["job"])
            self._say(f"{api}/jobs/{job}/cancel", {})
        self._say(f"{api}/choose", {"reason": "vague", "customer": customer})
        self._say(f"{api}/discard", {"ids": ids[:1], "because": f"no {steering}"})
        self._say(f"{api}/hooks/retry", {"jobs": [steering]})
        self._say(f"{api}/pause", {"for_ms": 1})
        self._say(f"{api}/resume", {})
        for event_id in ids:
            self._say(f"{api}/events/{event_id}/propose", {"events": {text: {text: "x" * 70_000}}})
            self._do(f"/a/default/events/{event_id}/edit", {"events": f"{{{text}{steering}"})
        for event_id in ids[1:3]:
            for path in (f"/a/default/events/{event_id}", f"{api}/events/{event_id}/unmask"):
                answer = self._ask("POST", path, body={} if path.startswith(api) else None)
                assert answer.ok, answer.text
                self.unmasked[path] = answer.text
        for kind, more in (("all", {}), ("masked", {"masked": "yes"})):
            answer = self._ask("POST", "/a/default/export", form={"until": "2100-01-01", **more})
            assert answer.ok, answer.text
            self.exports[kind] = answer.text
        for body in (f"{text}\n", self.exports["masked"], self.exports["all"].replace(text, "other")):
            answer = self._ask("POST", "/a/default/import", file=body)
            self.pages[f"import {len(self.pages)}"] = f"{answer.status_code} {answer.text}"
        return job

    def _do(self, path: str, form: dict[str, str]) -> None:
        answer = self._ask("POST", path, form=form)
        assert answer.status_code < 500, f"{path}: {answer.text}\n{self._server.log}"
        self.pages[f"POST {path} {str(form)[:300]}"] = f"{answer.headers} {answer.text}"

    def _say(self, path: str, body: dict[str, Any]) -> requests.Response:
        answer = self._ask("POST", path, body=body)
        assert answer.status_code < 500, f"{path}: {answer.text}\n{self._server.log}"
        self.pages[f"POST {path} {str(body)[:300]}"] = f"{answer.headers} {answer.text}"
        return answer

    def _see(self, method: str, path: str, *, role: str = "operator", kept: str = "") -> None:
        answer = self._ask(method, path, role=role)
        assert answer.status_code < 500, f"{path}: {answer.text}\n{self._server.log}"
        self.pages[kept or path] = f"{answer.headers} {answer.text}"

    def _ask(
        self,
        method: str,
        path: str,
        *,
        role: str = "operator",
        form: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        file: str | None = None,
    ) -> requests.Response:
        headers = {"origin": self._base, "sec-fetch-site": "same-origin"}
        if role:
            headers["authorization"] = f"Bearer {self.tokens[role]}"
        if file is not None:
            headers["content-type"] = JSON
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self._base + path,
                headers=headers,
                data=form if file is None else file.encode(),
                json=body,
                timeout=ANSWER_SECONDS,
                allow_redirects=False,
            )


def _filled(path: str, ids: list[str], job: str) -> Iterator[str]:
    for event_id in ids if "{event_id}" in path else [""]:
        yield path.format(account="default", event_id=event_id, job=job)
