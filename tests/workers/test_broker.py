"""Of a message only task, id, account and ticket are believed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from workers.broker import NONSENSE, wake_up_of

ID = "0a2ea3d4-2d9a-4b6e-9e39-0e1bb3a51f5b"
TICKET = "AbCd-_0123456789"


def message(
    task: Any = "shipper.deliver", id_: Any = ID, args: Any = ("default", TICKET), **more: Any
) -> dict[str, Any]:
    body = b64encode(json.dumps([args, {"evil": 1}, {"callbacks": ["evil"]}]).encode()).decode()
    headers = {"task": task, "id": id_, "timelimit": ["evil"], "eta": "evil", "shadow": "evil"}
    return {"body": body, "headers": headers, "properties": {"reply_to": "evil"}, **more}


@pytest.mark.parametrize("task", ["shipper.deliver", "shipper.complete"])
def test_a_wake_up_is_built_anew_from_what_it_says(task: str) -> None:
    wake_up = wake_up_of(message(task))

    assert json.loads(b64decode(wake_up["body"])) == [["default", TICKET], {}, {}]
    assert wake_up["headers"] == {"lang": "py", "task": task, "id": ID, "root_id": ID}
    assert "evil" not in json.dumps(wake_up)


def test_each_wake_up_has_a_tag_of_its_own() -> None:
    tags = {wake_up_of(message())["properties"]["delivery_tag"] for _ in range(10)}

    assert len(tags) == 10


@pytest.mark.parametrize(
    "forged",
    [
        None,
        5,
        "text",
        [],
        {},
        {"headers": None, "body": ""},
        {"headers": {}, "body": ""},
        message(body="%%%"),
        message(body=b64encode(b"no json").decode()),
        message(body=b64encode(b"5").decode()),
        message(body=b64encode(b"[" * 100_000).decode()),
        message(body=None),
        message("celery.backend_cleanup"),
        message("shipper.deliver\n"),
        message(["shipper.deliver"]),
        message(id_=None),
        message(id_="x" * 36),
        message(id_=ID + "\n"),
        message(id_="\u0660" * 36),
        message(args=[]),
        message(args=["default"]),
        message(args=["default", TICKET, "more"]),
        message(args={"default": 1, TICKET: 2, "more": 3}),
        message(args=["Default", TICKET]),
        message(args=["", TICKET]),
        message(args=["default", ""]),
        message(args=["default", TICKET + "="]),
        message(args=["default", None]),
        message(args=[["default"], TICKET]),
    ],
    ids=lambda value: None,
)
def test_whatever_is_no_wake_up_is_refused(forged: Any) -> None:
    with pytest.raises(NONSENSE):
        wake_up_of(forged)
