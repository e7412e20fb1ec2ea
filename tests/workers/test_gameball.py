from __future__ import annotations

import gzip
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

import pytest

from shipper.outcome import Verdict
from shipper.settings import Settings
from tests.support.hostile import (
    Connection,
    HostileServer,
    Script,
    answering,
    applying_in_silence,
    applying_the_second_and,
    closed_port,
    flooding,
    make_certificate,
    saying,
    silent_listener,
)
from workers.fleet import Fleet
from workers.gameball import Gameball
from workers.settings import Account, load_accounts
from workers.verdict import Answer, Loss, judge
from workers.wire import LostError, Wire

API_KEY = "canary-api-4f1d9c27a8"
SECRET_KEY = "canary-secret-b03e/77+d1"
PASSWORD = "canary-password-55aa"
BODY = '{"customerId":"c-42","events":{"write_review":{"text":"مرحبا 🌍"}}}'.encode()
Connect = Callable[..., Gameball]


class ByFleet(Gameball):
    """Post by a fleet, as a pump does."""

    def __init__(self, account: Account, *, connect_timeout_ms: int) -> None:
        super().__init__(account, connect_timeout_ms=connect_timeout_ms)
        self.fleet = Fleet(16)

    def post(self, body: bytes, *, timeout_ms: int) -> Answer:
        trip = Trip(self, body, timeout_ms)
        self.fleet.send([trip])
        return trip.answer.get(timeout=30)


class Trip:
    """A call without what a pump knows of it."""

    def __init__(self, gameball: Gameball, body: bytes, timeout_ms: int) -> None:
        self.gameball, self.body, self.timeout_ms = gameball, body, timeout_ms
        self.answer: SimpleQueue[Answer] = SimpleQueue()

    def leave(self) -> Wire | None:
        found = self.gameball.load(self.body, timeout_ms=self.timeout_ms)
        if isinstance(found, Wire):
            return found
        self.answer.put(found)
        return None

    def arrive(self, wire: Wire, lost: LostError | None) -> None:
        self.answer.put(self.gameball.unload(wire, lost))

    def fail(self, error: Exception) -> None:
        raise AssertionError from error

    def report(self) -> None:
        pass


@pytest.fixture(params=[Gameball, ByFleet], ids=["by a session", "by a fleet"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Give a Gameball at a URL, with both keys and what else the environment would say."""
    kind: type[Gameball] = request.param
    with ExitStack() as stack:

        def open_at(url: str, **environ: str) -> Gameball:
            given = {"BASE_URL": url, "API_KEY": API_KEY, "SECRET_KEY": SECRET_KEY} | environ
            named = {f"GAMEBALL_{name}": value for name, value in given.items()}
            gameball = kind(load_accounts(Settings(), named)["default"], connect_timeout_ms=10_000)
            stack.callback(gameball.close)
            return gameball

        yield open_at


def header_lines(head: bytes) -> set[str]:
    return set(head.decode("latin-1").split("\r\n"))


# What is sent


def test_a_call_is_posted_with_both_keys_and_nothing_that_was_not_meant(connect: Connect) -> None:
    with HostileServer() as server:
        answer = connect(server.url, LANG="ar").post(BODY, timeout_ms=20_000)

    assert answer.status == 200
    assert server.bodies == [BODY]
    assert header_lines(server.heads[0]) == {
        "POST /api/v4.0/integrations/events HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"APIKey: {API_KEY}",
        f"SecretKey: {SECRET_KEY}",
        "Content-Type: application/json",
        "lang: ar",
        f"Content-Length: {len(BODY)}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "User-Agent: gameball-shipper",
    }


def test_without_a_secret_key_none_is_sent(connect: Connect) -> None:
    with HostileServer() as server:
        connect(server.url, SECRET_KEY="").post(BODY, timeout_ms=20_000)

    assert b"secretkey" not in server.heads[0].lower()


def test_a_key_that_was_rotated_in_its_file_goes_with_the_very_next_call(
    connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("old-key-1234\n")

    with HostileServer() as server:
        gameball = connect(server.url, API_KEY="", API_KEY_FILE=str(file))
        gameball.post(BODY, timeout_ms=20_000)
        (tmp_path / "new").write_text("new-key-5678\n")
        (tmp_path / "new").rename(file)
        gameball.post(BODY, timeout_ms=20_000)

    assert [re.findall(rb"APIKey: (\S+)", head) for head in server.heads] == [
        [b"old-key-1234"],
        [b"new-key-5678"],
    ]


def test_a_cookie_is_not_brought_back(connect: Connect) -> None:
    with HostileServer(answering(200, b"", Set_Cookie="session=1; Path=/")) as server:
        gameball = connect(server.url)
        for _ in range(2):
            gameball.post(BODY, timeout_ms=20_000)

    assert b"cookie" not in server.heads[1].lower()


def test_netrc_proxies_and_certificates_of_the_environment_are_ignored(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password secret\n")
    certificate, tls = make_certificate(tmp_path, "127.0.0.1")

    with HostileServer(tls=tls) as server, HostileServer() as proxy:
        for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
        monkeypatch.setenv("CURL_CA_BUNDLE", "/no/such/file")
        answer = connect(server.url, CA_BUNDLE=str(certificate)).post(BODY, timeout_ms=20_000)

    assert answer.status == 200
    assert proxy.connections == 0
    assert b"authorization" not in server.heads[0].lower()


def test_a_configured_proxy_is_used(connect: Connect) -> None:
    with HostileServer() as proxy:
        gameball = connect("http://127.0.0.1:9", PROXY=proxy.url.replace("//", f"//user:{PASSWORD}@"))
        answer = gameball.post(BODY, timeout_ms=20_000)

    assert answer.status == 200
    assert proxy.heads[0].startswith(b"POST http://127.0.0.1:9/api/v4.0/integrations/events HTTP/1.1\r\n")


def test_sixteen_threads_share_the_connections_and_every_call_arrives_once(connect: Connect) -> None:
    bodies = [b"%d" % number for number in range(400)]

    with HostileServer() as server, ThreadPoolExecutor(16) as threads:
        gameball = connect(server.url)
        statuses = {
            answer.status
            for answer in threads.map(lambda body: gameball.post(body, timeout_ms=20_000), bodies)
        }

    assert statuses == {200}
    assert sorted(server.bodies) == sorted(bodies)
    assert server.connections <= 16


# What comes back


def test_an_answer_holds_what_the_judge_looks_at(connect: Connect) -> None:
    said = b'{"code":2001,"type":"Busy","message":"Wait","requestId":"r-1"}'
    date = "Thu, 01 Jan 2026 00:00:00 GMT"
    headers = {"Content_Type": "application/json", "Retry_After": "7", "Date": date}

    with HostileServer(answering(422, said, **headers)) as server:
        answer = connect(server.url).post(BODY, timeout_ms=20_000)

    assert answer == Answer(
        status=422,
        body=said,
        content_type="application/json",
        retry_after="7",
        date=date,
        received_at=answer.received_at,
    )
    assert answer.received_at > 1_700_000_000_000


@pytest.mark.parametrize(("status", "verdict"), [(200, Verdict.ACCEPTED), (400, Verdict.VAGUE)])
def test_a_body_that_came_packed_although_nobody_asked_counts_as_none(
    connect: Connect, status: int, verdict: Verdict
) -> None:
    packed = gzip.compress(b'{"code":2000}')

    with HostileServer(answering(status, packed, Content_Encoding="gzip")) as server:
        answer = connect(server.url).post(BODY, timeout_ms=20_000)

    assert (answer.body, judge(answer).verdict) == (b"", verdict)


def test_a_redirect_keeps_the_keys_at_home_and_delivers_nothing(connect: Connect) -> None:
    with HostileServer() as other, HostileServer(answering(307, b"", Location=other.url)) as server:
        answer = connect(server.url).post(BODY, timeout_ms=20_000)

    assert judge(answer).verdict is Verdict.CREDENTIALS
    assert (len(server.bodies), other.connections) == (1, 0)


def test_of_an_endless_success_the_status_counts(connect: Connect) -> None:
    endless = flooding(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536)

    with HostileServer(endless) as server:
        answer = connect(server.url).post(BODY, timeout_ms=20_000)

    assert (answer.truncated, len(answer.body), judge(answer).verdict) == (True, 65536, Verdict.ACCEPTED)


# How it is lost


def test_a_second_call_that_was_applied_before_the_connection_closed_is_sent_once_and_unclear(
    connect: Connect,
) -> None:
    with HostileServer(applying_the_second_and(Connection.close)) as server:
        gameball = connect(server.url)
        first = gameball.post(b"first", timeout_ms=20_000)
        second = gameball.post(b"second", timeout_ms=20_000)

    assert (first.lost, second.lost) == (None, Loss.UNCLEAR)
    assert judge(second).verdict is Verdict.UNCLEAR
    assert (server.bodies, server.connections) == ([b"first", b"second"], 1)


def test_a_call_without_an_answer_in_time_is_unclear(connect: Connect) -> None:
    with HostileServer(applying_in_silence) as server:
        answer = connect(server.url).post(BODY, timeout_ms=1000)

    assert answer.lost is Loss.DEADLINE
    assert judge(answer).verdict is Verdict.UNCLEAR
    assert server.bodies == [BODY]


def test_a_call_that_nobody_takes_is_not_sent(connect: Connect) -> None:
    with closed_port() as closed, silent_listener() as silent:
        answers = [connect(url).post(BODY, timeout_ms=400) for url in (closed, silent)]

    assert [answer.lost for answer in answers] == [Loss.NOT_SENT, Loss.NOT_SENT]
    assert {judge(answer).verdict for answer in answers} == {Verdict.NOT_SENT}


def test_a_far_end_that_cannot_prove_who_it_is_gets_nothing_and_pauses_the_account(
    connect: Connect, tmp_path: Path
) -> None:
    _, tls = make_certificate(tmp_path, "127.0.0.1")

    with HostileServer(tls=tls) as server:
        answer = connect(server.url).post(BODY, timeout_ms=20_000)

    assert answer.lost is Loss.TLS
    assert judge(answer).verdict is Verdict.CREDENTIALS
    assert server.heads == []


def test_a_key_that_is_gone_sends_nothing_and_pauses_the_account(connect: Connect, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("a-key-1234")

    with HostileServer() as server:
        gameball = connect(server.url, API_KEY="", API_KEY_FILE=str(file))
        file.unlink()
        answer = gameball.post(BODY, timeout_ms=20_000)

    place = f"GAMEBALL_API_KEY_FILE={file}"
    assert answer == Answer(lost=Loss.KEYS, detail=f"{place} cannot be read: No such file or directory")
    assert judge(answer).verdict is Verdict.CREDENTIALS
    assert server.connections == 0


@pytest.mark.parametrize("timeout_ms", [0, -5])
def test_without_time_left_nothing_is_tried(connect: Connect, timeout_ms: int) -> None:
    with HostileServer() as server:
        answer = connect(server.url).post(BODY, timeout_ms=timeout_ms)

    assert judge(answer).verdict is Verdict.UNSENT
    assert server.connections == 0


# No secrets


def everything_shown(error: BaseException) -> str:
    """Return what the most talkative error reporter would print, local variables included."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(told.format()) + repr(error) + str(error) + repr(vars(error))


@pytest.mark.parametrize(
    "play", [Connection.close, Connection.reset, applying_in_silence, saying(b"garbage")]
)
def test_no_key_shows_in_an_error_its_traceback_or_the_local_variables_on_the_way(
    connect: Connect, play: Script, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    with HostileServer(play) as server:
        gameball = connect(server.url, PROXY=server.url.replace("//", f"//user:{PASSWORD}@"))
        with pytest.raises(LostError) as raised:
            gameball._send(BODY, 0.3)
        answer = gameball.post(BODY, timeout_ms=300)

    told = capfd.readouterr()
    shown = everything_shown(raised.value) + repr(gameball) + repr(answer) + repr(judge(answer)) + caplog.text
    assert "canary" not in shown + told.out + told.err


@pytest.mark.parametrize(
    "quoted",
    [
        f'"key {API_KEY} and {SECRET_KEY}"',
        f'"key {API_KEY} and {SECRET_KEY}"'.replace("/", "\\/").replace("+", "\\u002B"),
        '"'
        + "".join(f"\\u{ord(char):04x}" for char in API_KEY)
        + " "
        + SECRET_KEY.replace("+", "\\u002b")
        + '"',
    ],
)
def test_a_key_that_the_answer_quotes_is_blotted_out(connect: Connect, quoted: str) -> None:
    said = f'{{"code":1000,"requestId":{quoted},"message":{quoted}}}'.encode()

    with HostileServer(answering(401, said)) as server:
        answer = connect(server.url).post(BODY, timeout_ms=20_000)

    judgement = judge(answer)
    kept = f"{answer.body!r} {judgement.message} {judgement.request_id}"
    assert judgement.code == 1000
    assert "canary" not in kept
    assert "**********" in judgement.message


def test_a_key_as_short_as_a_word_does_not_blot_out_the_answer(connect: Connect) -> None:
    with HostileServer(answering(400, b'{"code":2001}')) as server:
        answer = connect(server.url, API_KEY="code", SECRET_KEY="").post(BODY, timeout_ms=20_000)

    assert judge(answer).verdict is Verdict.BUSY
