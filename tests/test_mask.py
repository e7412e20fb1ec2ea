"""What is shown of an email or a mobile, in a list and in a text of others."""

from __future__ import annotations

import pytest

from shipper.mask import mask_email, mask_mobile, mask_text


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
        ("for Ann: (0100)", "for ***: (***)"),
        ('{"email":"x.y+z@sub.example.org"}', '{"email":"***"}'),
        (r'{"email":"x.y\u002Bz\u0040sub.example.org"}', '{"email":"***"}'),
        ("https://example.org/find?email=x.y%40sub.example.org", "https:***"),
        ("Annual total 20100, 01001", "Annual total 20100, 01001"),
    ],
)
def test_a_text_of_others_loses_contacts(text: str | None, shown: str | None) -> None:
    assert mask_text(text, email="ann", mobile="0100") == shown


@pytest.mark.parametrize("stored", ["+201001234567", "201001234567", "+20 100 123-4567", "+20 (100) 1234567"])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("customer with mobile 201001234567 exists", "customer with mobile *** exists"),
        ("customer with mobile +201001234567 exists", "customer with mobile *** exists"),
        ("mobile +20 100 123 4567 exists", "mobile *** exists"),
        ("mobile (+20) 100-123-4567 exists", "mobile (*** exists"),
        ("mobile +20\u00a0100\u20111234567 exists", "mobile *** exists"),
        ('{"mobile":201001234567}', '{"mobile":***}'),
        (r'{"mobile":"\u002B201001234567"}', '{"mobile":"***"}'),
        ("mobile 00201001234567 exists", "mobile *** exists"),
        ("mobile 01001234567 exists", "mobile *** exists"),
        ("mobile 0100 123 4567 exists", "mobile *** exists"),
        ("error 3009 of 201001234568 in 201001", "error 3009 of 201001234568 in 201001"),
    ],
)
def test_a_mobile_is_hidden_however_it_is_written(stored: str, text: str, shown: str) -> None:
    assert mask_text(text, email=None, mobile=stored) == shown


def test_a_mobile_is_hidden_with_its_country_where_it_was_given_without() -> None:
    assert mask_text("mobile +201001234567", email=None, mobile="01001234567") == "mobile ***"


@pytest.mark.parametrize(
    "text", ["for ANN.O@Example.COM", r"for ann.o\u0040EXAMPLE.com", r"for \u0061nn.o@example.com"]
)
def test_an_email_is_hidden_whatever_its_case_and_escapes(text: str) -> None:
    assert mask_text(text, email="Ann.O@example.com", mobile=None) == "for ***"


@pytest.mark.parametrize("mobile", ["2", "+", "-", "n", " "])
def test_next_to_nothing_is_hidden_for_a_mobile_that_is_next_to_nothing(mobile: str) -> None:
    text = '{"code":3022,"message":"no number 1200 is known"}'

    assert mask_text(text, email=None, mobile=mobile) == text
