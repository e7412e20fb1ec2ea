"""Logs tell facts in one line, to people or to programs, and never what customers said."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest

from shipper.errors import SettingsError
from shipper.logs import configure_logs, get_logger

LOG = get_logger("shipper.test")


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, given back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("root")
def test_a_json_line_has_time_level_event_and_fields() -> None:
    out = io.StringIO()
    configure_logs("json", stream=out)

    LOG.info("delivery.settled", event_id="01HZ", attempt=2, outcome="delivered")

    line = json.loads(out.getvalue())
    assert datetime.fromisoformat(line.pop("time")).utcoffset() is not None
    assert line == {
        "level": "info",
        "logger": "shipper.test",
        "event": "delivery.settled",
        "event_id": "01HZ",
        "attempt": 2,
        "outcome": "delivered",
    }


@pytest.mark.usefixtures("root")
def test_a_human_line_reads_from_left_to_right() -> None:
    out = io.StringIO()
    configure_logs("human", stream=out)

    LOG.warning("delivery.settled", event_id="01HZ", attempt=2)

    assert out.getvalue()[30:] == "warning  delivery.settled event_id='01HZ' attempt=2\n"


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("stream", "first"), [(io.StringIO(), "{"), (Terminal(), "2")], ids=["a pipe", "a terminal"]
)
def test_auto_writes_for_people_on_a_terminal_only(stream: io.StringIO, first: str) -> None:
    configure_logs(stream=stream)

    LOG.info("delivery.settled")

    assert stream.getvalue()[0] == first


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("style", ["json", "human"])
def test_what_customers_said_is_dropped_and_named(style: str) -> None:
    out = io.StringIO()
    configure_logs(style, stream=out)

    LOG.bind(email="canary").info(
        "delivery.settled",
        mobile="canary",
        metadata={"a": "canary"},
        headers=[("APIKey", "canary")],
        answer={"apiKey": "canary", "code": 5, "items": [{"Secret-Key": "canary"}]},
    )

    assert "canary" not in out.getvalue()
    for name in ("email", "mobile", "metadata", "headers", "apiKey", "Secret-Key"):
        assert name in out.getvalue().partition("dropped")[2]
    assert "5" in out.getvalue()


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("style", ["json", "human"])
def test_a_traceback_shows_no_variables(style: str) -> None:
    out = io.StringIO()
    configure_logs(style, stream=out)

    try:
        secret = "yranac"[::-1]
        len(secret) / 0
    except ZeroDivisionError:
        LOG.exception("pump.died")

    assert "division by zero" in out.getvalue()
    assert "Traceback" in out.getvalue()
    assert "canary" not in out.getvalue()


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("style", ["json", "human"])
def test_nothing_in_a_line_can_steer_a_terminal(style: str) -> None:
    out = io.StringIO()
    configure_logs(style, stream=out)

    LOG.info("delivery.settled", customer_id="\x1b[31m\u202e", lines="a\nb")
    logging.getLogger("other").warning("said \x1b[31m\nforged")

    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 2


@pytest.mark.usefixtures("root")
def test_other_libraries_lines_have_the_same_form() -> None:
    out = io.StringIO()
    configure_logs("json", stream=out)

    logging.getLogger("celery.worker").warning("lost %s", "a broker")

    line = json.loads(out.getvalue())
    assert (line["level"], line["logger"], line["event"]) == ("warning", "celery.worker", "lost a broker")


@pytest.mark.usefixtures("root")
def test_lines_below_the_level_are_not_written() -> None:
    out = io.StringIO()
    configure_logs("json", level=logging.WARNING, stream=out)

    LOG.info("delivery.settled")

    assert out.getvalue() == ""


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(SettingsError, match="SHIPPER_LOG is 'xml': known are json, human, auto"):
        configure_logs("xml")


def test_an_app_that_configures_nothing_keeps_its_own_format(
    root: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    before = root.handlers[:]

    LOG.warning("delivery.settled", event_id="01HZ", name="a field that a record has too")

    assert root.handlers == before
    assert caplog.messages == ["delivery.settled event_id='01HZ' name='a field that a record has too'"]


def test_the_producers_modules_bring_no_logging_library() -> None:
    script = (
        "import sys, shipper.envelope, shipper.hooks\n"
        "print([name for name in ('structlog', 'rich') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
