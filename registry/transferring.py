"""The rows of the rule book about transfer: a device goes from one controller to another.

The controller offers, until a time; the other accepts with keys of the device that the old
controller does not know, its successors, and its recovery. So everything through which the old
controller could act for the device ends in one entry: its role, the device's keys, the quorum, a
recovery that is under way. Code, object, number and data stay what they are. Specified in
specs/1-identity.md, "Transfer".

The checks that need the device's record alone are apart: a verifier of answers makes them too.
"""

from __future__ import annotations

from typing import cast

from identity.bodies import Offer, TransferAcceptBody, TransferOfferBody
from identity.errors import NotFound, PolicyViolated, TimeOutOfBounds, WrongState
from identity.keys import thumbprint
from identity.members import parse_time
from registry.case import Case
from registry.effects import shown_recovery
from registry.state import Changes, Device, subject_of
from registry.status import keeps_kinds


def transfer_offer(case: Case) -> Changes:
    """transfer.offer"""
    offer = cast("TransferOfferBody", case.operation.body).offer
    device = case.device()
    case.usable(device)
    case.signers().exactly({device["controller"]})
    case.in_order(device)
    if offer != "none":
        _check_offer(case, device, offer)
    elif "offer" not in device:
        raise WrongState("the device is not on offer", pointer="/body/offer")
    return case.changing(device, {})


def _check_offer(case: Case, device: Device, offer: Offer) -> None:
    """Whether it can be accepted at all."""
    if parse_time(offer.notAfter) <= case.now:
        raise PolicyViolated(
            "the offer would be over before it begins", pointer="/body/offer/notAfter"
        )
    if offer.to == device["controller"]:
        raise WrongState("the device is in their hands already", pointer="/body/offer/to")
    receiver = subject_of(case.state, offer.to)
    if receiver is None or receiver["kind"] == "device":
        raise NotFound("there is no such organization on this ledger", pointer="/body/offer/to")
    if receiver["status"] != "active":
        raise WrongState(f"the organization is {receiver['status']}", pointer="/body/offer/to")


def transfer_accept(case: Case) -> Changes:
    """transfer.accept"""
    body = cast("TransferAcceptBody", case.operation.body)
    device = case.device()
    case.usable(device)
    check_accept(device, body, case.now)
    required = {device["offer"]["to"]}
    if outside_next(device, body):
        # Nothing that the device ever said vouches for such a key: whoever answers for its code
        # does.
        required.add(case.holder(device["code"]) or case.registry["authority"])
    case.signers(new_keys=body.keys, rotating=device["did"]).exactly(required)
    case.in_order(device)
    case.unserved(body.next)
    claims = case.claim_keys(device["did"], body.keys, body.next, shown_recovery(body.recovery))
    return case.changing(device, claims)


def outside_next(device: Device, body: TransferAcceptBody) -> bool:
    """Whether a key takes over to which the device had not committed, or half a pair after a
    pair."""
    committed = {thumbprint(key) for key in body.keys} <= set(device["next"])
    return not (committed and keeps_kinds(device["keys"], body.keys))


def check_accept(device: Device, body: TransferAcceptBody, now: int) -> None:
    """Whether this offer stands. Raises WrongState, TimeOutOfBounds."""
    offer = device.get("offer")
    if offer is None or offer["operation"] != body.offer:
        raise WrongState(
            "this offer does not stand",
            pointer="/body/offer",
            hint="it was taken back, replaced or accepted",
        )
    if now > parse_time(offer["notAfter"]):
        raise TimeOutOfBounds(
            f"the offer ended at {offer['notAfter']}",
            pointer="/body/offer",
            hint="ask the controller for another one",
        )
    # An acceptance out of `next` is a rotation, and cancels as one does. What a rotation does not
    # cancel holds it up: else who stole `next` and the controller's keys would sell the device to
    # himself and be rid of the quorum.
    if "recovering" in device and ("cancelled" in device or outside_next(device, body)):
        raise WrongState(
            "a recovery of the device is under way, which this does not cancel",
            pointer="/subject",
            hint=f"it can be finished from {device['recovering']['ready']} on",
        )
