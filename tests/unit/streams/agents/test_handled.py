"""What was done for a key, and up to where."""

from hypothesis import given
from hypothesis import strategies as st

from streams.agents.handled import Handled
from streams.records import Position

LANES = st.sampled_from(["r/v/0", "r/v/1", "r/v/2"])
RECORDS = st.lists(st.tuples(LANES, st.integers(1, 9)), max_size=20)


def in_turn(records: list[tuple[str, int]]) -> list[tuple[str, Position, int]]:
    """The same amounts, each lane's positions growing."""
    return [(lane, Position(n // 3, n % 3), amount) for n, (lane, amount) in enumerate(records)]


def fold(start: Handled, records: list[tuple[str, Position, int]]) -> Handled:
    handled = start
    for lane, position, amount in records:
        if not handled.covers(lane, position):
            handled = handled.after(lane, position, handled.state + amount)
    return handled


@given(RECORDS, st.data())
def test_records_that_come_again_from_any_earlier_place_change_nothing(records, data):
    """As after a crash: what was kept is a prefix, what comes again begins at or before its end."""
    places = in_turn(records)
    kept = data.draw(st.integers(0, len(places)))
    again = data.draw(st.integers(0, kept))

    before_the_crash = Handled.from_json(fold(Handled({}, 0), places[:kept]).to_json())

    assert fold(before_the_crash, places[again:]) == fold(Handled({}, 0), places)


@given(RECORDS)
def test_the_state_is_that_of_each_record_once(records):
    assert fold(Handled({}, 0), in_turn(records)).state == sum(amount for _, amount in records)


def test_another_lane_has_positions_of_its_own():
    handled = Handled({"r/v/0": Position(9, 0)}, None)

    assert not handled.covers("r/w/0", Position(1, 0))
