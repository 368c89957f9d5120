"""The demo's scenes. Everything is real: processes, files, kill -9; and each claim is checked."""

import hashlib
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import indelible
from indelible.cli.demo import flights as data
from indelible.cli.demo.blocks import block_of, newest_records, row_of, tampered
from indelible.client.addresses import FileAddress
from indelible.engine.node import STATE_FILE, delete_store
from indelible.engine.opening import JOURNAL_FILE
from indelible.engine.rebuilding import rebuild
from journal import document
from journal.errors import IntegrityError

FIRST_DAY: Final = date(2013, 1, 1)
_CHILD_SECONDS_MAX: Final = 600
_STATES_SHOWN: Final = 6


@dataclass(slots=True, kw_only=True)
class Story:
    """What the scenes share.

    Attributes:
        flights: All of the demo's flights, in order of departure.
        written: How many of them are in the ledger.
    """

    folder: Path
    days: int
    console: Console
    flights: Sequence[data.Document] = ()
    written: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def url(self) -> str:
        """The demo's ledger."""
        return f"file:{self.folder}"

    @property
    def last_day(self) -> date:
        """The last day whose flights are written."""
        return FIRST_DAY + timedelta(days=self.days - 1)

    def tell(self) -> None:
        """Play all scenes.

        Raises:
            IntegrityError: Something that the demo says did not hold.
            LedgerError: Something else went wrong.
        """
        for scene in SCENES:
            title, _, text = (scene.__doc__ or "").partition(".\n\n")
            self.console.print()
            body = " ".join(text.split())
            self.console.print(Panel(Text(body), title=Text(title, "bold"), title_align="left"))
            scene(self)
        seconds = time.monotonic() - self.started
        self.say(f"\nDone in {seconds:.0f} s. Everything above was checked, not only shown.")

    def say(self, text: str, style: str = "") -> None:
        """Print a sentence."""
        self.console.print(Text(text, style=style))

    def confirm(self, claim: str, holds: bool) -> None:
        """Print a claim that was checked.

        Raises:
            IntegrityError: It does not hold.
        """
        if not holds:
            raise IntegrityError(f"the demo failed: not so: {claim}")
        self.console.print(Text.assemble(("✓ ", "bold green"), claim))

    def rate(self, what: str, count: int, seconds: float) -> None:
        """Print how fast something went."""
        self.say(f"{count:,} {what} in {seconds:.1f} s: {count / seconds:,.0f} a second", "cyan")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table."""
        table = Table(*columns, header_style="bold")
        for row in rows:
            table.add_row(*map(str, row))
        self.console.print(table)


def register(story: Story) -> None:
    """1. A ledger in a folder.

    No server, no broker: a journal file and a state store. Every registered aircraft of the USA that
    flew from New York in 2013 becomes a document; the tail number is unique.
    """
    with indelible.connect(story.url) as ledger:
        status = ledger.status()
        story.say(f"folder      {story.folder}\npublic key  {status.checkpoint_key}")
        data.create_tables(ledger)
        started = time.monotonic()
        count = data.register_aircraft(ledger, data.aircraft())
        story.rate("aircraft", count, time.monotonic() - started)
        try:
            ledger.execute(data.REGISTER, {"tailnum": "N14228"})
            refused = False
        except indelible.UniqueViolationError as error:
            refused = True
            story.say(f"registering N14228 twice: {error}", "yellow")
    story.confirm("a tail number cannot be registered twice", refused)


def fly(story: Story) -> None:
    """2. They take off.

    Each flight is a document, and moves its aircraft: location, last flight, number of flights. A
    hundred flights are one transaction: all of it is durable, or nothing.
    """
    story.flights = list(data.flights(FIRST_DAY, story.last_day))
    first_half = story.flights[: len(story.flights) // 2]
    with indelible.connect(story.url) as ledger:
        started = time.monotonic()
        loaded = data.load_flights(ledger, first_half)
        story.rate("flights", loaded.flights, time.monotonic() - started)
        story.written = loaded.flights
        rows = ledger.query(
            "SELECT a.location AS airport, COUNT(*) AS aircraft FROM aircraft AS a"
            " WHERE a.location IS NOT NULL GROUP BY a.location ORDER BY aircraft DESC LIMIT 5"
        ).rows
    story.say("where most of them are now:")
    story.table(("airport", "aircraft"), [(row["airport"], row["aircraft"]) for row in rows])


def look_back(story: Story) -> None:
    """3. Who was where when.

    Nothing is overwritten. The history of an aircraft has each of its states, and each carries the
    address of its block and its hash.
    """
    busiest, _ = _busiest(story.flights[: story.written])
    with indelible.connect(story.url) as ledger:
        (current,) = ledger.query(
            "SELECT c.* FROM _ql_committed_aircraft AS c WHERE c.data.tailnum = ?", busiest
        ).rows
        revisions = ledger.history("aircraft", current["metadata"]["id"]).rows
    shown = revisions[-_STATES_SHOWN:]
    story.say(f"{busiest}, the last {len(shown)} of its {len(revisions)} states:")
    story.table(
        ("version", "written", "block", "location", "flight", "flights"),
        [_history_row(revision) for revision in shown],
    )
    story.say(f"its newest revision has hash {current['hash']}")
    story.confirm(
        "versions run without a gap",
        [r["metadata"]["version"] for r in revisions] == list(range(len(revisions))),
    )


def show_journal(story: Story) -> None:
    """4. What the journal looks like.

    Blocks, each with the hash of the one before it. Change one byte anywhere, and no later block fits.
    """
    records = newest_records(story.folder / JOURNAL_FILE, 5)
    blocks = [block_of(record) for record in records]
    story.table(("block", "entries", "hash", "hash of the one before"), list(map(row_of, blocks)))
    story.confirm(
        "each block carries the hash of the one before",
        all(
            later.header.previous_block_hash == earlier.block_hash
            for earlier, later in pairwise(blocks)
        ),
    )
    verdict = tampered(records[-1], b'"origin":"JFK"', b'"origin":"LAX"')
    story.say(f"a copy of the last block with JFK changed to LAX: {verdict}", "yellow")
    story.confirm("a changed block is refused", bool(verdict))


def kill_the_writer(story: Story) -> None:
    """5. kill -9.

    Another process writes the rest, and is killed in the middle of it. Then it is started again from
    the beginning of its part, as someone would who does not know how far it came.
    """
    acknowledged = _killed_child(story)
    with indelible.connect(story.url) as ledger:
        found = _count(ledger) - story.written
    story.say(f"killed after it had been told that {acknowledged:,} flights are durable")
    story.confirm(
        f"nothing lost: {found:,} of its flights are in the ledger",
        acknowledged <= found < len(story.flights) - story.written,
    )
    with _child(story) as child:
        child.communicate(timeout=_CHILD_SECONDS_MAX)
        finished = child.returncode == 0
    with indelible.connect(story.url) as ledger:
        total = _count(ledger)
    story.written = len(story.flights)
    story.confirm(
        f"nothing doubled: after the second run there are {total:,} flights",
        finished and total == len(story.flights),
    )


def lose_the_state(story: Story) -> None:
    """6. The state store is gone.

    The journal is the only truth; tables and indexes are computed from it. The file is deleted, and comes
    back with every block checked.
    """
    before, revisions = _fingerprint(story), _revisions(story)
    delete_store(story.folder / STATE_FILE)
    story.say(f"deleted {STATE_FILE}")
    started = time.monotonic()
    tip = rebuild(FileAddress(folder=story.folder))
    seconds = time.monotonic() - started
    story.say(f"{tip.sequence_number + 1:,} blocks checked and applied")
    story.rate("revisions", revisions, seconds)
    story.confirm(
        "every answer and the ledger's root hash are what they were", before == _fingerprint(story)
    )


def compare(story: Story) -> None:
    """7. Is it right.

    The same flights, folded in plain Python straight from the CSV files, without any database.
    """
    expected = data.expected_state(story.flights)
    with indelible.connect(story.url, read_only=True) as ledger:
        found = {row["tailnum"]: row for row in ledger.query("SELECT a.* FROM aircraft AS a")}
    flown = Counter(flight["cancelled"] for flight in story.flights)
    story.say(f"{flown[False]:,} flights flown, {flown[True]:,} cancelled")
    story.confirm(f"all {len(expected):,} aircraft are where Python says", found == expected)


SCENES: Final[Sequence[Callable[[Story], None]]] = (
    register,
    fly,
    look_back,
    show_journal,
    kill_the_writer,
    lose_the_state,
    compare,
)


def _killed_child(story: Story) -> int:
    """Start the writer, kill it after a few acknowledgements; returns what it had acknowledged."""
    with _child(story) as child:
        assert child.stdout is not None
        acknowledged = 0
        for _ in range(max(1, (len(story.flights) - story.written) // data.BATCH // 3)):
            acknowledged = int(child.stdout.readline() or acknowledged)
        child.send_signal(signal.SIGKILL)
        for line in child.stdout:  # what it said before it died
            acknowledged = int(line)
    return acknowledged


@contextmanager
def _child(story: Story) -> Iterator["subprocess.Popen[str]"]:
    """The writing process; dead when this ends, however it ends."""
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [
            sys.executable,
            "-m",
            "indelible.cli.demo.writer",
            story.url,
            str(FIRST_DAY),
            str(story.last_day),
            str(story.written),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _busiest(documents: Sequence[data.Document]) -> tuple[str, int]:
    """The registered aircraft with most flights."""
    registered = {plane["tailnum"] for plane in data.aircraft()}
    flown = Counter(
        flight["tailnum"]
        for flight in documents
        if not flight["cancelled"] and flight["tailnum"] in registered
    )
    return flown.most_common(1)[0]


def _history_row(revision: dict[str, Any]) -> tuple[Any, ...]:
    plane = revision["data"]
    return (
        revision["metadata"]["version"],
        f"{revision['metadata']['txTime']:%H:%M:%S.%f}",
        revision["blockAddress"]["sequenceNo"],
        plane["location"] or "",
        plane["last_flight"] or "",
        plane["flight_count"],
    )


def _count(ledger: indelible.Ledger) -> int:
    (count,) = ledger.query("SELECT VALUE COUNT(*) FROM flights").rows
    return int(count)


def _revisions(story: Story) -> int:
    with indelible.connect(story.url) as ledger:
        return sum(
            int(next(ledger.query(f"SELECT VALUE COUNT(*) FROM history({table}) AS h")))
            for table in ("aircraft", "flights")
        )


def _fingerprint(story: Story) -> tuple[str, bytes]:
    """A hash over every document with its metadata, and the root hash of the ledger's tree."""
    digest = hashlib.sha256()
    with indelible.connect(story.url) as ledger:
        for table in ("aircraft", "flights"):
            for row in ledger.query(f"SELECT c.* FROM _ql_committed_{table} AS c"):
                digest.update(document.encode(row))
        return digest.hexdigest(), ledger.status().root_hash
