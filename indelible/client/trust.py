"""Trust: what a client believes of one ledger, and how that grows.

```
key: pinned, or trusted at the first proof --> signature of each checkpoint
last verified checkpoint --consistency proof--> next one --> becomes the last
                               |
                               +-- none: InconsistentCheckpointError, and both notes kept as evidence
```

Who asks for witnesses gets the newest checkpoint that they have cosigned, which may be of a smaller tree
than others were shown. So the last of these is remembered by itself: it must be how the largest tree
begins, and not be older than the cosigned one before.

A ledger that shows one client two pasts, or hides what it showed before, has signed two checkpoints that
cannot both be true: whoever holds both notes and its public key can show that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from indelible.client.memory import Seen, format_seen, parse_seen
from indelible.client.proofs import Checkpoint, Receipt
from indelible.client.state import ClientState, StateInMemory
from indelible.client.transport import SignedCheckpoint, Transport
from journal.errors import (
    ConfigurationError,
    InconsistentCheckpointError,
    InputError,
    IntegrityError,
    LedgerError,
    ProofRejectedError,
    StaleReadError,
    UnsupportedError,
)
from journal.hashing import HASH_SIZE
from verifier import receipt as receipts
from verifier.checkpoint import WitnessPolicy, check_consistent, open_checkpoint, parse_checkpoint
from verifier.evidence import format_evidence, judge
from verifier.keys import COSIGNATURE, ED25519, parse_verifier_key
from verifier.merkle import PROOF_LENGTH_MAX
from verifier.note import parse_note
from verifier.receipt import read_receipt, verify_receipt
from verifier.rotation import current_key, keys_along


class _Pinned(NamedTuple):
    """The key that proofs are held against, and where it is written; nowhere, if that is to be done."""

    key: str
    place: str


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
            StaleReadError: It does, but a newer one with the witnesses' cosignatures was seen before.
            IntegrityError: The ledger has another key than the one remembered.
            LedgerError: Whatever the ledger answers.
        """
        pinned = self._pinned(transport)
        before = self._last(pinned, witnessed=self.witnessed)
        found, seen = self._opened(
            pinned, transport.checkpoint(witnessed=self.witnessed), self.policy
        )
        self._advance(transport, pinned, before, seen)
        return found

    def cosign(self, transport: Transport, note: str) -> Checkpoint:
        """Have a cosigned checkpoint kept; what comes back is verified, but for witnesses.

        Raises:
            LedgerError: See `checkpoint`.
        """
        pinned = self._pinned(transport)
        found, seen = self._opened(pinned, transport.cosign(note), None)
        self._extend(transport, self._confirmed(pinned), seen)
        return found

    @property
    def witnessed(self) -> bool:
        """Whether checkpoints must have been cosigned."""
        return self.policy is not None

    def _opened(
        self, pinned: _Pinned, signed: SignedCheckpoint, policy: WitnessPolicy | None
    ) -> tuple[Checkpoint, Seen]:
        """A checkpoint whose signatures are verified: as programs get it, and to be remembered."""
        if not isinstance(signed.key_chain, list | tuple):
            raise ProofRejectedError("the key chain is no list of rotation notes")
        try:
            key = current_key(pinned.key, signed.key_chain)
            tree = open_checkpoint(signed.note, key, policy=policy)
        except ProofRejectedError as error:
            raise self._explained(error, pinned, signed.note, signed.key_chain) from error
        chain = tuple(signed.key_chain)
        found = Checkpoint(
            note=signed.note,
            origin=tree.origin,
            tree_size=tree.tree_size,
            root_hash=tree.root_hash,
            key=key,
            key_chain=chain,
        )
        return found, Seen(tree, signed.note, chain)

    def receipt(self, transport: Transport, identifier: bytes, version: int | None) -> Receipt:
        """Ask for a receipt; its `verify` holds it against this trust.

        It may lead to an older checkpoint than the last one seen, which must be how that begins.

        Raises:
            ProofRejectedError: The answer is no receipt, or that of something else.
            LedgerError: Whatever the ledger answers.
        """
        pinned = self._pinned(transport)
        data = read_receipt(transport.receipt(identifier, version, witnessed=self.witnessed))

        def check(found: receipts.Receipt) -> None:
            try:
                verify_receipt(found, pinned.key, policy=self.policy)
            except ProofRejectedError as error:
                raise self._explained(error, pinned, found.checkpoint, found.key_chain) from error
            tree = parse_checkpoint(parse_note(found.checkpoint).text)
            self._extend(
                transport, self._confirmed(pinned), Seen(tree, found.checkpoint, found.key_chain)
            )

        found = Receipt(data, check, self.policy)
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

    def _last(self, pinned: _Pinned, *, witnessed: bool = False) -> Seen | None:
        return self._parsed(self.state.last(pinned.key, witnessed=witnessed))

    def _parsed(self, text: str | None) -> Seen | None:
        try:
            return None if text is None else parse_seen(text)
        except ProofRejectedError as error:
            raise IntegrityError(
                f"what this client remembers of {self.url} is damaged: {error.message}",
                hint="see `indelible.client.state` for the file; delete it to begin anew",
            ) from error

    def _advance(
        self, transport: Transport, pinned: _Pinned, before: Seen | None, seen: Seen
    ) -> None:
        """Accept a checkpoint whose signature was verified, or raise with evidence.

        Args:
            before: The last one of its kind when the ledger was asked. By now, other threads and
                processes may have seen a larger one: then ours must be a prefix of that.
        """
        pinned = self._confirmed(pinned)
        shrunk = before is not None and seen.tree.tree_size < before.tree.tree_size
        if shrunk and not self.witnessed:
            assert before is not None
            proof = _telling_proof(transport, seen, before)
            raise self._fork(
                pinned, before, seen, proof, "a smaller tree was shown after a larger one"
            )
        self._extend(transport, pinned, seen)
        if shrunk:
            assert before is not None
            raise StaleReadError(
                f"the newest cosigned checkpoint shown is of {seen.tree.tree_size} blocks, "
                f"but one of {before.tree.tree_size} was cosigned before",
                hint="ask the node that has the newer one, or have a newer one cosigned here",
            )
        if self.witnessed:
            self._remember_witnessed(pinned, seen)

    def _extend(self, transport: Transport, pinned: _Pinned, seen: Seen) -> None:
        """Demand that a checkpoint and the largest one seen are of one tree; remember the larger."""
        while True:
            text = self.state.last(pinned.key)
            last = self._parsed(text)
            if last is None:
                done = self.state.replace_last(pinned.key, None, format_seen(seen))
            elif last.tree.tree_size > seen.tree.tree_size:
                self._expect_prefix(transport, pinned, seen, last)
                done = True
            else:
                self._expect_prefix(transport, pinned, last, seen)
                grown = last.tree.tree_size < seen.tree.tree_size
                done = not grown or self.state.replace_last(pinned.key, text, format_seen(seen))
            if done:
                return

    def _remember_witnessed(self, pinned: _Pinned, seen: Seen) -> None:
        done = False
        while not done:
            text = self.state.last(pinned.key, witnessed=True)
            last = self._parsed(text)
            if last is not None and last.tree.tree_size >= seen.tree.tree_size:
                return
            done = self.state.replace_last(pinned.key, text, format_seen(seen), witnessed=True)

    def _confirmed(self, pinned: _Pinned) -> _Pinned:
        """The key by which something was verified; remembered from now on, if it is not yet."""
        if self.key is not None or pinned.place:
            return pinned
        return self._remember(pinned)

    def _remember(self, pinned: _Pinned) -> _Pinned:
        known = self.state.remember(self.url, pinned.key)
        if known.key != pinned.key:
            raise IntegrityError(
                f"the ledger at {self.url} has shown two keys; the other one is in {known.place}"
            )
        return _Pinned(*known)

    def _expect_prefix(
        self, transport: Transport, pinned: _Pinned, older: Seen, newer: Seen
    ) -> None:
        """Demand the proof that one tree is a prefix of the other, and that its key came first."""
        proof: Sequence[bytes] = ()
        try:
            if 0 < older.tree.tree_size < newer.tree.tree_size:
                proof = _asked_proof(transport, older, newer)
            check_consistent(older.tree, newer.tree, proof, evidence=(older.note, newer.note))
        except (InputError, UnsupportedError, ProofRejectedError) as error:
            reason = f"the ledger was asked for a proof and gave none: {error.message}"
            raise self._fork(pinned, older, newer, (), reason) from error
        except InconsistentCheckpointError as error:
            raise self._fork(pinned, older, newer, proof, error.message) from error
        _expect_later_key(pinned.key, older, newer)

    def _fork(
        self, pinned: _Pinned, older: Seen, newer: Seen, proof: Sequence[bytes], reason: str
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
            key_chain=max(older.chain, newer.chain, key=len),
        ).encode()
        name = f"{newer.tree.tree_size}-{sha256(evidence).hexdigest()[:16]}.json"
        try:
            place = self.state.save_evidence(name, evidence)
            saved = f"; evidence is in {place}" if place else ""
        except ConfigurationError as error:  # the alarm comes first
            saved = f"; the evidence could not be saved, keep this error's notes: {error.message}"
        return InconsistentCheckpointError(
            f"the ledger at {self.url or 'this address'} contradicts itself: {reason}" + saved,
            older=older.note,
            newer=newer.note,
            proof=tuple(proof),
            hint="keep the evidence and call whoever runs the ledger; `indelible verify` judges it",
        )


def _asked_proof(transport: Transport, older: Seen, newer: Seen) -> Sequence[bytes]:
    proof: object = transport.consistency(older.tree.tree_size, newer.tree.tree_size)
    if not isinstance(proof, list | tuple):
        raise ProofRejectedError("its answer is no list of hashes")
    return proof


def _telling_proof(transport: Transport, smaller: Seen, larger: Seen) -> Sequence[bytes]:
    """A proof by which the ledger gives away that the smaller tree is not how the larger begins."""
    try:
        proof = _asked_proof(transport, smaller, larger)
        return proof if judge(smaller.tree, larger.tree, proof).proven else ()
    except LedgerError:  # it gives none, or one that tells nothing
        return ()


def _expect_later_key(key: str, older: Seen, newer: Seen) -> None:
    """The larger tree's key must be the smaller one's, or follow it: a retired key signs no more."""
    if not older.chain:
        return
    before, after = keys_along(key, older.chain), keys_along(key, newer.chain)
    if after[: len(before)] != before:
        raise IntegrityError(
            f"a tree of {newer.tree.tree_size} blocks is signed by {after[-1]}, but one of "
            f"{older.tree.tree_size} by {before[-1]}, which does not come before it",
            hint="somebody else may have the ledger's old key; ask whoever runs the ledger",
        )


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
