"""What a client does for zero-touch fleets: devices that enrol themselves by their certificates.

    client.issue_grant(acme, "enrol", scope)                       # scope: `enrol_scope`
    client.enrol_device(grant, certificate, key, {"object": {"model": "M1", …}})
    client.revoke_serials(acme, grant, ["SN-17"], "lost on the way")

Flows (resolver/client/flow.py) over the writing half of a client. A device that enrols itself needs
nothing of its operator but the hash of the grant: what the grant says is asked of the registry, and
a lie about it makes a registration that the rule book refuses. Specified in specs/1-identity.md,
"Enrolment".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from identity.did import tetrad_did
from identity.jcs import Json
from identity.keys import PrivateKey
from resolver.client.flow import Flow
from resolver.client.sending import Acknowledged
from resolver.client.writing import Writing
from resolver.enrolling import enrolment_body, unsigned_enrolment
from resolver.prepared import Prepared


def prepare_enrolment(
    flows: Writing, body: Mapping[str, Json], key: PrivateKey, *, algorithm: str = "Ed25519"
) -> Prepared:
    """The registration of a device that is described by `enrolment_body`, signed with its
    certificate's key; its own keys are drawn into the wallet, which is not yet saved."""
    first = flows.wallet.draw(algorithm)
    described = {**body, "keys": list(first.keys), "next": list(first.next)}
    prepared = unsigned_enrolment(flows.trust.ledger, described, int(flows.clock()), flows.random)
    own = {one.method: key.sign(one.input) for one in prepared.signing if _names(one.method, key)}
    flows.wallet.adopt(tetrad_did(flows.trust.ledger, prepared.hash), first)
    return prepared.signed(own)


def _names(method: str, key: PrivateKey) -> bool:
    return method.endswith(f"#{key.public.multikey}")


def enrol_device(
    flows: Writing,
    grant: str,
    certificate: str,
    key: PrivateKey,
    body: Mapping[str, Json],
    *,
    algorithm: str = "Ed25519",
) -> Flow[Acknowledged]:
    """Registers a device by its certificate under a grant to enrol, named by its hash.

    `certificate` is base64 of DER, `key` its private key, `body` what the two do not tell: model,
    sector, IPv6, number, data. The device's own keys are drawn here.
    """
    record = yield from flows.grant(grant)
    described = enrolment_body(record, certificate, body)
    prepared = prepare_enrolment(flows, described, key, algorithm=algorithm)
    return (yield from flows.send(prepared))


def revoke_serials(
    flows: Writing, by: str, grant: str, serials: Sequence[str], reason: str
) -> Flow[Acknowledged]:
    """No device with one of these serials is enrolled under the grant any more. One that is
    registered already is ended by itself, with `revoke`."""
    body: dict[str, Json] = {
        "grant": grant,
        "serials": cast("Json", list(serials)),
        "reason": reason,
    }
    return (yield from flows.change("enrolment.revoke", by, body, by=[by]))
