"""Gameball's error codes: the status each comes with, and the shape they are told in."""

from __future__ import annotations

import json
from typing import Final

DOCUMENTATION_URL: Final = "https://docs.gameball.co/api-reference/overview/status-error-codes"

STATUS_OF_CODE: Final = {
    1000: 401,
    1001: 401,
    1002: 403,
    1006: 401,
    2000: 400,
    2001: 422,
    3000: 400,
    3003: 422,
    3016: 400,
    3017: 404,
    4000: 400,
    4004: 404,
    4500: 400,
    5000: 500,
    5003: 503,
    6000: 422,
    6003: 403,
    7000: 404,
    7001: 422,
    8000: 403,
    9001: 422,
    9004: 422,
}
OTHER_STATUS: Final = 422

CODE_OF_STATUS: Final = {
    400: 2000,
    401: 1000,
    403: 1002,
    404: 4004,
    422: 3003,
    429: 429,
    500: 5000,
    503: 5003,
}
"""What a status says when nobody chose a code. For 429 no code is documented: it repeats the status."""

_TYPES: Final = {
    1: "AUTHENTICATION_ERROR",
    2: "REQUEST_ERROR",
    3: "PAYLOAD_ERROR",
    4: "GENERAL_ERROR",
    5: "SERVER_ERROR",
    6: "CONFIGURATION_ERROR",
    7: "CUSTOMER_ERROR",
    8: "SUBSCRIPTION_ERROR",
    9: "TRANSACTION_ERROR",
}


def status_of(code: int) -> int:
    """Return the status that `code` comes with; most of those not listed come with 422."""
    return STATUS_OF_CODE.get(code, OTHER_STATUS)


def failure_body(code: int, message: str, request_id: str) -> bytes:
    """Encode Gameball's error object."""
    return json.dumps(failure(code, message, request_id)).encode()


def failure(code: int, message: str, request_id: str) -> dict[str, object]:
    """Return Gameball's error object."""
    return {
        "code": code,
        "type": _TYPES.get(code // 1000, "REQUEST_ERROR"),
        "message": message,
        "documentationUrl": DOCUMENTATION_URL,
        "requestId": request_id,
    }
