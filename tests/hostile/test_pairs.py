"""Authentication by a pair of keys, of which an attacker has one: a quantum computer, or a broken
library. One of the two gains nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from identity.credentials.securing import secure
from identity.dpop import create_dpop
from identity.keys import PrivateKey
from resolver.settings import Settings
from tests.factory import Subject
from tests.hostile.test_authentication import CURRENT, Scene
from tests.resolver.authenticating import HERE, Visitor
from tests.resolver.town import Town, problem

PAIR = "Ed25519+ML-DSA-44"


class Pairs(Scene):
    """A device with a pair, whose keys are stolen one at a time."""

    def __init__(self, town: Town) -> None:
        super().__init__(town)
        self.pair: Subject = town.device("M-9", self.acme, algorithm=PAIR)
        self.classical, self.quantum = self.pair.keys_of(0)

    def signed(self, *places: int) -> dict[str, Any]:
        """An answer of the pair's device, by these of its keys."""
        issued = self.challenge()
        answer: dict[str, Any] = {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiablePresentation"],
            "holder": self.pair.did,
        }
        for place in places:
            signer, method = self.pair.methods[place]
            named = {"challenge": issued["challenge"], "domain": issued["domain"]}
            answer = secure(answer, signer, method=method, purpose="authentication", **named)
        return answer

    def shows(self, token: str, *signers: PrivateKey, jtis: tuple[str, ...] = ()) -> int:
        """The status of a request with a token and proofs by these keys."""
        self.count += 1
        proofs = [
            create_dpop(
                signer,
                method="GET",
                url=HERE + CURRENT,
                token=token,
                now=self.town.now,
                jti=jtis[place] if jtis else f"pair-{self.count}",
            )
            for place, signer in enumerate(signers)
        ]
        names = ("dpop", "dpop-beside", "dpop-beside")
        headers = [("authorization", f"DPoP {token}"), *zip(names, proofs, strict=False)]
        response = self.town.get(CURRENT, headers=headers)
        if response.status_code != 200:
            assert problem(response)["code"] == "authentication.token"
        return response.status_code


@pytest.fixture(scope="module")
def pairs() -> Iterator[Pairs]:
    with Town(Settings(checkers=0, challenges_per_minute=1_000_000)) as town:
        yield Pairs(town)


@pytest.mark.parametrize("places", [(0,), (1,), (0, 0), (1, 1)])
def test_one_key_of_a_pair_answers_no_challenge(pairs: Pairs, places: tuple[int, ...]) -> None:
    assert pairs.refused(pairs.signed(*places)) == "authentication"


def test_a_token_of_a_pair_is_presented_by_both(pairs: Pairs) -> None:
    admitted = pairs.answer(pairs.signed(1, 0))
    assert admitted.status_code == 200, admitted.text
    token = admitted.json()["token"]
    classical, quantum, other = pairs.classical, pairs.quantum, pairs.other.key
    for stolen in (
        (classical,),
        (quantum,),
        (classical, classical),
        (quantum, quantum),
        (quantum, classical),
        (classical, other),
        (other, quantum),
        (classical, quantum, quantum),
    ):
        assert pairs.shows(token, *stolen) == 401
    assert pairs.shows(token, classical, quantum) == 200


def test_the_two_proofs_are_of_one_request(pairs: Pairs) -> None:
    """One half that was seen is of no use with a new one."""
    token = pairs.answer(pairs.signed(0, 1)).json()["token"]
    both = (pairs.classical, pairs.quantum)
    assert pairs.shows(token, *both, jtis=("new", "seen")) == 401
    assert pairs.shows(token, *both, jtis=("seen", "seen")) == 200
    assert pairs.shows(token, *both, jtis=("seen", "seen")) == 401


def test_a_token_of_one_key_takes_no_second_proof(pairs: Pairs) -> None:
    token = pairs.token(pairs.device)
    assert pairs.shows(token, pairs.device.key, pairs.quantum) == 401
    assert pairs.shows(token, pairs.device.key) == 200


def test_a_client_with_a_pair_shows_both_and_backends_are_told_of_both(pairs: Pairs) -> None:
    visitor = Visitor(pairs.town, pairs.pair, pairs.device)
    session = visitor.authenticate(pairs.pair)
    assert visitor.current(session).json()["did"] == pairs.pair.did
    token = session.headers("GET", "/x")["authorization"].split()[1]
    asking = visitor.authenticate(pairs.device)
    shown: Any = visitor.run(visitor.flows.introspect(asking, token))
    assert sorted(shown["cnf"]) == ["beside", "jkt"]
    own = asking.headers("GET", "/x")["authorization"].split()[1]
    told: Any = visitor.run(visitor.flows.introspect(asking, own))
    assert sorted(told["cnf"]) == ["jkt"]
