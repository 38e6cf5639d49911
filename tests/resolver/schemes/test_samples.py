"""Sample identifiers are valid, canonical, distinct and reproducible."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.schemes import SCHEMES, Samples, samples

WITH_SAMPLES = [name for name in SCHEMES.names() if SCHEMES.get(name).samples is not None]


def of(scheme: str) -> Samples:
    found = SCHEMES.get(scheme).samples
    assert found is not None
    return found


@pytest.mark.parametrize("scheme", WITH_SAMPLES)
@given(first=st.integers(0, 999_999), second=st.integers(0, 999_999))
def test_samples_are_canonical_and_distinct(scheme: str, first: int, second: int) -> None:
    one, other = (of(scheme).make(each % 100_000) for each in (first, second))
    assert SCHEMES.canonical(scheme, one) == one
    assert (one == other) == (first % 100_000 == second % 100_000)


@pytest.mark.parametrize("scheme", WITH_SAMPLES)
def test_samples_lie_under_a_prefix_that_a_sandbox_gives(scheme: str) -> None:
    outer = SCHEMES.prefix_segments(scheme, of(scheme).under)
    for serial in (0, 1, 99_999):
        assert SCHEMES.segments(scheme, of(scheme).make(serial))[: len(outer)] == outer
    assert len(outer) >= SCHEMES.minimal_prefix_depth(scheme)


def test_there_are_samples_of_every_scheme_but_one() -> None:
    assert set(SCHEMES.names()) - set(WITH_SAMPLES) == {"did-bid"}


def test_random_parts_come_from_the_source_alone() -> None:
    def drawn(seed: int) -> list[str]:
        source = random.Random(seed)  # noqa: S311 - reproducible is what it has to be
        return [samples.random_serial(source), samples.random_uuid(source)]

    first = drawn(7)
    assert first == drawn(7)
    assert set(first).isdisjoint(drawn(8))
    assert SCHEMES.read(first[1]).scheme == "uuid"
    link = samples.digital_link("9506000", 13435, first[0])
    assert SCHEMES.read(link) == ("gs1", link)


@pytest.mark.parametrize(
    ("scheme", "serial"), [("gtin", 10**6), ("eui48", 2**24), ("imei", 10**6), ("ipv6", 2**32)]
)
def test_a_serial_that_does_not_fit_is_our_own_mistake(scheme: str, serial: int) -> None:
    with pytest.raises(RuntimeError):
        of(scheme).make(serial)
