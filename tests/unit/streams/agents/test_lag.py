"""When a partition stands still, and when it only is behind or idle."""

from streams.agents.lag import Activity, Partition, Reading, Stall, observe, stalls

PLACE = Partition("indelible.registry.history.vehicles", 2)


def watch(*readings: Reading, seconds: float = 10.0) -> list[Stall]:
    """What is found after readings 10 seconds apart; a partition may stand still for 30."""
    progress, now = {}, 0.0
    for number, reading in enumerate(readings):
        now = number * seconds
        progress = observe(progress, {PLACE: reading}, now)
    return stalls(progress, now, seconds_max=30.0)


def reading(*, end: int, fetched: int, received: int, handled: int | None) -> Reading:
    return Reading(end=end, fetched=fetched, received=received, handled=handled)


def test_an_agent_that_hangs_is_noticed_although_records_go_on_coming():
    found = watch(*(reading(end=9 + n, fetched=9 + n, received=9 + n, handled=4) for n in range(4)))

    assert found == [Stall(PLACE, Activity.HANDLING, 4, 30.0)]


def test_an_agent_that_never_handled_anything_is_noticed():
    found = watch(*[reading(end=1, fetched=1, received=1, handled=None)] * 4)

    assert found == [Stall(PLACE, Activity.HANDLING, 0, 30.0)]


def test_fetching_that_stopped_is_noticed():
    found = watch(*[reading(end=9, fetched=5, received=5, handled=5)] * 4)

    assert found == [Stall(PLACE, Activity.FETCHING, 5, 30.0)]


def test_nothing_to_do_is_no_stall():
    """The last record of a topic written in transactions is a marker: fetched, but never handled."""
    assert watch(*[reading(end=10, fetched=10, received=9, handled=9)] * 9) == []


def test_far_behind_but_moving_is_no_stall():
    found = watch(
        *(reading(end=10**6, fetched=99 + n, received=50 + n, handled=n) for n in range(9))
    )

    assert found == []


def test_a_step_forward_starts_the_clock_anew():
    stuck = reading(end=9, fetched=9, received=9, handled=4)
    moved = reading(end=9, fetched=9, received=9, handled=5)

    assert watch(stuck, stuck, stuck, moved, moved, moved) == []


def test_a_partition_that_went_to_another_worker_is_forgotten():
    stuck = reading(end=9, fetched=9, received=9, handled=4)
    progress = observe({}, {PLACE: stuck}, 0.0)

    assert observe(progress, {}, 10.0) == {}
