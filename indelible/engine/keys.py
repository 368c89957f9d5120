"""The private key of a ledger: where this machine keeps it.

```
key.pem        the key that the ledger names now; mode 0600
key.pem.next   the key that a rotation under way leads to; put in place once the ledger names it
```

With INDELIBLE_KEY_PASSPHRASE in the environment the files are encrypted with it. With
INDELIBLE_PRIVATE_KEY (PEM) there the key is that, and no file is looked at.

A rotation that was cut short leaves `key.pem.next`, and maybe a block on its way that names it. So it is
never dropped: once the ledger names it, it replaces `key.pem`; until then the next rotation leads to it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from indelible.files import replace_file, sync_folder
from journal.errors import ConfigurationError, InputError, UnsupportedError
from verifier.keys import (
    ed25519_signer,
    new_private_key,
    parse_verifier_key,
    verifier_key_of,
)
from verifier.note import Signer

KEY_FILE: Final = "key.pem"
NEXT_KEY_FILE: Final = "key.pem.next"
KEY_VARIABLE: Final = "INDELIBLE_PRIVATE_KEY"
PASSPHRASE_VARIABLE: Final = "INDELIBLE_KEY_PASSPHRASE"  # noqa: S105 - a name
_KEY_SIZE_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """The private keys in one ledger's folder.

    Attributes:
        folder: Where the files are.
        environment: Where passphrase and key may be given.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def present(self) -> bool:
        """Whether there is a key here, of whatever ledger."""
        return bool(self.environment.get(KEY_VARIABLE)) or (self.folder / KEY_FILE).exists()

    @property
    def rotating(self) -> bool:
        """Whether a rotation was begun and not finished."""
        return (self.folder / NEXT_KEY_FILE).exists()

    @property
    def passphrase(self) -> bytes | None:
        """What key files are encrypted with; None for not."""
        return self.environment.get(PASSPHRASE_VARIABLE, "").encode() or None

    def ensure(self) -> bytes:
        """The private key (PEM); made, readable by its owner alone, if there is none.

        Raises:
            ConfigurationError: The folder cannot be written.
        """
        pem = self._given() or self._read(KEY_FILE)
        if pem is None:
            pem = new_private_key(self.passphrase)
            self._create(KEY_FILE, pem)
        return pem

    def public_key(self, pem: bytes, name: str) -> str:
        """The vkey of a private key kept here.

        Raises:
            ConfigurationError: It is no key, or not encrypted with the passphrase.
        """
        try:
            return public_key(pem, name, self.passphrase)
        except InputError as error:
            raise self._unusable(error) from error

    def signer(self, checkpoint_key: str) -> Signer:
        """What signs as the key that the ledger names now.

        Raises:
            UnsupportedError: There is no private key here.
            ConfigurationError: The key here is another one, or cannot be read.
        """
        name = parse_verifier_key(checkpoint_key).name
        pem = self._given()
        if pem is None:
            self.finish_rotation(checkpoint_key)
            pem = self._read(KEY_FILE)
        if pem is None:
            raise UnsupportedError(
                f"there is no private key in {self.folder}, so nothing is signed here",
                hint=f"ask the node that has the ledger's key, or give it in {KEY_VARIABLE}",
            )
        if self.public_key(pem, name) != checkpoint_key:
            raise ConfigurationError(
                f"the private key here is not that of {checkpoint_key}",
                hint=f"put the ledger's private key into {self.folder / KEY_FILE}",
            )
        try:
            return ed25519_signer(pem, name, _needed(pem, self.passphrase))
        except InputError as error:
            raise self._unusable(error) from error

    def prepare_rotation(self, name: str) -> str:
        """The vkey that the next rotation leads to; its private key is durable when this returns.

        Raises:
            UnsupportedError: The key comes from the environment, where nothing can be put.
            ConfigurationError: The folder cannot be written, or the file there cannot be read.
        """
        if self._given() is not None:
            raise UnsupportedError(
                f"the private key is given in {KEY_VARIABLE} and cannot be replaced from here",
                hint="keep the key in the ledger's folder to rotate it",
            )
        pem = self._read(NEXT_KEY_FILE)
        if pem is None:
            pem = new_private_key(self.passphrase)
            self._create(NEXT_KEY_FILE, pem)
        return self.public_key(pem, name)

    def finish_rotation(self, checkpoint_key: str) -> None:
        """Put `key.pem.next` in place if it is the key that the ledger names now.

        Raises:
            ConfigurationError: A file cannot be read or put in place.
        """
        following = self._read(NEXT_KEY_FILE)
        if following is None:
            return
        name = parse_verifier_key(checkpoint_key).name
        if self.public_key(following, name) != checkpoint_key:
            return
        try:
            (self.folder / NEXT_KEY_FILE).replace(self.folder / KEY_FILE)
            sync_folder(self.folder)
        except FileNotFoundError:  # another process was faster
            return
        except OSError as error:
            raise _cannot(self.folder, error) from error

    def _given(self) -> bytes | None:
        return self.environment.get(KEY_VARIABLE, "").encode() or None

    def _read(self, name: str) -> bytes | None:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(_KEY_SIZE_MAX)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _cannot(self.folder, error) from error

    def _create(self, name: str, pem: bytes) -> None:
        """Write a key file that was not there, durably and at once."""
        try:
            replace_file(self.folder / name, pem)
        except OSError as error:
            raise _cannot(self.folder, error) from error

    def _unusable(self, error: InputError) -> ConfigurationError:
        return ConfigurationError(
            f"the private key in {self.folder} cannot be used: {error.message}",
            hint=f"is {PASSPHRASE_VARIABLE} its passphrase?",
        )


def public_key(pem: bytes, name: str, passphrase: bytes | None) -> str:
    """The vkey of a private key under a name.

    Raises:
        InputError: It is no key, or not encrypted with the passphrase.
    """
    return verifier_key_of(pem, name, _needed(pem, passphrase))


def _needed(pem: bytes, passphrase: bytes | None) -> bytes | None:
    """A key that is not encrypted needs no passphrase, whatever the environment says."""
    return passphrase if b"ENCRYPTED" in pem else None


def _cannot(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot keep a key in {folder}: {error.strerror}")
