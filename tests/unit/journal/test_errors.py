import re

import pytest

from journal import errors
from journal.errors import (
    CorruptBlockError,
    InvalidDocumentError,
    LedgerError,
    LimitExceededError,
    OutcomeUnknownError,
    QuerySyntaxError,
    UnavailableError,
    UniqueViolationError,
    UnknownTableError,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, LedgerError)
]

CODES = {
    "LedgerError": "ledger_error",
    "InputError": "input_error",
    "LedgerExistsError": "ledger_exists",
    "UnknownLedgerError": "unknown_ledger",
    "QuerySyntaxError": "query_syntax",
    "QueryTypeError": "query_type",
    "UnknownTableError": "unknown_table",
    "UniqueViolationError": "unique_violation",
    "LimitExceededError": "limit_exceeded",
    "InvalidDocumentError": "invalid_document",
    "ConflictError": "conflict",
    "OCCConflictError": "occ_conflict",
    "TransactionExpiredError": "transaction_expired",
    "ConfigurationError": "configuration",
    "SettingsError": "settings",
    "JournalSettingsError": "journal_settings",
    "UnavailableError": "unavailable",
    "OutcomeUnknownError": "outcome_unknown",
    "LedgerLockedError": "ledger_locked",
    "LogUnavailableError": "log_unavailable",
    "StoreUnavailableError": "store_unavailable",
    "OverloadedError": "overloaded",
    "NotLeaderError": "not_leader",
    "StaleReadError": "stale_read",
    "AccessError": "access",
    "UnauthenticatedError": "unauthenticated",
    "ForbiddenError": "forbidden",
    "IntegrityError": "integrity",
    "CorruptBlockError": "corrupt_block",
    "BrokenLinkError": "broken_link",
    "ProofRejectedError": "proof_rejected",
    "InconsistentCheckpointError": "inconsistent_checkpoint",
    "JournalReplacedError": "journal_replaced",
    "UnsupportedError": "unsupported",
}
"""Programs compare these: a code may be added here, never changed."""


def drawn_tree() -> dict[str, str]:
    """Class -> parent, as the module's docstring draws them: two spaces in, then leaves in columns."""
    drawing = re.search(r"```\n(.*?)```", errors.__doc__ or "", re.DOTALL)
    assert drawing is not None
    parents: dict[str, str] = {}
    branch = ""
    for line in drawing.group(1).splitlines():
        names = re.findall(r"\w+Error", line)
        indent = len(line) - len(line.lstrip())
        if indent == 0:
            assert names == ["LedgerError"]
        elif indent == 2:
            branch, *names = names
            parents[branch] = "LedgerError"
            parents |= dict.fromkeys(names, branch)
        else:
            parents |= dict.fromkeys(names, branch)
    return parents


def test_the_drawing_in_the_docstring_is_the_class_tree():
    classes = {cls.__name__: cls.__bases__[0].__name__ for cls in CLASSES if cls is not LedgerError}

    assert drawn_tree() == classes


def test_codes_never_change():
    assert {cls.__name__: cls.code for cls in CLASSES} == CODES


def test_no_two_errors_share_a_code():
    assert len({cls.code for cls in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_says_what_it_means_and_states_its_own_code(cls):
    assert cls.__doc__
    assert cls.__doc__ != cls.__bases__[0].__doc__
    assert "code" in vars(cls)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_of_a_branch_exits_with_the_code_of_its_branch(cls):
    branch = next(
        base
        for base in reversed(cls.__mro__)
        if base in LedgerError.__subclasses__() or base is cls
    )

    assert cls.exit_code == branch.exit_code


def test_branches_have_different_exit_codes():
    codes = [cls.exit_code for cls in LedgerError.__subclasses__() if cls in CLASSES]

    assert len(set(codes)) == len(codes) == 7


def test_what_is_unavailable_may_be_tried_again_and_input_may_not():
    retryable = {cls.__name__ for cls in CLASSES if cls.retryable}

    assert retryable == {"OCCConflictError", "TransactionExpiredError"} | {
        cls.__name__ for cls in CLASSES if issubclass(cls, UnavailableError)
    }


def test_errors_carry_facts_from_which_their_message_is_made():
    error = CorruptBlockError("its version is 3", sequence_number=7, entry_index=2)

    assert (error.sequence_number, error.entry_index) == (7, 2)
    assert str(error) == "block 7, entry 2: its version is 3"


def test_a_limit_names_itself_the_maximum_and_what_was_there():
    error = LimitExceededError("document_size_max", maximum=10, actual=11)

    assert str(error) == "document_size_max is 10, this has 11"


def test_an_invalid_document_names_the_byte_of_a_text_or_the_path_of_a_value():
    assert str(InvalidDocumentError("duplicate key", position=7)) == "duplicate key at byte 7"
    assert str(InvalidDocumentError("a set", path="$.a[3]")) == "a set at $.a[3]"


def test_a_syntax_error_shows_the_line_with_a_caret_below_the_column():
    error = QuerySyntaxError(
        "unexpected ','", statement="SELECT\n  a,, b", line=2, column=5, expected="a name"
    )

    assert str(error) == "unexpected ',', expected a name (line 2, column 5)\n    a,, b\n      ^"


def test_a_syntax_error_far_to_the_right_shows_a_window_of_its_line():
    statement = "x" * 500 + "!" + "y" * 500

    _, line, caret = str(QuerySyntaxError("?", statement=statement, column=501)).split("\n")

    assert line[caret.index("^")] == "!"
    assert len(line) <= 102


@pytest.mark.parametrize(("line", "column"), [(0, 1), (3, 1), (9, 9)])
def test_a_syntax_error_outside_its_statement_shows_no_caret(line, column):
    assert "^" not in str(QuerySyntaxError("?", statement="a\nb", line=line, column=column))


def test_an_unknown_name_hints_at_the_nearest_ones():
    assert UnknownTableError("vehicle", nearest=("vehicles",)).hint == "did you mean vehicles?"
    assert not UnknownTableError("vehicle").hint


def test_an_unknown_outcome_tells_to_repeat_with_the_same_id():
    error = OutcomeUnknownError("0abc", "no answer in 5 s")

    assert error.transaction_id == "0abc"
    assert "same transaction id" in error.hint


def test_a_unique_violation_names_index_table_key_and_document():
    error = UniqueViolationError(index="by_vin", table="vehicles", key="'1N4'", document_id="0d")

    assert str(error) == "unique index by_vin of table vehicles already holds '1N4' (document 0d)"
