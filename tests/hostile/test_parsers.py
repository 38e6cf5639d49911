"""Whatever comes from outside, only our errors come out: bundles, proofs of the state, answers.

What stands nearer to its parser is tried there: notes, checkpoints, receipts, entries, policies,
tile paths and bundles of entries, evidence against a log, and requests to a witness in
tests/registry; the evidence of the log's keys in tests/resolver/test_keyhistory.py, a client's own
state in test_trust.py, a log's answers to a mirror in client/test_mirroring.py.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from identity.errors import NotFound, TetradError
from identity.jcs import parse
from registry.map_proof import MapProof, check_absent, check_present
from registry.state import Key
from registry.uniqueness import ECVRF, verify_shown
from resolver.bundle import bundle_bytes, read_bundle
from resolver.cli import tetrad
from resolver.client import Client
from resolver.referral import verify_unregistered
from resolver.trust import Trust
from tests.resolver.client.conftest import Registry
from tests.resolver.client.test_client import CODE, one_device

NOBODY: Key = ("code", "gs1", "https://id.gs1.org/01/09506000134352/21/NOBODY")
LATER = 2**31
"""When it is verified: nothing that the registry granted ends."""
SLOW = settings(deadline=None)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


class Honest(NamedTuple):
    """What an honest registry has shown."""

    trust: Trust
    bundle: dict[str, Any]
    absent: dict[str, Any]
    answer: dict[str, Any]


@pytest.fixture(scope="module")
def honest() -> Iterator[Honest]:
    registry = Registry()
    try:
        client = registry.client()
        one_device(client)
        found = client.resolve(CODE)
        bundle = orjson.loads(bundle_bytes(client.trust, found.key, found.answer))
        with pytest.raises(NotFound) as absent:
            client.resolve("(01)09506000134352(21)NOBODY")
        yield Honest(client.trust, bundle, absent.value.problem(), found.answer)
    finally:
        registry.stop()


def altered(data: st.DataObject, value: dict[str, Any], *below: str) -> dict[str, Any]:
    """The value with something else in one place, below these members."""
    changed = copy.deepcopy(value)
    place: Any = changed
    for step in below:
        place = place[step]
    while True:
        steps = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        step = data.draw(st.sampled_from(steps))
        inner = place[step]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 4)) == 0:
            place[step] = data.draw(JSON)
            assume(place[step] != inner)
            return changed
        place = inner


@SLOW
@given(data=st.data())
def test_a_bundle_with_anything_else_in_it(honest: Honest, data: st.DataObject) -> None:
    """What is proved is the same, or nothing is; how the code was read is a remark."""
    changed = altered(data, honest.bundle)
    try:
        verified = read_bundle(changed).verify(honest.trust)
    except TetradError:
        return
    assert verified.device == honest.answer["device"]
    assert changed["key"] in (honest.bundle["key"], None)
    told = {name: value for name, value in changed["answer"].items() if name != "readAs"}
    assert told.items() <= honest.answer.items()


@given(JSON.filter(lambda value: isinstance(value, dict)), JSON)
def test_what_is_no_bundle_at_all(value: dict[str, Any], inner: Any) -> None:
    whole = {"bundle": 1, "genesis": inner, "updates": [], "key": None, "answer": value}
    for shown in (value, whole):
        with pytest.raises(TetradError):
            read_bundle(shown)


@SLOW
@given(data=st.data())
def test_a_proof_of_absence_with_anything_else_in_it(honest: Honest, data: st.DataObject) -> None:
    verify_unregistered(honest.absent["proof"], honest.trust.pinned, NOBODY, LATER)
    changed = altered(data, honest.absent, "proof")["proof"]
    with pytest.raises(TetradError):
        verify_unregistered(changed, honest.trust.pinned, NOBODY, LATER)


@given(
    st.binary(max_size=300),
    st.lists(st.binary(min_size=32, max_size=32), max_size=70).map(b"".join),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
)
def test_bytes_that_prove_nothing_of_the_state(
    bucket: bytes, path: bytes, key: bytes, root: bytes
) -> None:
    texts = (base64.b64encode(bucket).decode(), base64.b64encode(path).decode())
    with pytest.raises(TetradError):
        check_absent(MapProof.parse(*texts), key, root)
    with pytest.raises(TetradError):
        check_present(MapProof.parse(*texts), key, b"{}", root)


@given(JSON, st.sampled_from([ECVRF, "hmac-sha256", ""]), JSON)
def test_a_keyed_hash_that_is_none(shown: Any, alg: str, key: Any) -> None:
    for value in (shown, {"key": shown, "proof": key}, {"key": ["number", "x", "y"], "proof": key}):
        with pytest.raises(TetradError):
            verify_shown({"alg": alg, "key": key}, "number", "x", "1", value)


@SLOW
@given(data=st.data())
def test_whatever_a_registry_answers(honest: Honest, data: st.DataObject) -> None:
    """Unless it is what was true: nothing else is believed, and nothing else comes out."""
    status = data.draw(st.sampled_from([200, 404, 410, 400, 500]))
    told = data.draw(
        st.one_of(
            JSON,
            st.just(honest.absent),
            st.just({"code": "gone", "detail": "x", "answer": honest.answer}),
            st.just(honest.answer),
        )
    )
    if isinstance(told, dict) and told and data.draw(st.booleans()):
        told = altered(data, told)
    body = orjson.dumps(told)

    def answer(request: httpx.Request) -> httpx.Response:
        shown = body if request.url.path.startswith("/v1/resolve") else b"{}"
        return httpx.Response(status, stream=httpx.ByteStream(shown))

    transport = httpx.MockTransport(answer)
    with Client("http://registry", trust=honest.trust, transport=transport) as client:
        client.flows.clock = lambda: 0.0 + 2**31
        try:
            found: Any = client.resolve(CODE).device
        except TetradError as error:
            found = error
    if isinstance(found, TetradError):  # nobody has proved that there is none
        assert "proved" not in found.members
    else:
        assert found == honest.answer["device"]


@settings(SLOW, max_examples=40)
@given(data=st.data())
def test_whatever_a_file_says_verify_answers(
    honest: Honest, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """`tetrad verify` on anything: it is refused with a word, and nothing is called proved."""
    content = data.draw(
        st.one_of(
            st.binary(),
            st.binary().map(lambda rest: b"c2sp.org/tlog-proof@v1\n" + rest),
            JSON.map(orjson.dumps),
            st.tuples(JSON, JSON).map(
                lambda two: orjson.dumps({"kind": two[0], "checkpoints": two[1]})
            ),
            st.tuples(JSON, JSON).map(
                lambda two: orjson.dumps({"operation": two[0], "receipt": two[1]})
            ),
            st.tuples(JSON, JSON).map(
                lambda two: orjson.dumps({"device": two[0], "proof": two[1]})
            ),
            st.just(b""),
        )
    )
    if not content:
        content = orjson.dumps(altered(data, honest.bundle))
    home = Path(tmp_path_factory.getbasetemp()) / "nobody"
    told = ["verify", "-", "--home", str(home), "--ledger", honest.trust.ledger]
    for words in (told, told[:4], [*told, "--json"]):
        result = CliRunner().invoke(tetrad, words, input=content)
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == 1
        assert "✓" not in result.output


def test_what_was_honest_is_believed(honest: Honest) -> None:
    """The tests above would pass if nothing ever were."""
    bundle = parse(orjson.dumps(honest.bundle))
    assert isinstance(bundle, dict)
    assert read_bundle(bundle).verify(honest.trust).device == honest.answer["device"]
