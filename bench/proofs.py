"""Proofs: what a receipt costs in a long ledger, what signing costs the commits, how fast an audit is."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

import indelible
from bench import machine, workload
from bench.callers import drive
from bench.journals import write_journal
from bench.measure import Point, Sample, median_point, point_of
from bench.plan import Plan
from bench.report import Row
from bench.targets.postgres import PostgresTarget
from indelible.client.addresses import FileAddress
from indelible.engine.auditing import audit_journal
from indelible.engine.node import Node
from journal.sqlite import SqliteLog
from verifier.checkpoint import open_checkpoint
from verifier.receipt import verify_receipt

_CALLERS: Final = 8
_RECEIPTS: Final = 2_000
_SEED: Final = 6962
_DOCUMENT_ID: Final = f"SELECT VALUE id FROM {workload.TABLE} AS v BY id WHERE v.vin = ?"


def measure_receipts(folder: Path, plan: Plan) -> list[Row]:
    """Making and verifying receipts of old revisions, in a ledger of `plan.blocks` blocks."""
    write_journal(folder, blocks=plan.blocks, revisions=1)
    random = Random(_SEED)
    numbers = [random.randrange(plan.blocks) for _ in range(_RECEIPTS)]
    with indelible.connect(f"file:{folder}") as ledger:
        key = ledger.status().checkpoint_key
        ledger.checkpoint()
        vins = [workload.vin(number, 0, 0) for number in numbers]
        rows = [ledger.query(_DOCUMENT_ID, vin).rows[0] for vin in vins]
        receipts = [ledger.receipt(document_id).to_json() for document_id in rows]
        creation = drive(lambda _, number: ledger.receipt(rows[number]), callers=1, count=len(rows))
    verification = drive(
        lambda _, number: verify_receipt(receipts[number], key), callers=1, count=len(receipts)
    )
    signature = drive(
        lambda _, number: open_checkpoint(receipts[number]["checkpoint"], key),
        callers=1,
        count=len(receipts),
    )
    shape = f"{plan.blocks:,} blocks"
    return [
        _row(f"receipt made, {shape}", "embedded", 1, point_of(creation)),
        _row(f"receipt verified, {shape}", "embedded", 1, point_of(verification)),
        _row("its checkpoint opened (the signature)", "embedded", 1, point_of(signature)),
    ]


def measure_signing(folder: Path, plan: Plan) -> list[Row]:
    """Commits with a checkpoint every second and without any, in turns."""
    samples: dict[bool, list[Sample]] = {True: [], False: []}
    runs = count()
    for _ in range(plan.rounds):
        for signing, taken in samples.items():
            with _node(folder / str(next(runs)), signing=signing) as node:
                taken.append(_commit(node, plan.seconds))
    return [
        _row("commits, a checkpoint a second", "embedded", _CALLERS, median_point(samples[True])),
        _row("commits, no checkpoints", "embedded", _CALLERS, median_point(samples[False])),
    ]


@contextmanager
def _node(folder: Path, *, signing: bool) -> Iterator[Node]:
    with indelible.connect(f"file:{folder}") as ledger:
        workload.create_tables(ledger)
    log = SqliteLog(folder / "journal.db")
    interval = 1.0 if signing else None
    node = Node(log, folder, "ledger", exclusive=True, signing_interval=interval)
    try:
        yield node
    finally:
        node.close()


def _commit(node: Node, seconds: float) -> Sample:
    def call(caller: int, number: int) -> None:
        vehicle = workload.vehicle(workload.vin(0, caller, number))
        statement = (workload.INSERT, (vehicle,))
        node.execute([statement], principal="bench", labels={}, transaction_id=None)

    return drive(call, callers=_CALLERS, seconds=seconds)


def measure_audits(folder: Path, plan: Plan, postgres: PostgresTarget | None) -> list[Row]:
    """Revisions per second of an audit with all processors, and of the same rows in PostgreSQL."""
    many = plan.audited // workload.DOCUMENTS_PER_IMPORT
    rows = [
        _audit(folder / "many", blocks=many, revisions=workload.DOCUMENTS_PER_IMPORT),
        _audit(folder / "single", blocks=plan.audited // 5, revisions=1),
    ]
    if postgres is not None:
        postgres.fill(plan.audited)
        point = point_of(postgres.verify())
        rows += [_row(row.measure, postgres.name, 1, point) for row in rows]
    return rows


def _audit(folder: Path, *, blocks: int, revisions: int) -> Row:
    write_journal(folder, blocks=blocks, revisions=revisions)
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    process = context.Process(target=_audit_alone, args=(folder, results))
    process.start()
    seconds, memory, found = results.get()
    process.join()
    if found < blocks * revisions:
        raise RuntimeError(f"the audit saw {found} revisions of {blocks * revisions}")
    measure = f"audit, {revisions} a transaction, main process {memory:.0f} MB"
    return _row(measure, "embedded", 1, Point(rate=found / seconds))


def _audit_alone(
    folder: Path, results: "multiprocessing.SimpleQueue[tuple[float, float, int]]"
) -> None:
    """In a process of its own, so that its memory is the audit's alone."""
    started = time.perf_counter()
    report = audit_journal(FileAddress(folder=folder, name="ledger"))
    seconds = time.perf_counter() - started
    results.put((seconds, machine.peak_mb(), report.revisions))


def _row(measure: str, target: str, callers: int, point: Point) -> Row:
    return Row(measure=measure, target=target, callers=callers, point=point)
