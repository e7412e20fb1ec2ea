"""Export and import: letters as a file to keep or to carry elsewhere, and out of one."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from shipper.errors import LedgerFullError
from shipper.inspector import BrokenExportError, ImportCutError
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.pages.chosen import ask, chosen
from shipper.web.person import Role
from shipper.web.transfer import download, take_in
from shipper.web.upload import LARGEST_FILE
from shipper.web.visit import Visit


def ask_export(visit: Visit) -> Response:
    """Say how many would leave, and what a file of them tells."""
    return ask(visit, "export.html")


def export(visit: Visit) -> Response:
    """Give the file; that is why it is a POST: whoever asks is written down."""
    return download(visit.inspector, chosen(visit), masked=visit.text("masked") == "yes")


def ask_import(visit: Visit) -> Response:
    """Ask for a file."""
    return visit.draw("import.html", most=LARGEST_FILE, problem="")


def import_(visit: Visit) -> Response:
    """Take the letters of a file in, or say what it holds."""
    try:
        done = take_in(visit.inspector, visit.file, only_check=visit.text("check") == "yes")
    except (BrokenExportError, MistakeError) as error:
        return _failed(visit, 400, f"Nothing was taken in: {error}.")
    except ImportCutError as error:
        return _failed(visit, 503, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    except LedgerFullError as error:
        return _failed(visit, 507, f"Nothing was taken in: {error}.")
    return visit.draw("imported.html", done=done)


def _failed(visit: Visit, status: int, problem: str) -> Response:
    return visit.draw("import.html", status=status, most=LARGEST_FILE, problem=problem)


PAGES: Final = (
    Page(path="/a/{account}/export", answer=ask_export, needs=Role.OPERATOR),
    Page(path="/a/{account}/export", answer=export, needs=Role.OPERATOR, method="POST"),
    Page(path="/a/{account}/import", answer=ask_import, needs=Role.OPERATOR),
    Page(path="/a/{account}/import", answer=import_, needs=Role.OPERATOR, method="POST", takes_file=True),
)
