from __future__ import annotations

import pytest

from workers.retry_after import retry_after_ms

NOW = 1_767_225_600_000  # Thu, 01 Jan 2026 00:00:00 GMT


@pytest.mark.parametrize(
    ("value", "date", "wait_ms"),
    [
        ("0", "", 0),
        ("120", "", 120_000),
        (" 7 ", "", 7_000),
        ("999999999", "", 999_999_999_000),
        ("Thu, 01 Jan 2026 00:00:10 GMT", "", 10_000),
        ("Wed, 31 Dec 2025 23:59:59 GMT", "", 0),
        # The far end's clock runs an hour ahead: only the difference of its own two times counts.
        ("Thu, 01 Jan 2026 01:00:10 GMT", "Thu, 01 Jan 2026 01:00:00 GMT", 10_000),
        ("Thu, 01 Jan 2026 00:00:10 GMT", "not a date", 10_000),
        ("Thu, 01 Jan 2026 00:00:10 -0000", "", 10_000),
        ("", "", None),
        ("-5", "", None),
        ("1.5", "", None),
        ("٣", "", None),
        ("9" * 5000, "", None),
        ("soon", "", None),
        ("Thu, 99 Jan 2026 00:00:10 GMT", "", None),
        ("Thu, 01 Jan 99999 00:00:10 GMT", "", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_and_else_not_at_all(
    value: str, date: str, wait_ms: int | None
) -> None:
    read = retry_after_ms(value, date=date, now=NOW)

    assert read == wait_ms
