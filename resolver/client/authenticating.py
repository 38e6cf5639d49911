"""A client that shows a service who it is: a challenge answered, and a token that its key presents.

    session = client.authenticate(device.did)
    session.headers("GET", "/v1/data/…")               # Authorization, DPoP, for one request
    client.request_as(session, "GET", "/v1/authentications/current")

A challenge is answered where its `domain` is the very address that was asked, and nowhere else: a
service that passes on another's challenge gets nothing that would let it in there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode

from identity.dpop import create_dpop, normal_address
from identity.errors import InvalidAnswer, InvalidChallenge, MalformedInput
from identity.jcs import Json, canonicalize
from identity.jwk import JWS_ALGORITHMS
from identity.keys import PrivateKey
from identity.members import format_time
from identity.multibase import base64url_encode
from identity.wallet import Wallet
from resolver.client.flow import (
    Flow,
    Request,
    Response,
    ask_json,
    json_object,
    member,
    refusal,
)
from resolver.client.sending import Sending
from resolver.trust import Trust

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,2048}=*")
"""RFC 6750, section 2.1: of what goes into a header, nothing may be a line feed."""
_LONGEST = 2_048
"""Characters of what is signed the next time, and kept until then."""
_ATTEMPTS = 3
"""At an answer that was lost, or whose challenge has run out: each with a new challenge."""


class Session:
    """A token and the keys that present it, one or a pair. It shows none in its `repr`."""

    def __init__(
        self,
        domain: str,
        token: str,
        keys: Sequence[PrivateKey],
        answer: Mapping[str, Any],
        *,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self.domain = domain
        """The address of the service."""
        self.did: str = answer["did"]
        self.expires: str = answer["expires"]
        self.answer = {name: value for name, value in answer.items() if name != "token"}
        """What the service says of the authentication, the token left out."""
        self._token = token
        self._keys = keys
        self._clock = clock
        self._random = random

    def __repr__(self) -> str:
        return f"Session({self.did}, at {self.domain}, until {self.expires})"

    def headers(self, method: str, address: str) -> dict[str, str]:
        """The headers that authenticate one request, signed for it alone (RFC 9449, section 7).

        `address` is a path of the service, or the whole address at the backend of an integrator,
        which asks the service about the token and can use neither it nor the proof elsewhere.
        """
        request: Any = {
            "method": method,
            "url": f"{self.domain}{address}" if address.startswith("/") else address,
            "token": self._token,
            "now": int(self._clock()),
            "jti": base64url_encode(self._random(16)),
        }
        proofs = [create_dpop(key, **request) for key in self._keys]
        return {
            "authorization": f"DPoP {self._token}",
            **dict(zip(("dpop", "dpop-beside"), proofs, strict=False)),
        }


class Authenticating(Sending):
    """Flows that authenticate with the keys of a wallet."""

    def __init__(
        self,
        trust: Trust | None,
        wallet: Wallet,
        *,
        save: Callable[[], None],
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        on_trust: Callable[[Trust], None] | None = None,
        address: str = "",
    ) -> None:
        super().__init__(trust, clock, on_trust)
        self.wallet = wallet
        self._save = save
        self.random = random
        self._address = address

    def authenticate(
        self, did: str, credentials: Sequence[Mapping[str, Any]] = ()
    ) -> Flow[Session]:
        """Proves to the service that the wallet has the keys of a DID, and shows it credentials.

        Raises InvalidChallenge for a challenge that is for another service, AuthenticationFailed
        where the service is not convinced, KeystoreError for a DID that is another's.
        """
        domain = normal_address(self._address)
        if domain is None:
            raise MalformedInput("this client has no address of a service")
        for attempt in range(_ATTEMPTS):
            challenge = yield from self._challenge(did, domain)
            presentation = self.wallet.present(
                did,
                credentials,
                challenge=challenge,
                domain=domain,
                created=format_time(int(self.clock())),
                nonce=self.wallet.continuation(did, domain),
            )
            posted = canonicalize({"verifiablePresentation": presentation})
            response = yield from self._once(Request("POST", "/v1/authentications", body=posted))
            error = None if response.status == 200 else refusal(response)
            if error is None:
                break
            # An answer is never sent twice: its challenge is used up by the first.
            if not isinstance(error, InvalidChallenge) or attempt + 1 == _ATTEMPTS:
                raise error
        return self._session(did, domain, json_object(response.body))

    def _session(self, did: str, domain: str, answer: dict[str, Json]) -> Session:
        """What the service says of an authentication, held against who was authenticated."""
        token, given = (member(answer, name, str) for name in ("token", "next"))
        if not _TOKEN.fullmatch(token) or not 0 < len(given) <= _LONGEST:
            raise InvalidAnswer("the service gives what is no token, or nothing to go on with")
        if member(answer, "did", str) != did or not member(answer, "expires", str):
            raise InvalidAnswer("the service answers about another party", pointer="/did")
        thumbprint = member(answer, "key", str).removeprefix(f"{did}#")
        if thumbprint not in self.wallet.identity(did).keys:
            raise InvalidAnswer("the service names another key", pointer="/key")
        self.wallet.keep_continuation(did, domain, given)
        self._save()
        keys = [self.wallet.key(thumbprint), *self._beside(did, thumbprint)]
        return Session(domain, token, keys, answer, clock=self.clock, random=self.random)

    def _beside(self, did: str, thumbprint: str) -> list[PrivateKey]:
        """The other key that has signed, if any: requests are made with both."""
        signing = [method.rpartition("#")[2] for method in self.wallet.methods(did)]
        keys = [self.wallet.key(one) for one in signing if one != thumbprint]
        return [key for key in keys if key.public.algorithm in JWS_ALGORITHMS]

    def _challenge(self, did: str, domain: str) -> Flow[str]:
        asked: dict[str, Json] = {"did": did, "domain": domain, "purpose": "authentication"}
        given = yield from ask_json(Request("POST", "/v1/challenges", body=canonicalize(asked)))
        if given.get("domain") != domain or given.get("purpose") != "authentication":
            raise InvalidChallenge(
                f"the service at {domain} gives out a challenge of another",
                hint="somebody may be passing on what is asked elsewhere: nothing was signed",
            )
        return member(given, "challenge", str)

    def request_as(
        self, session: Session, method: str, path: str, body: bytes = b"", media: str = ""
    ) -> Flow[Response]:
        """One request in the name of a session. It is sent once, whatever comes of it."""
        request = Request(
            method,
            path,
            body=body,
            media=media or "application/json",
            headers=session.headers(method, path),
        )
        return (yield from self._once(request))

    def introspect(self, session: Session, token: str) -> Flow[dict[str, Json]]:
        """What a token stands for that a device has shown to whoever is authenticated here
        (RFC 7662): `active`, and if so `sub`, `cnf` and more."""
        response = yield from self.request_as(
            session,
            "POST",
            "/v1/introspections",
            urlencode({"token": token}).encode(),
            "application/x-www-form-urlencoded",
        )
        if response.status != 200:
            raise refusal(response)
        return json_object(response.body)

    def _once(self, request: Request) -> Flow[Response]:
        return cast("Response", (yield request))
