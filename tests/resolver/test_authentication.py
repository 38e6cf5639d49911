"""Authentication without a service: what is remembered, and a device asked by an integrator."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.dpop import DpopProof
from identity.errors import (
    AuthenticationFailed,
    Busy,
    CredentialRefused,
    ForgedProof,
    InvalidAnswer,
    InvalidChallenge,
    InvalidInput,
    InvalidProof,
    InvalidToken,
    KeystoreError,
    MalformedCredential,
    MalformedProof,
    RateLimited,
    SchemaViolation,
    SignerMissing,
    UnknownMethod,
)
from identity.jcs import parse
from identity.keys import P256
from identity.wallet import Wallet
from registry.state import Subject as Record
from resolver.authentication import (
    answer_challenge,
    proved_record,
    verify_authentication,
)
from resolver.challenges import Challenge, Challenges, new_challenge, read_challenge
from resolver.shared_keys import SharedKeys
from resolver.tokens import MOST_PROOFS, WINDOW, Bound, Tokens
from tests.factory import NOW, City, Subject, key
from tests.resolver.authenticating import counted, wallet_of

ASKER = "did:tetrad:kta2wkpizqzouzvv:zQmbpiscExf2d7ypyHhuhkNp9NCiA63ENXESfZ1UbAtzwjj"


# Challenges


def test_a_challenge_is_consumed_once_and_within_its_time() -> None:
    challenges = Challenges(2, 60, counted())
    first = challenges.issue(domain="d", did=None, now=NOW)
    assert challenges.consume(first.challenge, NOW + 59) == first
    with pytest.raises(InvalidChallenge):
        challenges.consume(first.challenge, NOW + 59)
    late = challenges.issue(domain="d", did=None, now=NOW)
    with pytest.raises(InvalidChallenge):
        challenges.consume(late.challenge, NOW + 60)


@given(st.lists(st.tuples(st.sampled_from(["issue", "consume", "wait"]), st.integers(0, 40))))
def test_a_store_of_challenges_is_bounded_and_forgets_what_has_expired(
    steps: list[tuple[str, int]],
) -> None:
    challenges, now, given_out = Challenges(5, 30, counted()), NOW, list[Challenge]()
    for what, n in steps:
        if what == "wait":
            now += n
        elif what == "issue":
            waiting = [one for one in given_out if one.expires > now]
            if len(waiting) < 5:
                given_out.append(challenges.issue(domain="d", did=None, now=now))
            else:
                with pytest.raises(Busy) as busy:
                    challenges.issue(domain="d", did=None, now=now)
                assert 0 < busy.value.members["retry_after"] <= 30
        elif given_out:
            one = given_out.pop(n % len(given_out))
            if one.expires > now:
                assert challenges.consume(one.challenge, now) is one
            else:
                with pytest.raises(InvalidChallenge):
                    challenges.consume(one.challenge, now)
        assert len(challenges) <= 5


def test_a_challenge_goes_through_json() -> None:
    for did in (None, ASKER):
        made = new_challenge(counted(), domain="Grid Co.", did=did, expires=NOW)
        assert read_challenge(made.value()) == made


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "assertionMethod"},
        {"challenge": "AAAA"},
        {"challenge": "not base64"},
        {"challenge": 5},
        {"expires": "tomorrow"},
        {"domain": ""},
        {"did": "did:key:x"},
        {"did": None},
        {"more": "x"},
    ],
)
def test_what_is_no_challenge(change: dict[str, Any]) -> None:
    value = new_challenge(counted(), domain="d", did=None, expires=NOW).value()
    with pytest.raises(SchemaViolation):
        read_challenge({**value, **change})
    with pytest.raises(SchemaViolation):
        read_challenge({name: value[name] for name in ("challenge", "domain")})


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(JSONS)
def test_hostile_challenges_raise_our_errors_alone(value: Any) -> None:
    with pytest.raises(InvalidInput):
        read_challenge(value)


# Tokens


def bound(did: str = "did:x", expires: int = NOW + 600) -> Bound:
    return Bound(did, "zQmKey", "jkt", "https://r.example", NOW, expires)


def proof(jti: str) -> DpopProof:
    return DpopProof(key("x").public, jti, NOW)


def test_a_token_is_found_until_it_ends() -> None:
    tokens = Tokens(10, 3, 10, counted())
    token = tokens.issue(bound(), NOW)
    assert tokens.find(token, NOW + 599) == bound()
    for wrong, now in ((token, NOW + 600), (token[:-1], NOW), ("", NOW), (token + "=", NOW)):
        with pytest.raises(InvalidToken):
            tokens.find(wrong, now)
    tokens.end(token)
    tokens.end(token)
    with pytest.raises(InvalidToken):
        tokens.find(token, NOW)
    assert len(tokens) == 0


def test_tokens_are_bounded_in_all_and_for_each() -> None:
    tokens = Tokens(4, 2, 10, counted())
    mine = [tokens.issue(bound("did:a"), NOW) for _ in range(3)]
    with pytest.raises(InvalidToken):
        tokens.find(mine[0], NOW)
    theirs = [tokens.issue(bound(f"did:{n}"), NOW) for n in range(2)]
    with pytest.raises(Busy) as busy:
        tokens.issue(bound("did:z"), NOW)
    assert busy.value.members["retry_after"] == 600
    # Who has as many as one may have goes on: the oldest of them makes room.
    tokens.issue(bound("did:a"), NOW)
    assert len(tokens) == 4
    assert [tokens.find(one, NOW).did for one in theirs] == ["did:0", "did:1"]
    assert tokens.find(tokens.issue(bound("did:z", NOW + 1200), NOW + 600), NOW + 600)
    assert len(tokens) == 1


def test_the_credentials_that_tokens_keep_have_room_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resolver.tokens.MOST_SHOWN_BYTES", 100)
    tokens = Tokens(10, 1, 10, counted())

    def showing(did: str, size: int) -> Bound:
        return replace(bound(did), shown=(b"x" * size,))

    tokens.issue(showing("did:a", 60), NOW)
    with pytest.raises(Busy) as busy:
        tokens.issue(showing("did:b", 41), NOW)
    assert busy.value.members["retry_after"] == 600
    assert tokens.issue(bound("did:b"), NOW), "who shows none is not kept out"
    tokens.issue(showing("did:a", 100), NOW)  # in the place of the one before
    with pytest.raises(Busy):
        tokens.issue(showing("did:c", 1), NOW)
    assert tokens.issue(showing("did:c", 100), NOW + 600), "what has ended makes room"


def test_a_proof_counts_once_for_as_long_as_it_could_be_shown_again() -> None:
    tokens = Tokens(10, 3, 10, counted())
    token, other = (tokens.issue(bound(), NOW) for _ in range(2))
    tokens.use(token, proof("a"), NOW)
    tokens.use(other, proof("a"), NOW)  # an identifier is its token's own
    for now in (NOW, NOW + 2 * WINDOW):
        with pytest.raises(InvalidToken, match="before"):
            tokens.use(token, proof("a"), now)
    tokens.use(token, proof("a"), NOW + 2 * WINDOW + 1)


def test_proofs_are_bounded_in_all_and_for_each() -> None:
    tokens = Tokens(10, 1, MOST_PROOFS + 1, counted())
    other = tokens.issue(bound("did:other"), NOW)
    for n in range(MOST_PROOFS):
        if n % 1_000 == 0:  # one token after another
            token = tokens.issue(bound(), NOW)
        tokens.use(token, proof(str(n)), NOW)
    token = tokens.issue(bound(), NOW)
    with pytest.raises(RateLimited):
        tokens.use(token, proof("more"), NOW)
    tokens.use(other, proof("other"), NOW)
    with pytest.raises(Busy):
        tokens.use(other, proof("more"), NOW)
    tokens.use(token, proof("later"), NOW + 2 * WINDOW + 1)


# One key, two clients


class Client:
    """A client that keeps what it was given, unless an answer is lost."""

    def __init__(self, kept: str | None = None) -> None:
        self.kept = kept

    def comes(self, keys: SharedKeys, *, lost: bool = False) -> bool:
        continued = keys.continues("key", self.kept)
        if not lost:
            self.kept = continued.next
        return continued.fits


@given(st.lists(st.booleans(), max_size=30))
def test_a_client_by_itself_always_fits(losses: list[bool]) -> None:
    keys, client = SharedKeys(10, counted()), Client()
    assert all(client.comes(keys, lost=lost) for lost in losses)
    assert not keys.shared("key")


@given(st.lists(st.booleans(), max_size=6), st.lists(st.booleans(), min_size=1, max_size=12))
def test_two_clients_are_noticed_when_the_second_comes_back(
    before: list[bool], turns: list[bool]
) -> None:
    """However long the original was at work before it was copied with all that it had, and whoever
    comes when: once each was there, the next turn of the one who was passed over shows it."""
    keys, original = SharedKeys(10, counted()), Client()
    for lost in before:
        original.comes(keys, lost=lost)
    original.comes(keys)
    copy = Client(original.kept)
    came: list[bool] = []
    for by_copy in turns:
        (copy if by_copy else original).comes(keys)
        came.append(by_copy)
        changes = sum(one != other for one, other in pairwise(came))
        if changes >= 2:
            assert keys.shared("key")
        if changes == 0:
            assert not keys.shared("key")


def test_a_copy_of_the_key_alone_is_noticed_at_once() -> None:
    keys, original = SharedKeys(10, counted()), Client()
    original.comes(keys)
    original.comes(keys)
    assert Client().comes(keys) is False
    assert keys.shared("key")
    assert not keys.shared("another")


def test_what_is_remembered_of_keys_is_bounded() -> None:
    keys = SharedKeys(3, counted())
    for n in range(5):
        keys.continues(str(n), None)
    assert len(keys._lines) == 3
    assert keys.continues("0", "from before it was forgotten").fits


# An integrator asks a device, far from any service


class Meeting:
    """A device, its wallet, its record, and a challenge to it."""

    def __init__(self, **options: Any) -> None:
        self.city = City()
        acme = self.city.organization("Acme")
        self.city.accept(self.city.prefix(acme, "gtin:09506000"))
        self.acme = acme
        self.device = self.city.device("M-1", acme, **options)
        self.wallet = wallet_of(self.device)
        self.challenge = self.asks()

    def asks(self, domain: str = ASKER, did: str | None = None) -> Challenge:
        did = did or self.device.did
        return new_challenge(counted(), domain=domain, did=did, expires=NOW + 300)

    def record(self, subject: Subject | None = None) -> Record:
        from registry.state import state_key

        (stored,) = self.city.store.records([state_key(("did", (subject or self.device).did))])
        assert stored is not None
        return cast("Record", parse(stored))

    def answer(self, challenge: Challenge | None = None, wallet: Wallet | None = None) -> Any:
        asked = challenge or self.challenge
        return answer_challenge(wallet or self.wallet, asked, self.device.did, NOW)

    def verify(self, presentation: Any, record: Record | None = None) -> str:
        found = verify_authentication(
            presentation,
            record or self.record(),
            challenge=self.challenge.challenge,
            domain=self.challenge.domain,
            now=NOW,
        )
        return found.key.thumbprint


def test_a_device_proves_that_it_is_what_its_code_says() -> None:
    for options in ({}, {"algorithm": P256}):
        meeting = Meeting(**options)
        answer = meeting.answer()
        assert meeting.verify(answer) == meeting.device.key.public.thumbprint
        assert answer["proof"]["domain"] == ASKER


def test_another_device_another_key_and_another_challenge_are_refused() -> None:
    meeting = Meeting()
    other = meeting.city.device("M-2", meeting.acme)
    imposter = Wallet(counted())
    imposter.adopt(
        meeting.device.did,
        type(meeting.wallet.draw())(
            [imposter.add_key(other.key).multikey], [imposter.add_key(other.next_key).thumbprint]
        ),
    )
    with pytest.raises(UnknownMethod):
        meeting.verify(meeting.answer(wallet=imposter))
    with pytest.raises(AuthenticationFailed):
        meeting.verify(meeting.answer(), meeting.record(other))
    with pytest.raises(InvalidChallenge):
        meeting.verify(meeting.answer(meeting.asks("somebody else")))
    forged = meeting.answer()
    forged["proof"]["proofValue"] = meeting.answer(meeting.asks("x"))["proof"]["proofValue"]
    with pytest.raises(ForgedProof):
        meeting.verify(forged)


def test_a_device_that_is_not_active_is_refused_although_it_has_the_key() -> None:
    meeting = Meeting()
    answer = meeting.answer()
    for status in ("suspended", "revoked", "retired"):
        record = cast("Record", {**meeting.record(), "status": status})
        with pytest.raises(AuthenticationFailed, match=status):
            meeting.verify(answer, record)


def test_the_key_after_a_rotation_and_not_the_one_before() -> None:
    meeting = Meeting()
    before = meeting.answer()
    meeting.city.accept(meeting.city.rotate(meeting.device))
    with pytest.raises(UnknownMethod, match="present key"):
        meeting.verify(before)
    assert meeting.verify(meeting.answer(wallet=wallet_of(meeting.device)))


def test_both_kinds_of_keys_sign_where_both_are_in_force() -> None:
    meeting = Meeting()
    quantum = key("quantum", "ML-DSA-44")
    record = meeting.record()
    mixed = cast("Record", {**record, "keys": [*record["keys"], quantum.public.multikey]})
    with pytest.raises(SignerMissing):
        meeting.verify(meeting.answer(), mixed)
    meeting.wallet.add_key(quantum)
    meeting.wallet.identity(meeting.device.did).keys.append(quantum.public.thumbprint)
    answer = meeting.answer()
    assert len(answer["proof"]) == 2
    assert meeting.verify(answer, mixed) == meeting.device.key.public.thumbprint
    with pytest.raises(UnknownMethod):
        meeting.verify(answer)
    # Each signs what the verifier gave out before, and the same.
    asked: Any = {"challenge": meeting.challenge.challenge, "domain": meeting.challenge.domain}
    one, other = (
        meeting.wallet.present(meeting.device.did, nonce=nonce, **asked)["proof"]
        for nonce in ("a", "b")
    )
    with pytest.raises(MalformedProof, match="nonce"):
        meeting.verify({**answer, "proof": [one[0], other[1]]}, mixed)
    assert meeting.verify({**answer, "proof": one}, mixed)


def test_a_challenge_in_the_name_of_a_server_is_not_answered() -> None:
    meeting = Meeting()
    for domain in (
        "https://registry.example",
        "http://127.0.0.1:8000",
        "HTTPS://Registry.Example/x",
        "https://registry.example/a b",
        "https://registry\n.example",
        "coap://lock",
    ):
        with pytest.raises(InvalidChallenge, match="not of who shows it"):
            meeting.answer(meeting.asks(domain))


def test_a_challenge_of_another_for_another_or_too_late_is_not_answered() -> None:
    meeting = Meeting()
    wallet, did = meeting.wallet, meeting.device.did
    with pytest.raises(InvalidChallenge, match="by"):
        answer_challenge(wallet, meeting.challenge, did, NOW, domain="Grid Co.")
    with pytest.raises(InvalidChallenge, match="for"):
        meeting.answer(meeting.asks(did=ASKER))
    with pytest.raises(InvalidChallenge, match="expired"):
        answer_challenge(wallet, meeting.challenge, did, NOW + 300)
    anyone = Challenge(meeting.challenge.challenge, "x", None, NOW + 300)
    with pytest.raises(KeystoreError):
        answer_challenge(wallet, anyone, ASKER, NOW)


def test_credentials_are_verified_or_refused_and_never_passed_over() -> None:
    meeting = Meeting()
    shown = meeting.wallet.present(
        meeting.device.did,
        [{"@context": "https://www.w3.org/ns/credentials/v2", "type": "VerifiableCredential"}],
        challenge=meeting.challenge.challenge,
        domain=meeting.challenge.domain,
    )
    with pytest.raises(MalformedCredential):
        meeting.verify(shown)
    credential = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": ASKER,
        "credentialSubject": {"id": meeting.device.did},
    }
    shown = meeting.wallet.present(
        meeting.device.did,
        [credential],
        challenge=meeting.challenge.challenge,
        domain=meeting.challenge.domain,
    )
    with pytest.raises(MalformedCredential, match="not verified here"):
        meeting.verify(shown)


def test_a_record_of_the_past_proves_nothing_of_today() -> None:
    answer: Any = type("A", (), {"as_of": "2026-11-22T08:00:00Z", "device": {}})()
    with pytest.raises(InvalidAnswer):
        proved_record(answer)


MEETING = Meeting()
ANSWER = MEETING.answer()


@given(st.data())
def test_an_answer_with_anything_changed_raises_our_errors_alone(data: st.DataObject) -> None:
    answer = {**ANSWER, "proof": dict(ANSWER["proof"])}
    where: dict[str, Any] = data.draw(st.sampled_from([answer, answer["proof"]]))
    name = data.draw(st.sampled_from(sorted(where)) | st.text(max_size=9))
    before = where.get(name)
    where[name] = data.draw(JSONS | st.just(before).map(str))
    if where[name] == before:
        return
    with pytest.raises((InvalidProof, CredentialRefused, InvalidChallenge, AuthenticationFailed)):
        MEETING.verify(answer)


@given(JSONS)
def test_hostile_presentations_raise_our_errors_alone(value: Any) -> None:
    with pytest.raises((InvalidProof, CredentialRefused)):
        MEETING.verify(value)


def test_a_wallet_keeps_what_a_verifier_gave_out_and_forgets_it_with_the_key() -> None:
    meeting = Meeting()
    wallet, did = meeting.wallet, meeting.device.did
    assert wallet.continuation(did, "https://r.example") is None
    wallet.keep_continuation(did, "https://r.example", "given")
    again = Wallet.from_json(wallet.to_json(), counted())
    assert again.continuation(did, "https://r.example") == "given"
    assert again.continuation(did, "https://other.example") is None
    again.begin_rotation(did)
    again.finish_rotation(did)
    assert again.continuation(did, "https://r.example") is None
    again.keep_continuation(did, "https://other.example", "new")
    assert list(again.continuations.values()) == ["new"]
