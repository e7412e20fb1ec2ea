"""Completion hooks are found by name, and a name means one function."""

from __future__ import annotations

import functools
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipper import hooks
from shipper.errors import SettingsError, UnknownHookError
from shipper.hooks import completion_hook, find, registered


@pytest.fixture(autouse=True)
def _empty_registry() -> Iterator[None]:
    before = dict(registered())
    hooks._registry.clear()
    yield
    hooks._registry.clear()
    hooks._registry.update(before)


def test_a_hook_is_found_by_its_name() -> None:
    @completion_hook("review_sent")
    def review_sent(response: Any, error: Any) -> None: ...

    assert find("review_sent") is review_sent
    assert dict(registered()) == {"review_sent": review_sent}


def test_a_registered_function_stays_callable() -> None:
    @completion_hook("review_sent")
    def review_sent(response: Any, error: Any) -> tuple[Any, Any]:
        return response, error

    assert review_sent("yes", None) == ("yes", None)


def test_a_hook_that_nobody_registered_is_none() -> None:
    assert find("review_sent") is None


def test_one_function_may_have_several_names() -> None:
    def told(response: Any, error: Any) -> None: ...

    completion_hook("a")(told)
    completion_hook("b.c-d_9")(told)

    assert find("a") is find("b.c-d_9") is told


def test_what_is_registered_cannot_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        registered()["review_sent"] = print  # type: ignore[index]


def test_two_functions_of_one_name_are_refused_with_both_places() -> None:
    @completion_hook("review_sent")
    def first(response: Any, error: Any) -> None: ...

    with pytest.raises(SettingsError) as caught:

        @completion_hook("review_sent")
        def second(response: Any, error: Any) -> None: ...

    text = str(caught.value)
    first_line = first.__code__.co_firstlineno
    assert text.startswith("completion hook review_sent is registered twice: ")
    assert f"first at {__file__}:{first_line}" in text
    assert f"second at {__file__}:{first_line + 5}" in text
    assert find("review_sent") is first


def test_closures_of_one_function_are_several() -> None:
    def make(text: str) -> Any:
        def told(response: Any, error: Any) -> str:
            return text

        return told

    first = completion_hook("review_sent")(make("a"))
    completion_hook("review_sent")(first)

    with pytest.raises(SettingsError, match="registered twice"):
        completion_hook("review_sent")(make("b"))


def test_a_module_may_be_imported_again(tmp_path: Path) -> None:
    module = tmp_path / "app_hooks.py"
    module.write_text(
        "from shipper import hooks\n\n"
        "@hooks.completion_hook('review_sent')\n"
        "def review_sent(response, error):\n    return None\n"
    )

    runpy.run_path(str(module))
    again = runpy.run_path(str(module))

    assert find("review_sent") is again["review_sent"]


@pytest.mark.parametrize("name", ["", "Review", "review sent", "a|b", "a\n", "é", "h" * 65, None, 5])
def test_a_name_outside_the_rule_is_refused(name: Any) -> None:
    with pytest.raises(
        UnknownHookError, match=r"is no name of a completion hook: 1 to 64 of a-z, 0-9, _ \. -"
    ):
        completion_hook(name)
    with pytest.raises(UnknownHookError, match="is no name of a completion hook"):
        find(name)

    assert dict(registered()) == {}


def test_an_async_function_is_refused() -> None:
    async def told(response: Any, error: Any) -> None: ...

    with pytest.raises(
        SettingsError, match=r"completion hook told is an async function \(.*told at .*: workers would"
    ):
        completion_hook("told")(told)


@pytest.mark.parametrize(
    "hook",
    [lambda: None, lambda response: response, lambda response, error, more: (response, error, more), "told"],
    ids=["nothing", "one", "three", "a string"],
)
def test_what_cannot_be_called_with_response_and_error_is_refused(hook: Any) -> None:
    with pytest.raises(
        SettingsError, match=r"completion hook told cannot be called with \(response, error\)"
    ):
        completion_hook("told")(hook)

    assert find("told") is None


@pytest.mark.parametrize(
    "hook",
    [
        lambda *ending: ending,
        functools.partial(lambda name, response, error: name, "x"),
        lambda response=None, error=None: (response, error),
        print,
    ],
    ids=["any number", "a partial", "with defaults", "a builtin"],
)
def test_whatever_takes_response_and_error_can_be_a_hook(hook: Any) -> None:
    completion_hook("told")(hook)

    assert find("told") is hook
