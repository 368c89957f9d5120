"""Arithmetic: exact on integers (unbounded, see `limits`) and decimals (38 digits), IEEE on floats.

```
int op int -> int        (/ and % truncate towards zero)
decimal op int, decimal  -> decimal
float op anything        -> float
```

Null and missing go through: missing if a side is missing, else null. Division by zero is an error in
both modes, since no value would say what happened.
"""

import decimal
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from journal.errors import InputError, LimitExceededError
from journal.values import MISSING, Value
from materializer.partiql.limits import DECIMAL_EXPONENT_MAX, INTEGER_DIGITS_MAX, INTEGER_MAX
from materializer.partiql.operators import intervals, moments
from materializer.partiql.operators.intervals import Interval
from materializer.partiql.operators.kinds import NUMBERS, kind_of
from materializer.partiql.operators.reject import Reject

DECIMALS: Final = decimal.Context(
    prec=38,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-DECIMAL_EXPONENT_MAX,
    Emax=DECIMAL_EXPONENT_MAX,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
"""38 digits, as SQL's widest DECIMAL. Shared: its only state is flags that nobody reads."""

_BITS_MAX: Final = INTEGER_MAX.bit_length()


def add(left: Value, right: Value, reject: Reject) -> Value:
    """`left + right`."""
    return _arithmetic("+", left, right, reject)


def subtract(left: Value, right: Value, reject: Reject) -> Value:
    """`left - right`."""
    return _arithmetic("-", left, right, reject)


def multiply(left: Value, right: Value, reject: Reject) -> Value:
    """`left * right`."""
    return _arithmetic("*", left, right, reject)


def divide(left: Value, right: Value, reject: Reject) -> Value:
    """`left / right`; of two integers the whole part."""
    return _arithmetic("/", left, right, reject)


def remainder(left: Value, right: Value, reject: Reject) -> Value:
    """`left % right`, with the sign of `left`."""
    return _arithmetic("%", left, right, reject)


OPERATORS: Final[dict[str, Callable[[Value, Value, Reject], Value]]] = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "%": remainder,
}  # fmt: skip


def negate(value: Value, reject: Reject) -> Value:
    """`-value`."""
    if type(value) in NUMBERS:
        return -value if type(value) is not Decimal else value.copy_negate()
    if type(value) is Interval:
        return intervals.negated(value)
    return value if value is None or value is MISSING else reject(_no_number("-", value))


def plus(value: Value, reject: Reject) -> Value:
    """`+value`."""
    if type(value) in NUMBERS or type(value) is Interval or value is None or value is MISSING:
        return value
    return reject(_no_number("+", value))


def absolute(value: Value, reject: Reject) -> Value:
    """`ABS(value)`; the scale of a decimal is kept."""
    if type(value) is Decimal:
        return value.copy_abs()
    if type(value) in NUMBERS:
        return abs(value)
    if type(value) is Interval:
        return intervals.negated(value) if value.amount < 0 else value
    return value if value is None or value is MISSING else reject(_no_number("ABS", value))


def rounded(value: Value, reject: Reject, *, up: bool) -> Value:
    """`CEIL(value)` and `FLOOR(value)`: an integer."""
    if type(value) is int:
        return value
    if type(value) in NUMBERS:
        if not math.isfinite(value):
            return value
        check_exponent(value)
        return math.ceil(value) if up else math.floor(value)
    name = "CEIL" if up else "FLOOR"
    return value if value is None or value is MISSING else reject(_no_number(name, value))


def check_exponent(value: Value) -> None:
    """Refuse a decimal that would become an integer of too many digits."""
    if type(value) is Decimal and value.adjusted() > INTEGER_DIGITS_MAX:
        raise _too_long(value.adjusted())


def check_integer(value: int) -> int:
    """The integer, unless it has too many digits."""
    if -INTEGER_MAX < value < INTEGER_MAX:
        return value
    raise _too_long(int(value.bit_length() / 3.3219))


def _arithmetic(operator: str, left: Value, right: Value, reject: Reject) -> Value:
    kinds = type(left), type(right)
    if kinds == (int, int):
        return _integers(operator, left, right)
    if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
        return (
            _floats(operator, left, right) if float in kinds else _decimals(operator, left, right)
        )
    if left is MISSING or right is MISSING:
        return MISSING
    if left is None or right is None:
        return None
    if operator != "%":
        result = _with_time(operator, left, right)
        if result is not None:
            return result
    return reject(f"{operator} does not work on {kind_of(left)} and {kind_of(right)}")


def _integers(operator: str, left: int, right: int) -> int:
    if operator == "+":
        return check_integer(left + right)
    if operator == "-":
        return check_integer(left - right)
    if operator == "*":
        if left.bit_length() + right.bit_length() > _BITS_MAX + 1:
            raise _too_long(int((left.bit_length() + right.bit_length()) / 3.3219))
        return check_integer(left * right)
    if not right:
        raise InputError("division by zero")
    quotient = abs(left) // abs(right)
    quotient = quotient if (left < 0) == (right < 0) else -quotient
    return quotient if operator == "/" else left - right * quotient


def _decimals(operator: str, left: int | Decimal, right: int | Decimal) -> Decimal:
    try:
        a = left if type(left) is Decimal else DECIMALS.create_decimal(left)
        b = right if type(right) is Decimal else DECIMALS.create_decimal(right)
        if operator in "/%" and not b:
            raise InputError("division by zero")
        result: Decimal = getattr(DECIMALS, _DECIMAL_OPERATIONS[operator])(a, b)
    except decimal.DecimalException as error:
        raise _too_large(operator) from error
    return result


_DECIMAL_OPERATIONS: Final = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder",
}  # fmt: skip


def _floats(operator: str, left: Any, right: Any) -> float:
    try:
        a, b = float(left), float(right)
        if operator == "+":
            return a + b
        if operator == "-":
            return a - b
        if operator == "*":
            return a * b
        if not b:
            raise InputError("division by zero")
        return a / b if operator == "/" else math.fmod(a, b)
    except (OverflowError, ValueError) as error:
        raise _too_large(operator) from error


def _with_time(operator: str, left: Value, right: Value) -> Value:
    """Arithmetic on intervals, dates, times and timestamps; None where there is none."""
    if type(left) is Interval and type(right) is Interval and left.in_months == right.in_months:
        if operator in "+-":
            return intervals.added(left, intervals.negated(right) if operator == "-" else right)
    elif type(left) is Interval and type(right) in NUMBERS and operator in "*/":
        return intervals.scaled(left, Decimal(right), divide=operator == "/")
    elif type(right) is Interval and type(left) in NUMBERS and operator == "*":
        return intervals.scaled(right, Decimal(left), divide=False)
    elif operator == "+" and type(left) is Interval:
        return moments.shifted(right, left)
    elif operator in "+-" and type(right) is Interval:
        return moments.shifted(left, intervals.negated(right) if operator == "-" else right)
    elif operator == "-":
        return moments.between(right, left)
    return None


def _no_number(operator: str, value: Value) -> str:
    return f"{operator} does not work on {kind_of(value)}"


def _too_long(digits: int) -> LimitExceededError:
    return LimitExceededError("digits of an integer", maximum=INTEGER_DIGITS_MAX, actual=digits)


def _too_large(operator: str) -> InputError:
    return InputError(f"the result of {operator} is too large for its type")
