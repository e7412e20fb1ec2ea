"""Letters: the dead letters of one account, to be seen, chosen, and put right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from shipper.inspector import choice as choices
from shipper.inspector.change import Change
from shipper.inspector.choice import SPREAD_MS, Choice, Handled, Told
from shipper.inspector.correction import Correction, correct, described_change, redrive_corrected
from shipper.inspector.edit import Edit, Edited, propose, redrive_edited
from shipper.inspector.export_file import Head
from shipper.inspector.letter import Letter, Page, letters_of, page_of
from shipper.inspector.now import moment_over
from shipper.inspector.preview import Ask, Preview, preview_of
from shipper.inspector.reason import MOST, Reasons, reasons_of
from shipper.inspector.transfer import check_export, export_lines, import_letters
from shipper.ledger.deed import Deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import LOOKED, Filter, Spot, walk
from shipper.settings import Settings


class Letters:
    """See an account's dead letters and put them right, as `operator`. Every method asks Redis anew."""

    def __init__(self, ledger: Ledger, settings: Settings, *, operator: str) -> None:
        self._ledger = ledger
        self._settings = settings
        self._operator = operator

    # See

    def page(self, wanted: Filter, *, limit: int, beyond: Spot | None = None, looked: int = LOOKED) -> Page:
        """Return a page of dead letters, newest first.

        No more than about `looked` are looked at: a page that comes back short with a place to go on from is
        not the last. Raises LockedError where a text is asked for and a key of stored answers is missing.
        """
        return page_of(
            self._ledger, wanted, self._settings.keyring, limit=limit, beyond=beyond, looked=looked
        )

    def all(self, wanted: Filter, *, beyond: Spot | None = None) -> Iterator[Letter]:
        """Yield every dead letter that is wanted, newest first, without holding them all."""
        ids = (
            spot.event_id
            for spot in walk(self._ledger, wanted, keyring=self._settings.keyring, beyond=beyond)
        )
        return letters_of(self._ledger, ids, self._settings.keyring)

    def reasons(self, *, most: int = MOST) -> Reasons:
        """Group the dead letters by reason, code, event name and the field that was refused."""
        return reasons_of(
            self._ledger,
            self._settings.keyring,
            most=most,
            name_account=self._settings.accounts != (self._ledger.account,),
        )

    # Put right

    def moment(self) -> int:
        """Return a moment to choose at, in ms: all that has happened is before it, nothing to come."""
        return moment_over(self._ledger)

    def choose(self, wanted: Filter | Sequence[str], *, at: int | None = None) -> Choice:
        """Choose dead letters, by filter or ids, to be redriven or discarded.

        `at` is the moment in ms at which a person was asked, if that was earlier: what has become a letter
        since, be it again, is left.
        """
        if isinstance(wanted, Filter):
            return choices.choose(self._ledger, wanted, keyring=self._settings.keyring, at=at)
        return choices.choose_ids(self._ledger, wanted, at=at)

    def preview(
        self,
        choice: Choice,
        ask: Ask,
        *,
        may_duplicate: bool,
        sample: int | None = None,
        told: Told | None = None,
    ) -> Preview:
        """Ask Gameball what a redrive would earn, for each event or for a sample; nothing is sent."""
        return preview_of(
            self._ledger,
            choice,
            self._settings.keyring,
            ask,
            may_duplicate=may_duplicate,
            sample=sample,
            told=told,
        )

    def redrive(
        self,
        choice: Choice,
        *,
        may_duplicate: bool,
        spread_ms: int = SPREAD_MS,
        because: str = "",
        told: Told | None = None,
    ) -> Handled:
        """Send letters again, oldest first; unclear ones only if `may_duplicate`: a person's word."""
        return choices.redrive_all(
            self._ledger,
            choice,
            keyring=self._settings.keyring,
            may_duplicate=may_duplicate,
            spread_ms=spread_ms,
            told=told,
            deed=self._deed("redrive", choice.about(because)),
        )

    def discard(
        self, choice: Choice, *, because: str = "", waiting_too: bool = False, told: Told | None = None
    ) -> Handled:
        """Forget letters on purpose; `waiting_too` those that were named by their ids while they waited.

        The reason stays on the audit log with their ids: of the events themselves nothing does.
        """
        return choices.discard_all(
            self._ledger,
            choice,
            keyring=self._settings.keyring,
            waiting_too=waiting_too,
            told=told,
            deed=self._deed("discard", choice.about(because)),
        )

    def propose(self, event_id: str, change: Change) -> Edit:
        """Say what a change would make of a letter, and what is wrong with it; nothing is touched.

        Raises EventNotFoundError, and NotEditableError for an event that is no letter or cannot be read.
        """
        return propose(self._ledger, self._settings, event_id, change)

    def redrive_edited(self, proposed: Edit, *, may_duplicate: bool = False) -> Edited:
        """Change a letter as proposed and send it again; an unclear one only if `may_duplicate`."""
        return redrive_edited(
            self._ledger,
            self._settings,
            proposed,
            may_duplicate=may_duplicate,
            deed=self._deed("edit", f"{len(proposed.differences)} difference(s)"),
        )

    def correct(self, choice: Choice, change: Change, *, told: Told | None = None) -> Correction:
        """Try a change on every letter that was chosen: how many it fits, an example; nothing is touched.

        Raises LockedError where a key of stored events is missing.
        """
        return correct(self._ledger, self._settings, choice, change, told=told)

    def redrive_corrected(
        self,
        choice: Choice,
        change: Change,
        *,
        may_duplicate: bool = False,
        spread_ms: int = SPREAD_MS,
        because: str = "",
        told: Told | None = None,
    ) -> Handled:
        """Change the letters that it fits and send them again; unclear ones only if `may_duplicate`.

        They go out oldest first, each due `spread_ms` after the one before.
        """
        return redrive_corrected(
            self._ledger,
            self._settings,
            choice,
            change,
            may_duplicate=may_duplicate,
            spread_ms=spread_ms,
            told=told,
            deed=self._deed("edit", choice.about(because, described_change(change))),
        )

    # Take elsewhere

    def export(self, choice: Choice, *, masked: bool = False, told: Told | None = None) -> Iterator[bytes]:
        """Yield the lines of an export of letters: all that is known of them, or masked for sharing."""
        deed = self._deed("export", choice.about("masked" if masked else ""))
        return export_lines(self._ledger, choice, self._settings.keyring, masked=masked, deed=deed, told=told)

    def check_export(self, file: BinaryIO) -> tuple[Head, int]:
        """Read an export to its end: what it is, and how many letters it holds. Nothing is touched.

        Raises BrokenExportError, with the line, for a file that is torn, was changed, or is masked.
        """
        return check_export(file, self._settings.keyring, account=self._ledger.account)

    def import_export(self, file: BinaryIO, *, told: Told | None = None) -> Handled:
        """Take the letters of a checked export in; left are `known`, `key`, `full` and `sealed` ones.

        Waits for replicas as an enqueue does. Raises ImportCutError, with how far it came: importing again is
        safe.
        """
        return import_letters(
            self._ledger,
            file,
            self._settings.keyring,
            deed=self._deed("import", "a file"),
            replicas=self._settings.wait_replicas,
            told=told,
        )

    def _deed(self, did: str, about: str) -> Deed:
        return Deed(by=self._operator, did=did, about=about)
