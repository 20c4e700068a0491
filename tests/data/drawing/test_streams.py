"""Streams: the same for the same name, unlike for any other, and whole numpy generators."""

import pickle
from hashlib import blake2b

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.data.drawing.streams import stream


@given(name=st.text(max_size=60))
def test_a_stream_depends_on_its_name_alone(name: str) -> None:
    stream("another").random(3)
    assert stream(name).integers(2**62, size=4).tolist() == stream(name).integers(2**62, size=4).tolist()


def test_names_that_differ_little_have_streams_that_have_nothing_in_common() -> None:
    """Ten thousand neighbours: no first number twice, evenly spread, neighbours uncorrelated."""
    first = np.array([stream(f"0/0/{clip}/0/0 anchor").random() for clip in range(10_000)])
    assert len(set(first.tolist())) == 10_000
    counts = np.histogram(first, bins=10, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 27.9  # p = .001 at 9 degrees of freedom
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.04


def test_the_digest_is_the_state() -> None:
    """Whoever has PCG64 and BLAKE2b can make the same numbers."""
    high, low, high_step, low_step = np.frombuffer(
        blake2b(b"a name", digest_size=32).digest(), "<u8"
    ).tolist()
    step = ((high_step << 64 | low_step) << 1 | 1) % 2**128
    multiplier = 47026247687942121848144207491837523525
    state = ((step + (high << 64 | low)) * multiplier + step) % 2**128
    expected = np.random.PCG64()
    expected.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": step},
        "has_uint32": 0,
        "uinteger": 0,
    }
    assert stream("a name").bit_generator.random_raw(5).tolist() == expected.random_raw(5).tolist()


def test_a_strategy_may_spawn_and_pickle_it() -> None:
    first, second = stream("a name"), stream("a name")
    children = [rng.spawn(2) for rng in (first, second)]
    numbers = [[child.random() for child in pair] for pair in children]
    assert numbers[0] == numbers[1]
    assert len({*numbers[0], first.spawn(1)[0].random(), second.random()}) == 4
    assert pickle.loads(pickle.dumps(first)).random() == stream("a name").random()
