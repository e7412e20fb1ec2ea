"""Transfer: dead letters out of a ledger into a file, and out of a file into the same or another ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

from shipper.errors import LedgerFullError, LedgerUnavailableError, ShipperError
from shipper.inspector.choice import EXAMPLES, Choice, Handled, Left, Told, ids_of
from shipper.inspector.export_file import BrokenExportError, Head, read_export, read_head, write_export
from shipper.inspector.export_letter import is_sealed, read_letter, write_letter
from shipper.inspector.now import ledger_now
from shipper.keyring import Keyring
from shipper.ledger.deed import Deed
from shipper.ledger.failure import ReplyLostError
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation, Stored, give_out, note, restore, stored

CHUNK: Final = 20
"""Letters in one script: each may hold 64 KiB."""


class ImportCutError(ShipperError):
    """Say that an import broke off at a line of its file, after `done` letters were taken in."""

    def __init__(self, line: int, done: int, why: str) -> None:
        self.line = line
        self.done = done
        super().__init__(
            f"the import broke off at line {line}, with {done} letter(s) taken in; {why}. "
            "Import the same file again: what was taken in is known, and left"
        )


def export_lines(
    ledger: Ledger, choice: Choice, keyring: Keyring, *, masked: bool, deed: Deed, told: Told | None = None
) -> Iterator[bytes]:
    """Yield the lines of an export, oldest letters first, without holding them all.

    What leaves stands on the audit log before it does. An event that is no letter any more is left out.
    """
    head = Head(account=ledger.account, exported_at=ledger_now(ledger), masked=masked)
    letters = _letters(ledger, ids_of(ledger, choice, keyring), deed, told, masked=masked)
    said = (write_letter(letter, keyring, account=ledger.account, masked=masked) for letter in letters)
    return write_export(head, said)


def check_export(file: BinaryIO, keyring: Keyring, *, account: str) -> tuple[Head, int]:
    """Read a whole file; return what it is and how many letters it holds. Raise BrokenExportError."""
    head, letters = None, 0
    for number, found in read_export(file):
        if head is None:
            head = read_head(number, found)
            if head.masked:
                raise BrokenExportError(
                    number, "says that it is masked: it is for reading, and cannot be imported"
                )
            continue
        letters += 1
        _read(number, found, keyring, account=account)
    if head is None:  # never: a file without a line is torn
        raise BrokenExportError(1, "is missing")
    return head, letters


def import_letters(
    ledger: Ledger,
    file: BinaryIO,
    keyring: Keyring,
    *,
    deed: Deed,
    replicas: int = 0,
    told: Told | None = None,
) -> Handled:
    """Take letters in from a file that was checked, and is where it begins. Those that are known are left.

    So many replicas have them then. Raises LedgerFullError and LedgerUnavailableError where nothing was taken
    in, ImportCutError where something was, or may have been.
    """
    lines = read_export(file)
    head = read_head(*next(lines))
    words: Counter[str] = Counter()
    examples: list[Left] = []
    for chunk in _chunks(lines):
        results: dict[int, tuple[str, str]] = {}
        taken: list[tuple[int, Stored]] = []
        for number, found in chunk:
            if is_sealed(found) and head.account != ledger.account:
                results[number] = str(found.get("event_id")), "sealed"
            else:
                taken.append((number, _read(number, found, keyring, account=ledger.account)))
        step = restore([letter for _, letter in taken], deed=deed, replicas=replicas)
        answers = _run(ledger, step, line=chunk[0][0], done=words["ok"]) if taken else []
        for (number, letter), word in zip(taken, answers, strict=True):
            results[number] = letter.event_id, word
        words.update(word for _, word in results.values())
        left = (
            Left(event_id=event_id, why=word, line=line)
            for line, (event_id, word) in sorted(results.items())
            if word != "ok"
        )
        examples += islice(left, EXAMPLES - len(examples))
        if told:
            told(len(chunk))
    done = words.pop("ok", 0)
    return Handled(account=ledger.account, done=done, left=dict(words), examples=tuple(examples))


def _letters(
    ledger: Ledger, ids: Iterable[str], deed: Deed, told: Told | None, *, masked: bool
) -> Iterator[Stored]:
    for chunk in _chunks(ids):
        letters = [letter for letter in ledger.run(stored(chunk)) if letter]
        if letters:
            taken = [letter.event_id for letter in letters]
            ledger.run(note(deed, count=len(taken), ids=taken) if masked else give_out(taken, deed=deed))
        yield from letters
        if told:
            told(len(chunk))


def _run(ledger: Ledger, step: Operation[list[str]], *, line: int, done: int) -> list[str]:
    try:
        return ledger.run(step)
    except ReplyLostError as error:
        raise ImportCutError(line, done, f"some from there on may be too: {error}") from error
    except LedgerFullError as error:
        if not done:
            raise
        raise ImportCutError(line, done, "Redis is full: free memory or raise maxmemory") from error
    except LedgerUnavailableError as error:
        if not done:
            raise
        raise ImportCutError(line, done, str(error)) from error


def _read(number: int, found: dict[str, Any], keyring: Keyring, *, account: str) -> Stored:
    try:
        return read_letter(found, keyring, account=account)
    except ValueError as error:
        raise BrokenExportError(number, str(error)) from None


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
