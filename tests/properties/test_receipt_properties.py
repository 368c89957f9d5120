"""No honest receipt is refused, whatever its documents, labels and times are; each form reads back."""

from hypothesis import given
from hypothesis import strategies as st

from journal.block import TIMESTAMP_MAX
from journal.codec import Operation
from tests.support.builders import a_block, a_chain, a_revision, a_transaction
from tests.support.receipts import KEY, SignedLedger
from tests.support.strategies import documents, examples, ids, utf8
from verifier.receipt import read_receipt, verify_receipt
from verifier.tlog_proof import format_tlog_proof, parse_tlog_proof

CHAIN = a_chain(3)


@st.composite
def transactions(draw):
    """A transaction with some revisions, of any content that a writer can write."""
    transaction_id = draw(ids)
    revisions = [
        a_revision(
            draw(documents),
            transaction_id=transaction_id,
            table_id=draw(ids),
            document_id=draw(ids),
            version=draw(st.integers(0, 2**62)),
            operation=draw(st.sampled_from(Operation)),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    return a_transaction(
        *revisions,
        principal=draw(utf8),
        statements=draw(st.lists(utf8, max_size=3)),
        labels=draw(st.dictionaries(utf8, utf8, max_size=3)),
    )


@examples(100)
@given(st.lists(transactions(), min_size=1, max_size=3), st.integers(0, TIMESTAMP_MAX))
def test_an_honest_receipt_verifies_in_each_of_its_forms(parts, timestamp):
    block = a_block(*parts, after=CHAIN[-1], timestamp=timestamp)
    ledger = SignedLedger([*CHAIN, block])
    note = ledger.checkpoint()
    for index in range(len(block.entries)):
        receipt = ledger.receipt(3, index, checkpoint=note)

        verify_receipt(receipt, KEY)
        verify_receipt(receipt.to_bytes(), KEY)
        assert read_receipt(receipt.to_bytes()) == receipt
        assert parse_tlog_proof(format_tlog_proof(receipt)) == receipt
