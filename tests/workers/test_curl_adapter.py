"""The adapter against servers that misbehave. Every loss must say whether a byte may have left."""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pycurl
import pytest
import requests

from shipper.clock import monotonic_ms
from tests.support.hostile import (
    OK,
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
from workers.curl import CurlAdapter
from workers.wire import CurlResponse, DeadlineError, LostError, UntrustedError

BODY = b'{"customerId":"c-42","events":{"write_review":{"stars":5}}}'
Post = Callable[..., CurlResponse]


@pytest.fixture
def post() -> Iterator[Post]:
    """Post through a session with the adapter mounted: 10 s to connect, 20 s in all."""
    adapter = CurlAdapter()
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", adapter)
    session.mount("https://", adapter)

    def send(url: str, body: bytes = BODY, **options: Any) -> CurlResponse:
        request = session.prepare_request(requests.Request("POST", url, data=body, headers={"APIKey": "key"}))
        response = session.send(request, **({"timeout": (10, 20), "proxies": {}} | options))
        assert isinstance(response, CurlResponse)
        return response

    yield send
    session.close()


def lost(post: Post, url: str, **options: Any) -> LostError:
    """Post where no whole answer comes from."""
    with pytest.raises(LostError) as raised:
        post(url, **options)
    return raised.value


# One copy, never two


@pytest.mark.parametrize("end", [Connection.close, Connection.reset])
def test_a_call_applied_on_a_kept_alive_connection_that_then_dies_is_sent_once_and_unclear(
    post: Post, end: Callable[[Connection], None]
) -> None:
    with HostileServer(applying_the_second_and(end)) as server:
        first = post(server.url, b"first")

        error = lost(post, server.url, body=b"second")

    assert first.status_code == 200
    assert (error.sent, error.curl_error) == (True, pycurl.E_SEND_FAIL_REWIND)
    assert (server.bodies, server.connections) == ([b"first", b"second"], 1)


def test_libcurl_would_send_that_call_again_by_itself_if_it_could_rewind_the_body() -> None:
    with HostileServer(applying_the_second_and(Connection.close)) as server:
        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, server.url)
        handle.setopt(pycurl.NOPROXY, "*")
        handle.setopt(pycurl.WRITEFUNCTION, len)
        handle.setopt(pycurl.POSTFIELDS, "first")
        handle.perform()

        handle.setopt(pycurl.POSTFIELDS, "second")
        handle.perform()
        handle.close()

    assert server.bodies == [b"first", b"second", b"second"], "then READFUNCTION is no longer needed"


def test_a_large_body_on_a_dying_kept_alive_connection_is_not_sent_again_either(post: Post) -> None:
    body = b"x" * 3_000_000

    def play(connection: Connection) -> None:
        connection.hear()
        connection.say(OK)
        connection.read(100_000)
        connection.reset()

    with HostileServer(play) as server:
        post(server.url, b"first")

        error = lost(post, server.url, body=body)

    assert error.sent
    assert (server.bodies, server.connections) == ([b"first"], 1)


def test_a_connection_closed_while_idle_is_replaced_before_anything_is_sent(post: Post) -> None:
    closed = threading.Event()

    def play(connection: Connection) -> None:
        connection.hear()
        connection.say(OK)
        connection.close()
        closed.set()

    with HostileServer(play) as server:
        post(server.url, b"first")
        assert closed.wait(30)

        second = post(server.url, b"second")

    assert second.status_code == 200
    assert (server.bodies, server.connections) == ([b"first", b"second"], 2)


def test_what_one_answer_leaves_behind_is_never_taken_for_the_next_answer(post: Post) -> None:
    def play(connection: Connection) -> None:
        while (body := connection.hear()) is not None:
            connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body) + OK)

    with HostileServer(play) as server:
        answers = [post(server.url, body).content for body in (b"first", b"second", b"third")]

    assert answers == [b"first", b"second", b"third"]


# Lost before the first byte, or after


def applies_and_closes(connection: Connection) -> None:
    connection.hear()
    connection.close()


def applies_and_resets(connection: Connection) -> None:
    connection.hear()
    connection.reset()


def reads_half_and_resets(connection: Connection) -> None:
    connection.read(20)
    connection.reset()


# What the server does, and the status that is known by then.
LOSSES: dict[str, tuple[Script, int | None]] = {
    "closes at once": (Connection.close, None),
    "applies and closes": (applies_and_closes, None),
    "applies and resets": (applies_and_resets, None),
    "reads half and resets": (reads_half_and_resets, None),
    "speaks HTTP/0.9": (saying(b"<html>no status line</html>"), None),
    "says garbage": (saying(bytes(range(256)) * 8), None),
    "speaks HTTP/2": (saying(b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n"), None),
    "has no such status": (saying(b"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n"), None),
    "has a negative length": (saying(b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"), 200),
    "has two lengths": (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), 200),
    "falls short": (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), 200),
    "has a chunk of no size": (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok"), 200),
    "has no last chunk": (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), 200),
    "packs on the way": (
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" + gzip.compress(b"ok")),
        200,
    ),
    "ends in its headers": (saying(b"HTTP/1.1 200 OK\r\nContent-"), 200),
    "only continues": (saying(b"HTTP/1.1 100 Continue\r\n\r\n"), None),
}


@pytest.mark.parametrize(("play", "status"), LOSSES.values(), ids=LOSSES)
def test_whatever_goes_wrong_after_the_connection_stood_may_have_been_sent(
    post: Post, play: Script, status: int | None
) -> None:
    with HostileServer(play) as server:
        error = lost(post, server.url)

    assert (error.sent, error.status) == (True, status)
    assert len(server.bodies) <= 1
    assert server.connections == 1


def test_a_connection_reset_before_anything_is_read_is_lost_with_the_call_unread(post: Post) -> None:
    with HostileServer(Connection.reset) as server:
        error = lost(post, server.url)

    # Whether the reset came before or after the first byte is a race, and the error may say either.
    assert error.status is None
    assert server.bodies == []


def test_a_refused_connection_is_not_sent(post: Post) -> None:
    with closed_port() as url:
        error = lost(post, url)

    assert (error.sent, error.curl_error) == (False, pycurl.E_COULDNT_CONNECT)


def test_a_name_that_does_not_resolve_is_not_sent(post: Post) -> None:
    error = lost(post, "http://gameball.invalid")

    assert not error.sent


def test_a_server_that_never_takes_the_connection_ends_at_the_connect_limit_and_is_not_sent(
    post: Post,
) -> None:
    with silent_listener() as url:
        started = time.monotonic()

        error = lost(post, url, timeout=(0.3, 50))

    assert isinstance(error, DeadlineError)
    assert not error.sent
    assert 0.2 < time.monotonic() - started < 25


# The deadline, and what is read


def switches_protocols(connection: Connection) -> None:
    connection.hear()
    connection.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
    connection.hold()


DELAYS: dict[str, tuple[Script, int | None]] = {
    "applies and is silent": (applying_in_silence, None),
    "drips headers": (flooding(b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n", every_s=0.05), 200),
    "drips a body": (flooding(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b".", every_s=0.05), 200),
    "switches protocols": (switches_protocols, None),
    "takes the connection and no more": (Connection.hold, None),
}


def test_a_server_that_takes_for_ever_ends_at_the_deadline_and_may_have_applied_the_call(post: Post) -> None:
    def lose(play: Script) -> tuple[LostError, float]:
        with HostileServer(play) as server:
            started = time.monotonic()
            return lost(post, server.url, timeout=(2, 2)), time.monotonic() - started

    with ThreadPoolExecutor(len(DELAYS)) as threads:  # together, so that a deadline can be seconds
        losses = dict(zip(DELAYS, threads.map(lose, (play for play, _ in DELAYS.values())), strict=True))

    assert {name: type(error) for name, (error, _) in losses.items()} == dict.fromkeys(DELAYS, DeadlineError)
    assert {name: (error.sent, error.status) for name, (error, _) in losses.items()} == {
        name: (True, status) for name, (_, status) in DELAYS.items()
    }
    assert [took_s for _, took_s in losses.values() if not 1.9 < took_s < 9] == []


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS: dict[str, Script] = {
    "continues": flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "hints": flooding(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100),
    "headers": flooding(b"HTTP/1.1 200 OK\r\n", b"X-Header: more and more\r\n" * 100),
    "trailers": flooding(CHUNKED + b"0\r\n", b"X-Trailer: more\r\n" * 100),
}


@pytest.mark.parametrize("play", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_headers_is_cut_off_at_64_kib(post: Post, play: Script) -> None:
    with HostileServer(play) as server:
        error = lost(post, server.url)

    assert (error.sent, error.curl_error) == (True, pycurl.E_WRITE_ERROR)


def test_a_header_without_end_is_cut_off_long_before_the_deadline(post: Post) -> None:
    with HostileServer(flooding(b"HTTP/1.1 200 OK\r\nX-Header: ", b"more and more" * 1000)) as server:
        error = lost(post, server.url)

    assert error.sent
    assert not isinstance(error, DeadlineError)


def peak_memory_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 422 X\r\nContent-Length: 1073741824\r\n\r\n",
        b"HTTP/1.1 422 X\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 422 X\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n",
    ],
    ids=["a gigabyte", "no end", "one chunk of a gigabyte"],
)
def test_of_an_endless_answer_64_kib_are_read_and_the_status_counts(post: Post, start: bytes) -> None:
    peak_before = peak_memory_bytes()

    with HostileServer(flooding(start, b"a" * 65536)) as server:
        response = post(server.url)

    grown = peak_memory_bytes() - peak_before
    assert (response.status_code, response.truncated) == (422, True)
    assert response.content == b"a" * 65536
    assert grown < 16 * 1024 * 1024


@pytest.mark.parametrize(("size", "truncated"), [(0, False), (65535, False), (65536, False), (65537, True)])
def test_an_answer_of_just_64_kib_is_whole(post: Post, size: int, truncated: bool) -> None:
    with HostileServer(answering(200, b"a" * size)) as server:
        response = post(server.url)

    assert (len(response.content), response.truncated) == (min(size, 65536), truncated)


def test_a_bomb_of_packed_bytes_is_not_unpacked(post: Post) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)

    with HostileServer(answering(200, bomb, Content_Encoding="gzip")) as server:
        response = post(server.url)

    assert response.content == bomb


def test_answers_that_only_announce_the_answer_are_passed_over(post: Post) -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"

    with HostileServer(saying(hints + OK)) as server:
        response = post(server.url)

    assert response.status_code == 200
    assert dict(response.headers) == {"Content-Type": "application/json", "Content-Length": "16"}
    assert response.content == b'{"success":true}'


def test_an_answer_that_comes_before_the_whole_body_was_read_counts(post: Post) -> None:
    def play(connection: Connection) -> None:
        connection.read(1000)
        connection.answer(413, b"too large", Connection="close")
        connection.hold()

    with HostileServer(play) as server:
        response = post(server.url, b"x" * 5_000_000)

    assert (response.status_code, response.content) == (413, b"too large")


def test_a_large_body_arrives_byte_for_byte(post: Post) -> None:
    body = bytes(range(256)) * 12_000

    with HostileServer() as server:
        post(server.url, body)

    assert server.bodies == [body]


def test_no_call_asks_for_permission_to_send_its_body(post: Post) -> None:
    with HostileServer() as server:
        post(server.url, b"x" * 2_000_000)

    assert b"expect" not in server.heads[0].lower()
    assert b"Content-Length: 2000000" in server.heads[0]


# Where it goes, and what it trusts


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("allow_redirects", [True, False])
def test_a_redirect_is_an_answer_and_the_other_host_sees_nothing(
    post: Post, status: int, allow_redirects: bool
) -> None:
    with HostileServer() as other, HostileServer(answering(status, Location=other.url)) as server:
        response = post(server.url, allow_redirects=allow_redirects)

    assert response.status_code == status
    assert (len(server.bodies), other.connections) == (1, 0)


@pytest.mark.parametrize("location", ["http://[bad", "//", "\xff\xfe", "gopher://x", "http://a:b@c:99999/"])
def test_a_redirect_to_nonsense_is_an_answer_too(post: Post, location: str) -> None:
    redirect = f"HTTP/1.1 302 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")

    with HostileServer(saying(redirect)) as server:
        response = post(server.url)

    assert response.status_code == 302


def test_netrc_and_proxies_of_the_environment_are_ignored(
    post: Post, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    with HostileServer() as server, HostileServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        response = post(server.url)

    assert response.status_code == 200
    assert proxy.connections == 0
    assert b"authorization" not in server.heads[0].lower()


def test_a_proxy_that_is_configured_is_used_whatever_no_proxy_saying(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")

    with HostileServer() as proxy:
        post("http://gameball.invalid/api", proxies={"http": proxy.url})

    assert proxy.heads[0].startswith(b"POST http://gameball.invalid/api HTTP/1.1\r\n")


def refuses_unasked(connection: Connection) -> None:
    connection.answer(407)
    connection.hold()


def test_a_proxy_that_refuses_the_tunnel_has_let_nothing_through(post: Post) -> None:
    with HostileServer(refuses_unasked) as proxy:
        error = lost(post, "https://gameball.invalid/api", proxies={"https": proxy.url})

    assert not error.sent


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(
    post: Post, tmp_path: Path
) -> None:
    _, tls = make_certificate(tmp_path, "127.0.0.1")

    with HostileServer(tls=tls) as server:
        error = lost(post, server.url)

    assert isinstance(error, UntrustedError)
    assert not error.sent
    assert server.heads == []


def test_a_trusted_certificate_of_another_host_is_refused(post: Post, tmp_path: Path) -> None:
    certificate, tls = make_certificate(tmp_path, "gameball.example")

    with HostileServer(tls=tls) as server:
        error = lost(post, server.url, verify=str(certificate))

    assert isinstance(error, UntrustedError)
    assert server.heads == []


def test_a_trusted_certificate_of_the_right_host_is_taken(post: Post, tmp_path: Path) -> None:
    certificate, tls = make_certificate(tmp_path, "127.0.0.1")

    with HostileServer(tls=tls) as server:
        responses = [post(server.url, verify=str(certificate)) for _ in range(3)]

    assert [response.status_code for response in responses] == [200, 200, 200]
    assert server.connections == 1


def test_trust_given_to_one_call_is_not_lent_to_the_next(post: Post, tmp_path: Path) -> None:
    certificate, tls = make_certificate(tmp_path, "127.0.0.1")

    with HostileServer(tls=tls) as server:
        post(server.url, verify=str(certificate))

        error = lost(post, server.url)

    assert isinstance(error, UntrustedError)
    assert len(server.heads) == 1


def test_a_bundle_that_is_not_there_is_refused_and_nothing_is_sent(post: Post, tmp_path: Path) -> None:
    _, tls = make_certificate(tmp_path, "127.0.0.1")

    with HostileServer(tls=tls) as server:
        error = lost(post, server.url, verify=str(tmp_path / "none.pem"))

    assert isinstance(error, UntrustedError)
    assert server.heads == []


def test_a_plain_server_where_tls_was_meant_is_sent_nothing(post: Post) -> None:
    with HostileServer(refuses_unasked) as server:
        error = lost(post, server.url.replace("http:", "https:"))

    assert not error.sent
    assert not isinstance(error, UntrustedError)


@pytest.mark.parametrize(
    "options",
    [
        {"verify": False},
        {"cert": "mine.pem"},
        {"timeout": None},
        {"timeout": 0},
        {"timeout": (2, None)},
        {"timeout": (2, 0.0001)},
        {"body": "text"},
    ],
    ids=str,
)
def test_what_would_be_unsafe_is_refused_as_a_mistake(post: Post, options: dict[str, Any]) -> None:
    with HostileServer() as server, pytest.raises(ValueError, match=r"the adapter|certificates|limits"):
        post(server.url, **options)

    assert server.connections == 0


def test_nothing_but_http_is_spoken(post: Post, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("secret")
    adapter = CurlAdapter()
    request = requests.Request("POST", "http://127.0.0.1", data=BODY).prepare()
    request.url = f"file://{tmp_path}/file"

    with pytest.raises(LostError) as raised:
        adapter.send(request, timeout=1)

    assert not raised.value.sent


# Threads, processes, time


def test_sixteen_threads_get_their_own_answers_each_call_once(post: Post) -> None:
    def play(connection: Connection) -> None:
        while (body := connection.hear()) is not None:
            connection.answer(200, body)

    bodies = [b"%d" % number for number in range(800)]

    with HostileServer(play) as server, ThreadPoolExecutor(16) as threads:
        answers = [response.content for response in threads.map(lambda body: post(server.url, body), bodies)]

    assert answers == bodies
    assert sorted(server.bodies) == sorted(bodies)
    assert server.connections <= 16


def test_a_thread_takes_up_the_connection_that_another_left(post: Post) -> None:
    with HostileServer() as server:
        for _ in range(3):
            thread = threading.Thread(target=post, args=(server.url,))
            thread.start()
            thread.join()

    assert (len(server.bodies), server.connections) == (3, 1)


def test_a_connection_that_is_no_longer_needed_is_closed_after_a_while(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_asked = threading.Barrier(2)

    def play(connection: Connection) -> None:
        while (body := connection.hear()) is not None:
            if body == b"together":
                both_asked.wait(30)
            connection.say(OK)

    with HostileServer(play) as server:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda _: post(server.url, b"together"), range(2)))
        later_ms = monotonic_ms() + 31_000
        monkeypatch.setattr("workers.curl.monotonic_ms", lambda: later_ms)

        post(server.url)

        server.wait_for(lambda server: server.closed == 1)
        assert server.connections == 2


def test_a_forked_child_posts_on_its_own_connection_and_leaves_the_parents_alone(tmp_path: Path) -> None:
    certificate, tls = make_certificate(tmp_path, "127.0.0.1")
    script = textwrap.dedent(
        """
        import gc, os, sys
        import requests
        import workers.wire
        from workers.curl import CurlAdapter

        workers.wire.IDLE_S = 60  # however long the child takes
        url, bundle = sys.argv[1:]
        session = requests.Session()
        session.mount("https://", CurlAdapter())

        def post(body):
            request = session.prepare_request(requests.Request("POST", url, data=body))
            assert session.send(request, timeout=(10, 20), verify=bundle).status_code == 200

        post(b"parent")
        child = os.fork()
        if not child:
            post(b"child")
            session.close()
            gc.collect()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        post(b"parent again")
        """
    )

    with HostileServer(tls=tls) as server:
        subprocess.run([sys.executable, "-c", script, server.url, str(certificate)], check=True, timeout=50)

    assert server.bodies == [b"parent", b"child", b"parent again"]
    assert server.numbers == [1, 2, 1]
