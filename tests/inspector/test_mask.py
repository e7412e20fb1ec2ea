"""What a list shows of an email or a mobile."""

from __future__ import annotations

import pytest

from shipper.inspector.mask import mask_email, mask_mobile, mask_text


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        (None, None),
        ("", None),
        ("ann@example.com", "a***@***"),
        ("a@b.co", "a***@***"),
        ("@b.co", "***"),
        ("no address", "***"),
    ],
)
def test_an_email_shows_its_first_letter(email: str | None, shown: str | None) -> None:
    assert mask_email(email) == shown


@pytest.mark.parametrize(
    ("mobile", "shown"), [(None, None), ("", None), ("+201001234567", "***67"), ("12345", "***")]
)
def test_a_mobile_shows_its_last_two_digits(mobile: str | None, shown: str | None) -> None:
    assert mask_mobile(mobile) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, None),
        ("nothing to hide", "nothing to hide"),
        ("for ann: 0100", "for ***: ***"),
        ('{"email":"x.y+z@sub.example.org"}', '{"email":"***"}'),
    ],
)
def test_a_text_of_others_loses_contacts(text: str | None, shown: str | None) -> None:
    assert mask_text(text, email="ann", mobile="0100") == shown
