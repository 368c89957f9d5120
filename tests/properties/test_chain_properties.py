"""The reader rule as a whole: whatever honest writers and careless strangers do, there is one chain.

Honest writers here do what the writer rule allows at its worst: they read, build on the tip they saw,
and append late, twice, or not at all. Which blocks must be accepted is told by a model that knows only
"the first block for a height wins".
"""

import itertools
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from journal.block import Block
from journal.chain import Accepted, Origin, Reason, Tip, check, link
from journal.errors import BrokenLinkError, IntegrityError, UnsupportedError
from journal.log import Record
from tests.support.builders import (
    LEDGER_NAME,
    SECOND,
    STARTED,
    STRAND_ID,
    a_block,
    a_chain,
    a_genesis,
    read_chain,
    tip_of,
)
from tests.support.strategies import examples

PINNED = Origin(LEDGER_NAME, STRAND_ID)
FROZEN_END = 10 + 2 + 1 + 16 + 1 + 32
"""Marker, header size, then version, strand, a small sequence number, previous hash."""


@dataclass
class Model:
    """A log, and the chain that it must be read as."""

    log: list[bytes] = field(default_factory=lambda: [a_genesis().encode()])
    chain: list[Block] = field(default_factory=lambda: [a_genesis()])
    pending: dict[int, Block] = field(default_factory=dict)
    count: int = 0

    def build(self, writer: int) -> None:
        """The writer reads to the end and builds on the tip it finds."""
        self.count += 1
        tip = self.chain[-1]
        timestamp = max(STARTED + self.count * SECOND // 2, tip.header.timestamp + 1)
        name = f"writer-{writer} block-{self.count}"
        self.pending[writer] = a_block(after=tip, writer=name, timestamp=timestamp)

    def append(self, writer: int) -> None:
        """What the writer built reaches the log, maybe for the second time."""
        block = self.pending.get(writer)
        if block is None:
            return
        self.log.append(block.encode())
        if block.sequence_number == len(self.chain):
            self.chain.append(block)

    @property
    def hashes(self) -> list[bytes]:
        return [block.block_hash for block in self.chain]


def flipped(value: bytes, place: int, change: int) -> bytes:
    place %= len(value)
    return value[:place] + bytes((value[place] ^ change,)) + value[place + 1 :]


writers = st.integers(0, 2)
places = st.integers(0, 10_000)
changes = st.integers(1, 255)
honest_steps = st.one_of(
    st.tuples(st.just("build"), writers),
    st.tuples(st.just("append"), writers),
    st.tuples(st.just("both"), writers),
)
careless_steps = st.one_of(
    st.tuples(st.just("bytes"), st.binary(max_size=80)),
    st.tuples(st.just("copy"), places),
    st.tuples(st.just("cut"), places, places),
    st.tuples(st.just("spoil"), places, places, changes),
)


def run(steps: list[tuple]) -> Model:
    model = Model()
    for step in steps:
        match step:
            case ("build", writer):
                model.build(writer)
            case ("append", writer):
                model.append(writer)
            case ("both", writer):
                model.build(writer)
                model.append(writer)
            case ("bytes", data):
                model.log.append(data)
            case ("copy", index):
                model.log.append(model.log[index % len(model.log)])
            case ("cut", index, size):
                value = model.log[index % len(model.log)]
                model.log.append(value[: size % (len(value) + 1)])
            case ("spoil", index, place, change):
                value = model.log[index % len(model.log)]
                if len(value) > FROZEN_END:
                    kept, spoilt = value[:FROZEN_END], value[FROZEN_END:]
                    model.log.append(kept + flipped(spoilt, place, change))
    return model


@examples(120)
@given(st.lists(honest_steps | careless_steps, max_size=25))
def test_honest_writers_and_careless_strangers_make_one_chain_without_a_break(steps):
    model = run(steps)

    reading = read_chain(model.log)

    assert reading.error is None
    assert model.hashes == reading.hashes
    assert len(model.log) == len(reading.blocks) + len(reading.ignored)


@examples(120)
@given(
    st.lists(honest_steps | careless_steps, max_size=20),
    st.lists(st.tuples(places, places, places, changes), min_size=1, max_size=5),
)
def test_copies_changed_anywhere_may_stop_a_reader_but_never_mislead_one(steps, forgeries):
    """Each forgery stands behind the record that it was made from."""
    model = run(steps)
    log = list(model.log)
    for index, gap, place, change in forgeries:
        source = index % len(log)
        if log[source]:
            at = source + 1 + gap % (len(log) - source)
            log.insert(at, flipped(log[source], place, change))

    reading = read_chain(log, PINNED)

    assert reading.hashes == model.hashes[: len(reading.hashes)]
    if reading.error is None:
        assert reading.hashes == model.hashes
    else:
        assert isinstance(reading.error, BrokenLinkError | UnsupportedError)


@examples(120)
@given(st.lists(honest_steps | careless_steps, max_size=20), places, st.data())
def test_a_block_removed_from_the_middle_stops_every_reader(steps, index, data):
    model = run([*steps, ("both", 0), ("both", 1)])
    index %= len(model.chain) - 1
    lost = model.chain[index].encode()

    reading = read_chain([value for value in model.log if value != lost], PINNED)

    assert isinstance(reading.error, BrokenLinkError)
    assert reading.hashes[:index] == model.hashes[:index]
    assert len(reading.hashes) <= index + 1, "at most a rival's block for the same height"


@examples(120)
@given(st.lists(honest_steps | careless_steps, max_size=20), places, places, changes)
def test_a_block_damaged_in_the_middle_stops_every_reader(steps, index, place, change):
    model = run([*steps, ("both", 0), ("both", 1)])
    index %= len(model.chain) - 1
    lost = model.chain[index].encode()
    damaged = flipped(lost, place, change)

    reading = read_chain([damaged if value == lost else value for value in model.log], PINNED)

    assert isinstance(reading.error, IntegrityError | UnsupportedError)
    assert reading.hashes[:index] == model.hashes[:index]
    assert len(reading.hashes) <= index + 1


def test_every_single_byte_of_a_middle_block_is_guarded():
    chain = a_chain(4)
    values = [block.encode() for block in chain]
    for place in range(len(values[2])):
        log = [*values[:2], flipped(values[2], place, 0x41), values[3]]

        reading = read_chain(log)

        assert reading.error is not None, place
        assert reading.hashes[:2] == [block.block_hash for block in chain[:2]]
        assert len(reading.hashes) <= 3


def interleavings(left: tuple, right: tuple) -> list[tuple]:
    """All merges of two sequences of steps."""
    size = len(left) + len(right)
    merged = []
    for chosen in itertools.combinations(range(size), len(left)):
        lefts, rights = iter(left), iter(right)
        merged.append(tuple(next(lefts) if i in chosen else next(rights) for i in range(size)))
    return merged


def test_all_interleavings_of_two_writers_with_any_one_copy_give_one_chain():
    steps = [(("build", w), ("append", w), ("build", w), ("append", w)) for w in (0, 1)]
    for merged in interleavings(*steps):
        model = run(list(merged))
        for source in range(len(model.log)):
            for at in range(source + 1, len(model.log) + 1):
                log = [*model.log[:at], model.log[source], *model.log[at:]]
                reading = read_chain(log)

                assert reading.error is None
                assert model.hashes == reading.hashes


def test_after_any_interleaving_of_two_writers_each_lost_middle_block_is_noticed():
    steps = [(("build", w), ("append", w), ("build", w), ("append", w)) for w in (0, 1)]
    for merged in interleavings(*steps):
        model = run(list(merged))
        for index in range(len(model.chain) - 1):
            lost = model.chain[index].encode()

            reading = read_chain([value for value in model.log if value != lost], PINNED)

            assert isinstance(reading.error, BrokenLinkError)
            assert reading.error.sequence_number in (index, index + 1)


@examples(120)
@given(st.lists(honest_steps | careless_steps, max_size=25), places)
def test_a_reader_that_goes_on_from_a_saved_tip_sees_the_same_chain(steps, index):
    model = run(steps)
    offsets = {value: offset for offset, value in reversed(list(enumerate(model.log)))}
    block = model.chain[index % len(model.chain)]

    reading = read_chain(model.log[offsets[block.encode()] + 1 :], tip_of(block))

    assert model.hashes[block.sequence_number + 1 :] == reading.hashes


@examples(120)
@given(st.binary(max_size=200), st.integers(-3, 5))
def test_no_bytes_make_the_rule_fail(data, height):
    tip = Tip(STRAND_ID, height, bytes(32), STARTED) if height >= 0 else Origin(LEDGER_NAME)
    marked = a_genesis().encode()[:10] + data
    for value in (data, marked):
        result = link(tip, check(Record(0, value)))

        assert not isinstance(result, Accepted)
        assert result.reason in set(Reason)
