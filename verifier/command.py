"""The offline command: `python -m verifier FILE --key VKEY`.

What FILE holds is told by its content: a receipt (JSON), a `.tlog-proof`, evidence of a fork, or a
checkpoint. It is read whole, and nothing else is: no network, no state, no other file.

```
0  proven
2  not called rightly
3  evidence that the log gave no valid proof when it was asked; suspicious, but no proof of a fork
7  refused: it proves nothing; standard error says what is wrong, and in which step
```
"""

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from journal.codec import RevisionEntry, TransactionEntry, decode_body, decode_header
from journal.errors import InputError, LedgerError, ProofRejectedError
from journal.ids import id_text
from verifier import evidence
from verifier.checkpoint import WitnessPolicy, open_checkpoint
from verifier.encoding import read_json_object, write_base64
from verifier.receipt import STEPS, Receipt, read_receipt, verify_receipt
from verifier.tlog_proof import FIRST_LINE, SIZE_MAX, parse_tlog_proof

EXIT_NOT_PROVEN: Final = 3
EXIT_USAGE: Final = 2
MARK: Final = "✓"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code. `arguments` are those of the process by default.

    Raises:
        SystemExit: Arguments that cannot be parsed (2), or `--help` (0).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    if options.key is None:
        print(
            "nothing is proven: no key was given, and a key that comes with the file proves nothing.\n"
            "Give the ledger's public key, known from elsewhere: --key NAME+ID+BASE64",
            file=sys.stderr,
        )
        return EXIT_USAGE
    try:
        lines, exit_code = _verify(_read(options.file), options)
    except LedgerError as error:
        print(error.message, file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        return error.exit_code
    print("\n".join(lines))
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verifier",
        description="Verify a receipt, a .tlog-proof, evidence of a fork, or a checkpoint. Offline.",
    )
    add = parser.add_argument
    add("file", metavar="FILE", help="what to verify; - reads standard input")
    add("--key", metavar="VKEY", help="the ledger's public key, as you know it from elsewhere")
    add(
        "--witness", metavar="VKEY", action="append", default=[],
        help="the key of a witness whose cosignature counts; repeat it",
    )  # fmt: skip
    add(
        "--threshold", metavar="K", type=int,
        help="how many of the witnesses must have signed (default: all that are given)",
    )  # fmt: skip
    add(
        "--without-payload", action="store_true",
        help="accept a receipt whose document was left out: it proves the document's hash alone",
    )  # fmt: skip
    return parser


def _read(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(SIZE_MAX + 1)
        with Path(name).open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {name!r}: {error}") from error


Result = tuple[list[str], int]
"""The lines to print, and the exit code."""


def _verify(data: bytes, options: argparse.Namespace) -> Result:
    """Find out what it is, and verify that."""
    if len(data) > SIZE_MAX:
        raise ProofRejectedError(f"more than {SIZE_MAX} bytes: no proof is that long")
    policy = _policy(options.witness, options.threshold)
    required = not options.without_payload

    def receipt(found: Receipt) -> Result:
        verify_receipt(found, options.key, require_payload=required, policy=policy)
        return list(_receipt_lines(found, policy)), 0

    if data.startswith(FIRST_LINE.encode()):
        return receipt(parse_tlog_proof(data))
    if data.lstrip()[:1] != b"{":
        return _verify_checkpoint(data, options.key, policy)
    value = read_json_object(data, "the file", SIZE_MAX)
    if value.get("format") == evidence.FORMAT:
        return _verify_evidence(data, options.key)
    return receipt(read_receipt(value))


def _policy(witnesses: Sequence[str], threshold: int | None) -> WitnessPolicy | None:
    if not witnesses:
        if threshold is not None:
            raise InputError("--threshold counts witnesses, but no --witness is given")
        return None
    return WitnessPolicy(tuple(witnesses), len(witnesses) if threshold is None else threshold)


def _verify_checkpoint(data: bytes, key: str, policy: WitnessPolicy | None) -> Result:
    checkpoint = open_checkpoint(data, key, policy=policy)
    return [
        f"{MARK} checkpoint: signed by {key}{_witnessed(policy)}",
        f"  tree size {checkpoint.tree_size}, root {write_base64(checkpoint.root_hash)}",
    ], 0


def _verify_evidence(data: bytes, key: str) -> Result:
    verdict = evidence.verify_evidence(data, key)
    if verdict.proven:
        return [f"{MARK} evidence: {verdict.sentence}"], 0
    return [verdict.sentence], EXIT_NOT_PROVEN


def _receipt_lines(receipt: Receipt, policy: WitnessPolicy | None) -> Iterator[str]:
    """What `verify_receipt` found true, a line for each step. No text of the receipt's is printed."""
    header, content = decode_header(receipt.header), decode_body(receipt.entry_body)
    said = (
        f"the receipt of a {receipt.kind}, transaction {id_text(content.transaction_id)}",
        _payload_line(content, receipt.payload),
        f"entry {receipt.entry_index} of {receipt.entry_count}",
        f"block {receipt.block_index} of {receipt.tree_size}",
        f"signed by the key{_rotated(receipt)}{_witnessed(policy)}",
        f"says what the bytes say; strand {id_text(header.strand_id)}",
    )
    for number, (step, line) in enumerate(zip(STEPS, said, strict=True)):
        yield f"{MARK} ({number}) {step}: {line}"


def _payload_line(content: TransactionEntry | RevisionEntry, payload: bytes | None) -> str:
    if isinstance(content, TransactionEntry):
        return "a transaction has none"
    revision = (
        f"{content.operation.name} of version {content.version} of document "
        f"{id_text(content.document_id)}"
    )
    if content.payload_hash is None:
        return f"{revision}, which has none"
    if payload is None:
        return f"{revision}; LEFT OUT, so only its hash is proven: {content.payload_hash.hex()}"
    return f"{revision}, {len(payload)} bytes"


def _rotated(receipt: Receipt) -> str:
    return f" (rotations: {len(receipt.key_chain)})" if receipt.key_chain else ""


def _witnessed(policy: WitnessPolicy | None) -> str:
    if policy is None:
        return ""
    return f", and by {policy.threshold} or more of {len(policy.keys)} witnesses"
