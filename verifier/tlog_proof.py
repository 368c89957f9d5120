"""A receipt as an inclusion proof that other tools of transparency logs can read.

```
c2sp.org/tlog-proof@v1
extra <base64>              JSON: the receipt without its fields `ledger` and `checkpoint`
index <block index>
<base64 of a hash>          of the ledger proof, one a line, the leaf's sibling first
                            empty line
<checkpoint>                the signed note, verbatim
```

The leaf is the block's header (`header` in the extra line): leaf hash = SHA-256(00 || header bytes). So
such a tool checks steps (3) and (4) of a receipt; `verify_receipt` of what `parse_tlog_proof` gives also
checks what is in the block: (1), (2) and (5).

Source: C2SP tlog-proof.
"""

import json
from typing import Final

from journal.errors import ProofRejectedError
from verifier.checkpoint import parse_checkpoint
from verifier.encoding import read_base64, read_decimal, read_json_object, shown, write_base64
from verifier.note import parse_note
from verifier.receipt import RECEIPT_SIZE_MAX, Receipt, read_receipt

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
SIZE_MAX: Final = 2 * RECEIPT_SIZE_MAX


def format_tlog_proof(receipt: Receipt) -> str:
    """The receipt as the text of a `.tlog-proof` file. Inverse of `parse_tlog_proof`.

    Raises:
        ProofRejectedError: Header, entry or document cannot be read.
    """
    fields = receipt.to_json()
    checkpoint, ledger = fields.pop("checkpoint"), fields.pop("ledger")
    extra = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    lines = [
        FIRST_LINE,
        f"extra {write_base64(extra)}",
        f"index {ledger['index']}",
        *ledger["proof"],
        "",
        checkpoint,
    ]
    return "\n".join(lines)


def parse_tlog_proof(text: str | bytes) -> Receipt:
    """Read a `.tlog-proof` of a receipt. Proves nothing yet: `verify_receipt` does.

    Raises:
        ProofRejectedError: Not such a text, one without the extra line, or a receipt that
            `read_receipt` refuses.
    """
    head, checkpoint = _split(text)
    lines = head.split("\n")
    if lines[0] != FIRST_LINE:
        raise ProofRejectedError(f"not a tlog-proof: it begins with {shown(lines[0])}")
    if len(lines) < 3 or not lines[1].startswith("extra "):
        raise ProofRejectedError("the tlog-proof has no extra line, so no entry of a block")
    if not lines[2].startswith("index "):
        raise ProofRejectedError("the tlog-proof has no index where it belongs, in line 3")
    extra = read_base64(lines[1].removeprefix("extra "), "the extra line")
    fields = read_json_object(extra, "the extra line", RECEIPT_SIZE_MAX)
    if found := {"ledger", "checkpoint"} & fields.keys():
        raise ProofRejectedError(f"the extra line repeats {', '.join(sorted(found))}")
    return read_receipt(
        fields
        | {
            "ledger": {
                "index": read_decimal(lines[2].removeprefix("index "), "the index"),
                "tree_size": parse_checkpoint(parse_note(checkpoint).text).tree_size,
                "proof": lines[3:],
            },
            "checkpoint": checkpoint,
        }
    )


def _split(text: str | bytes) -> tuple[str, str]:
    """What stands before the first empty line, and the checkpoint behind it."""
    if len(text) > SIZE_MAX:
        raise ProofRejectedError(f"the tlog-proof has more than {SIZE_MAX} bytes")
    try:
        whole = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError as error:
        raise ProofRejectedError(f"the tlog-proof is not UTF-8 at byte {error.start}") from None
    head, empty_line, checkpoint = whole.partition("\n\n")
    if not empty_line:
        raise ProofRejectedError("the tlog-proof ends before its checkpoint")
    return head, checkpoint
