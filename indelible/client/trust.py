"""Trust: what a client believes of one ledger, and how that grows.

```
key: pinned, or trusted at the first proof --> signature of each checkpoint
last verified checkpoint --consistency proof--> next one --> becomes the last
                               |
                               +-- none: InconsistentCheckpointError, and both notes kept as evidence
```

A ledger that shows one client two pasts, or hides what it showed before, has signed two checkpoints that
cannot both be true: whoever holds both notes and its public key can show that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from indelible.client.proofs import Checkpoint, Receipt
from indelible.client.state import ClientState, StateInMemory
from indelible.client.transport import SignedCheckpoint, Transport
from journal.errors import (
    InconsistentCheckpointError,
    InputError,
    IntegrityError,
    LedgerError,
    ProofRejectedError,
    UnsupportedError,
)
from journal.hashing import HASH_SIZE
from verifier import checkpoint as checkpoints
from verifier import receipt as receipts
from verifier.checkpoint import WitnessPolicy, check_consistent, open_checkpoint, parse_checkpoint
from verifier.evidence import format_evidence, judge
from verifier.keys import COSIGNATURE, ED25519, parse_verifier_key
from verifier.merkle import PROOF_LENGTH_MAX
from verifier.note import parse_note
from verifier.receipt import read_receipt, verify_receipt
from verifier.rotation import current_key


class _Pinned(NamedTuple):
    """The key that proofs are held against, and where it is written; nowhere, if that is to be done."""

    key: str
    place: str


class _Seen(NamedTuple):
    """A verified checkpoint; `chain` as it came with it, or empty for a remembered one."""

    tree: checkpoints.Checkpoint
    note: str
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """One ledger as one client sees it. Thread-safe.

    Attributes:
        url: Under which its key is remembered.
        state: What is remembered.
        key: The pinned key (vkey); None: the one that the ledger shows at the first proof.
        policy: Witnesses that must have signed each checkpoint.
    """

    url: str
    state: ClientState
    key: str | None = None
    policy: WitnessPolicy | None = None

    @classmethod
    def nothing(cls) -> "Trust":
        """Of a client that remembers nothing once its process ends."""
        return cls(url="", state=StateInMemory())

    def checkpoint(self, transport: Transport) -> Checkpoint:
        """Ask for a checkpoint and verify it: signature, witnesses, and that it extends the last one.

        Raises:
            ProofRejectedError: It is not signed as it must be.
            InconsistentCheckpointError: It does not extend what was seen before.
            IntegrityError: The ledger has another key than the one remembered.
            LedgerError: Whatever the ledger answers.
        """
        return self._accept(transport, transport.checkpoint)

    def cosign(self, transport: Transport, note: str) -> Checkpoint:
        """Have cosignatures added to the last checkpoint, and verify what comes back.

        Raises:
            LedgerError: See `checkpoint`.
        """
        return self._accept(transport, lambda: transport.cosign(note))

    def _accept(self, transport: Transport, ask: Callable[[], SignedCheckpoint]) -> Checkpoint:
        pinned = self._pinned(transport)
        before = self._last(pinned)
        signed = ask()
        try:
            key = current_key(pinned.key, signed.key_chain)
            tree = open_checkpoint(signed.note, key, policy=self.policy)
        except ProofRejectedError as error:
            raise self._explained(error, pinned, signed.note, signed.key_chain) from error
        self._advance(transport, pinned, before, _Seen(tree, signed.note, tuple(signed.key_chain)))
        return Checkpoint(
            note=signed.note,
            origin=tree.origin,
            tree_size=tree.tree_size,
            root_hash=tree.root_hash,
            key=key,
            key_chain=tuple(signed.key_chain),
        )

    def receipt(self, transport: Transport, identifier: bytes, version: int | None) -> Receipt:
        """Ask for a receipt; its `verify` holds it against this trust.

        Raises:
            ProofRejectedError: The answer is no receipt, or that of something else.
            LedgerError: Whatever the ledger answers.
        """
        pinned = self._pinned(transport)
        before = self._last(pinned)
        data = read_receipt(transport.receipt(identifier, version))

        def check(found: receipts.Receipt) -> None:
            try:
                verify_receipt(found, pinned.key, policy=self.policy)
            except ProofRejectedError as error:
                raise self._explained(error, pinned, found.checkpoint, found.key_chain) from error
            tree = parse_checkpoint(parse_note(found.checkpoint).text)
            self._advance(transport, pinned, before, _Seen(tree, found.checkpoint, found.key_chain))

        found = Receipt(data, check)
        _expect_answer(found, identifier, version)
        return found

    def _pinned(self, transport: Transport) -> _Pinned:
        if self.key is not None:
            return _Pinned(self.key, "")
        if (known := self.state.known(self.url)) is not None:
            return _Pinned(known.key, known.place)
        shown = transport.status().checkpoint_key
        try:
            parse_verifier_key(shown)
        except InputError as error:
            raise ProofRejectedError(f"the ledger shows no key: {error.message}") from error
        return _Pinned(shown, "")

    def _explained(
        self, error: ProofRejectedError, pinned: _Pinned, note: str, chain: Sequence[str]
    ) -> IntegrityError:
        """The error itself; or, where another key signed than the one remembered, how to go on."""
        if not pinned.place or _is_signed_by(note, pinned.key, chain):
            return error
        return IntegrityError(
            f"the ledger at {self.url} is not signed by the key remembered in {pinned.place}: "
            f"{error.message}",
            hint="this is another ledger, or an attack; only if you know why, remove that line",
        )

    def _last(self, pinned: _Pinned) -> _Seen | None:
        note = self.state.last(pinned.key)
        if note is None:
            return None
        try:
            return _Seen(parse_checkpoint(parse_note(note).text), note)
        except ProofRejectedError as error:
            raise IntegrityError(
                f"what this client remembers of {self.url} is damaged: {error.message}",
                hint="see `indelible.client.state` for the file; delete it to begin anew",
            ) from error

    def _advance(
        self, transport: Transport, pinned: _Pinned, before: _Seen | None, seen: _Seen
    ) -> None:
        """Accept a checkpoint whose signature was verified, or raise with evidence.

        Args:
            before: The last one when the ledger was asked. By now, other threads and processes may
                have seen a larger one: then ours must be a prefix of that.
        """
        if self.key is None and not pinned.place:
            pinned = self._remember(pinned)
        if before is not None and seen.tree.tree_size < before.tree.tree_size:
            proof = _telling_proof(transport, seen, before)
            raise self._fork(
                pinned, before, seen, proof, "a smaller tree was shown after a larger one"
            )
        while True:
            last = self._last(pinned)
            if last is None:
                done = self.state.replace_last(pinned.key, None, seen.note)
            elif last.tree.tree_size > seen.tree.tree_size:
                self._expect_prefix(transport, pinned, seen, last)
                done = True
            else:
                self._expect_prefix(transport, pinned, last, seen)
                grown = last.tree.tree_size < seen.tree.tree_size
                done = not grown or self.state.replace_last(pinned.key, last.note, seen.note)
            if done:
                return

    def _remember(self, pinned: _Pinned) -> _Pinned:
        known = self.state.remember(self.url, pinned.key)
        if known.key != pinned.key:
            raise IntegrityError(
                f"the ledger at {self.url} has shown two keys; the other one is in {known.place}"
            )
        return _Pinned(*known)

    def _expect_prefix(
        self, transport: Transport, pinned: _Pinned, older: _Seen, newer: _Seen
    ) -> None:
        """Demand the proof that one tree is a prefix of the other."""
        proof: Sequence[bytes] = ()
        try:
            if 0 < older.tree.tree_size < newer.tree.tree_size:
                proof = transport.consistency(older.tree.tree_size, newer.tree.tree_size)
            check_consistent(older.tree, newer.tree, proof, evidence=(older.note, newer.note))
        except (InputError, UnsupportedError, ProofRejectedError) as error:
            reason = f"the ledger was asked for a proof and gave none: {error.message}"
            raise self._fork(pinned, older, newer, (), reason) from error
        except InconsistentCheckpointError as error:
            raise self._fork(pinned, older, newer, proof, error.message) from error

    def _fork(
        self, pinned: _Pinned, older: _Seen, newer: _Seen, proof: Sequence[bytes], reason: str
    ) -> InconsistentCheckpointError:
        """The error, after its evidence was saved."""
        kept = (
            proof if all(type(each) is bytes and len(each) == HASH_SIZE for each in proof) else ()
        )
        evidence = format_evidence(
            older=older.note,
            newer=newer.note,
            key=pinned.key,
            proof=kept[:PROOF_LENGTH_MAX],
            reason=reason,
            key_chain=older.chain or newer.chain,
        ).encode()
        name = f"{newer.tree.tree_size}-{sha256(evidence).hexdigest()[:16]}.json"
        place = self.state.save_evidence(name, evidence)
        return InconsistentCheckpointError(
            f"the ledger at {self.url or 'this address'} contradicts itself: {reason}"
            + (f"; evidence is in {place}" if place else ""),
            older=older.note,
            newer=newer.note,
            proof=tuple(proof),
            hint="keep the evidence and call whoever runs the ledger; `indelible verify` judges it",
        )


def _telling_proof(transport: Transport, smaller: _Seen, larger: _Seen) -> Sequence[bytes]:
    """A proof by which the ledger gives away that the smaller tree is not how the larger begins."""
    try:
        proof = transport.consistency(smaller.tree.tree_size, larger.tree.tree_size)
        return proof if judge(smaller.tree, larger.tree, proof).proven else ()
    except LedgerError:  # it gives none, or one that tells nothing
        return ()


def _is_signed_by(note: str, key: str, chain: Sequence[str]) -> bool:
    """Whether a line of the note claims to be by this key, or by one that the chain leads to from it."""
    keys = {key}
    try:
        keys.add(current_key(key, chain))
        lines = {(line.name, line.key_id) for line in parse_note(note).signatures}
    except ProofRejectedError:
        return False
    return any((parsed.name, parsed.key_id) in lines for parsed in map(parse_verifier_key, keys))


def _expect_answer(receipt: Receipt, identifier: bytes, version: int | None) -> None:
    """The receipt must be of what was asked for, not of something else that is true as well."""
    asked = receipt.identifiers
    if identifier not in asked or (version is not None and receipt.version != version):
        raise ProofRejectedError(f"another receipt was asked for than {receipt!r}")


def checked_key(key: str | None) -> str | None:
    """A key to be pinned, if it is a ledger's.

    Raises:
        InputError: It is none.
    """
    if key is None:
        return None
    if not isinstance(key, str):
        raise InputError(f"a verifier key is a string, not a {type(key).__name__}")
    if parse_verifier_key(key).signature_type != ED25519:
        raise InputError("this is a witness's key, not a ledger's")
    return key


def checked_policy(witnesses: Sequence[str], threshold: int | None) -> WitnessPolicy | None:
    """What is asked of witnesses; None for nothing.

    Raises:
        InputError: A key is none of a witness, or there are fewer than `threshold`.
    """
    if not isinstance(witnesses, list | tuple) or not all(
        isinstance(key, str) for key in witnesses
    ):
        raise InputError("witnesses are a list of verifier keys")
    if not witnesses:
        if threshold is not None:
            raise InputError("a threshold needs witnesses")
        return None
    for key in witnesses:
        if parse_verifier_key(key).signature_type != COSIGNATURE:
            raise InputError("this is a ledger's key, not a witness's")
    count = len(witnesses) if threshold is None else threshold
    if type(count) is not int or not 1 <= count <= len(witnesses):
        raise InputError(f"the threshold is a number from 1 to {len(witnesses)}")
    return WitnessPolicy(tuple(witnesses), count)
