"""The rows of the rule book about recovery: a quorum replaces keys that were lost or stolen.

`recovery.begin` shows in the open what the quorum wants; after the wait, `recovery.finish` brings
it into force. Only a rotation, which reveals `next`, cancels an attempt, and only once: the same
quorum's next attempt stands, whatever is rotated. Neither operation has a sequence, and none of
what holds them in their place can be moved by whoever has the present keys or `next`: an attempt
names the operation that appointed the quorum, its end names the attempt. So nobody outruns it by
writing more. Specified in specs/1-identity.md, "Recovery".

The checks that need the subject's record alone are apart from the rows: a verifier of answers, who
has no more than that, makes them too (resolver/replaying.py).
"""

from __future__ import annotations

from typing import cast

from identity.bodies import RecoveryBeginBody, RecoveryFinishBody
from identity.did import parse_tetrad_did
from identity.errors import (
    KeyReused,
    SignerMissing,
    SignerUnexpected,
    TimeOutOfBounds,
    UnknownMethod,
    WrongSequence,
    WrongState,
)
from identity.keys import thumbprint
from identity.members import parse_time
from identity.operation import revealed_keys
from registry.case import Case
from registry.effects import shown_recovery
from registry.state import Bearer, Changes, Key, Recovering, Subject


def recovery_begin(case: Case) -> Changes:
    """recovery.begin"""
    subject = case.subject()
    body = cast("RecoveryBeginBody", case.operation.body)
    check_begin(subject, body)
    did = subject["did"]
    case.signers(new_keys=revealed_keys(case.operation), rotating=did).exactly(set())
    shares: Changes = {}
    for place, multikey in enumerate(body.quorum):
        key: Key = ("key", thumbprint(multikey))
        owner = cast("Bearer | None", case.state.get(key))
        if owner is None:
            # What an attempt reveals is the subject's for ever, also where it is cancelled.
            shares[key] = {"did": did}
        elif owner["did"] != did:
            raise KeyReused(
                "this recovery key is another subject's", pointer=f"/body/quorum/{place}"
            )
    case.unserved(body.next)
    claims = case.claim_keys(did, body.keys, body.next, shown_recovery(body.recovery))
    return case.changing(subject, {**shares, **claims})


def check_begin(subject: Subject, body: RecoveryBeginBody) -> None:
    """Whether an attempt is this quorum's, and may begin now. Its signatures apart.

    Raises WrongState, WrongSequence, UnknownMethod, SignerMissing, SignerUnexpected or KeyReused.
    """
    if subject["recovery"] == "none":
        raise WrongState(
            "the subject has appointed no quorum",
            pointer="/subject",
            hint="`recovery` is set by a registration, a recovery or a transfer",
        )
    if "recovering" in subject:
        raise WrongState(
            "a recovery is under way: one at a time",
            pointer="/subject",
            hint=f"it can be finished from {subject['recovering']['ready']} on",
        )
    if body.appointed != appointed(subject):
        raise WrongSequence(
            "the attempt is not that of the present quorum",
            pointer="/body/appointed",
            expected={"appointed": appointed(subject)},
        )
    quorum = cast("dict[str, object]", subject["recovery"])
    _check_shares([thumbprint(key) for key in body.quorum], quorum)
    shares = set(cast("list[str]", quorum["keys"]))
    if shares & {*(thumbprint(key) for key in body.keys), *body.next}:
        raise KeyReused("a recovery key is not a key of the subject", pointer="/body/keys")
    if body.recovery != "none" and set(body.recovery.keys) & {thumbprint(k) for k in body.quorum}:
        raise KeyReused(
            "a recovery key that is revealed here is not committed to again",
            pointer="/body/recovery/keys",
        )


def _check_shares(revealed: list[str], quorum: dict[str, object]) -> None:
    """Exactly as many of the quorum's keys as its threshold says, each once."""
    for place, share in enumerate(revealed):
        if share not in cast("list[str]", quorum["keys"]) or share in revealed[:place]:
            raise UnknownMethod(
                "this is not a recovery key of the subject, or it stands here twice",
                pointer=f"/body/quorum/{place}",
            )
    threshold = cast("int", quorum["threshold"])
    if len(revealed) < threshold:
        raise SignerMissing(
            f"{len(revealed)} of the {threshold} recovery keys that it takes",
            pointer="/body/quorum",
        )
    if len(revealed) > threshold:
        raise SignerUnexpected(
            f"{threshold} recovery keys sign, and no more", pointer="/body/quorum"
        )


def appointed(subject: Subject) -> str:
    """The hash of the operation that set the subject's `recovery`: at first, the end of its DID."""
    return subject["appointed"] if "appointed" in subject else parse_tetrad_did(subject["did"])[1]


def recovery_finish(case: Case) -> Changes:
    """recovery.finish"""
    subject = case.subject()
    did = subject["did"]
    recovering = check_finish(subject, case.operation.body, case.now)
    if any(one.verificationMethod.startswith(f"{did}#") for one in case.operation.proof):
        case.signers(new_keys=recovering["keys"], rotating=did).exactly(set())
        return case.changing(subject, {}, by=did)
    return case.changing(subject, {}, by=case.signers().one_of(lambda _: True))


def check_finish(subject: Subject, body: RecoveryFinishBody, now: int) -> Recovering:
    """The attempt that is finished. Raises WrongState, and TimeOutOfBounds before the wait is
    over."""
    recovering = subject.get("recovering")
    if recovering is None or recovering["begun"] != body.begun:
        raise WrongState(
            "no such recovery is under way",
            pointer="/body/begun",
            hint="it was finished or cancelled, or the device was transferred",
        )
    if now < parse_time(recovering["ready"]):
        raise TimeOutOfBounds(
            f"the wait lasts {parse_time(recovering['ready']) - now} s more",
            pointer="/body/begun",
            hint=f"send it from {recovering['ready']} on",
            ready=recovering["ready"],
        )
    return recovering
