"""The rows of the rule book that begin a ledger and make organizations."""

from __future__ import annotations

from typing import cast

from identity.bodies import VrfUniqueness
from identity.did import tetrad_did
from identity.errors import InvalidKey, TetradError
from identity.multibase import base64url_decode
from identity.operation import (
    OrganizationRegister,
    RegistryGenesis,
    operation_value,
)
from identity.vrf import check_public
from registry import grants
from registry.case import Case
from registry.effects import new_organization, shown_recovery
from registry.state import Changes, Registry


def genesis(case: Case) -> Changes:
    """registry.genesis"""
    operation = cast("RegistryGenesis", case.operation)
    body = operation.body
    case.signers(new_keys=body.keys).exactly(set())
    did = tetrad_did(case.hash, case.hash)
    claims = case.claim_keys(did, body.keys, body.next, shown_recovery(body.recovery))
    if isinstance(body.uniqueness, VrfUniqueness):
        check_vrf_key(body.uniqueness)
    registry: Registry = {
        "authority": did,
        "origin": body.origin,
        "mode": body.mode,
        "ledger": case.hash,
        "log": body.log,
        "policy": operation_value(body.policy),
        "uniqueness": operation_value(body.uniqueness),
    }
    record = new_organization(body, did, case.hash, case.stamp)
    return {**claims, ("registry",): registry, ("did", did): record}


def check_vrf_key(uniqueness: VrfUniqueness) -> None:
    """A key under which each value has one keyed hash, whoever made the key. Raises InvalidKey."""
    try:
        check_public(base64url_decode(uniqueness.key))
    except TetradError as error:
        raise InvalidKey(error.detail, pointer="/body/uniqueness/key") from None


def organization_register(case: Case) -> Changes:
    """organization.register"""
    operation = cast("OrganizationRegister", case.operation)
    signers = case.signers(new_keys=operation.body.keys)
    if case.registry["mode"] == "sandbox":
        signers.exactly(set())
    else:
        signers.one_of(
            lambda did: (
                did == case.registry["authority"] or grants.may_admit(case.state, did, case.now)
            )
        )
    did = tetrad_did(case.registry["ledger"], case.hash)
    body = operation.body
    case.check_known_as(body.keys)
    record = new_organization(body, did, case.hash, case.stamp)
    claims = case.claim_keys(did, body.keys, body.next, record["recovery"])
    return {**claims, ("did", did): record}


def organization_update(case: Case) -> Changes:
    """organization.update"""
    subject = case.organization()
    case.signers().exactly({subject["did"]})
    case.in_order(subject)
    case.check_known_as(subject["keys"])
    return case.changing(subject, {})
