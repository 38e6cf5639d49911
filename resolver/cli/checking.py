"""What `tetrad verify` makes of one item: a receipt, an answer, or a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from identity.did import parse_tetrad_did
from identity.errors import InvalidChallenge, SchemaViolation
from resolver.bundle import Bundle, known_as, read_bundle
from resolver.cli.frame import Frame, read_input
from resolver.cli.hops import hop_lines, hop_values
from resolver.freshness import age_of, check_age
from resolver.path import Hop
from resolver.trust import Trust
from resolver.verifier import VerifiedAnswer, verify_answer, verify_receipt

MOST_AGE = 86_400
"""Seconds: the age of a record by which a device is authenticated, unless another is asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asks of every item."""

    ledger: str | None
    policy: Path | None
    max_age: int | None
    challenge: Path | None = None
    bundle: Path | None = None

    def of(self, trust: Trust) -> Trust:
        """A pinned ledger with the policy that was given, if one was."""
        if self.policy is None:
            return trust
        return trust.asking(read_input(str(self.policy)).decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Verified:
    """An item that holds, and what is to be said of it."""

    size: int
    origin: str
    value: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


def check(frame: Frame, item: dict[str, Any], wanted: Wanted) -> Verified:
    """Checks one item. Raises EvidenceRefused, InvalidProof."""
    if wanted.challenge is not None or wanted.bundle is not None:
        # Whoever was asked may send what holds and answers nothing: that must not pass for more.
        return _authenticated(frame, item, wanted)
    if "bundle" in item:
        verified, trust, hops = _bundled(frame, item, wanted)
        return _answered(frame, verified, trust, wanted, hops)
    if "responseCode" in item:
        return _handled(frame, item, wanted)
    if isinstance(item.get("device"), dict):
        label, _ = parse_tetrad_did(str(item["device"].get("did")))
        trust = wanted.of(frame.home.trust_labelled(label))
        return _answered(frame, verify_answer(item, trust.pinned), trust, wanted)
    if item.get("holder") is not None and "proof" in item:
        return _authenticated(frame, item, wanted)
    if isinstance(item.get("operation"), dict) and isinstance(item.get("receipt"), str):
        return _receipted(frame, item, wanted)
    raise SchemaViolation(
        "neither an answer with its proof nor an operation with its receipt",
        hint="tetrad resolve --bundle FILE, or tetrad register --out FILE",
    )


def _authenticated(frame: Frame, item: dict[str, Any], wanted: Wanted) -> Verified:
    """The answer of a device to a challenge, by its record in a bundle."""
    from identity.jcs import parse
    from resolver.authentication import challenge_of, proved_record, verify_authentication
    from resolver.challenges import read_challenge

    if wanted.challenge is None or wanted.bundle is None:
        raise SchemaViolation(
            "an answer is held against its challenge and the device's proved record",
            hint="--challenge FILE, and --bundle FILE of `tetrad resolve --bundle FILE`",
        )
    challenge = read_challenge(parse(_challenge_file(wanted.challenge)))
    if item.get("holder") is None or "proof" not in item:
        raise InvalidChallenge("this answers no challenge", hint="an answer is of `tetrad answer`")
    if challenge_of(item) == challenge.challenge:
        _use_up(wanted.challenge)
    bundled = parse(read_input(str(wanted.bundle)), max_bytes=2**24)
    verified, trust, hops = _bundled(frame, bundled, wanted)
    most = MOST_AGE if wanted.max_age is None else wanted.max_age
    shown = _answered(frame, verified, trust, replace(wanted, max_age=most), hops)
    now = frame.now
    if challenge.expires <= now:
        raise InvalidChallenge("the challenge has expired", hint="ask again: tetrad challenge")
    record = proved_record(verified)
    if challenge.did is not None and challenge.did != record["did"]:
        raise InvalidChallenge(f"the challenge is for {challenge.did}, not for {record['did']}")
    found = verify_authentication(
        item, record, challenge=challenge.challenge, domain=challenge.domain, now=now
    )
    value = {**shown.value, "authenticated": True, "key": f"{found.did}#{found.key.thumbprint}"}
    return replace(
        shown,
        value=value,
        lines=(f"✓ AUTHENTICATED: it has the key {found.key.thumbprint}", *shown.lines),
    )


def _challenge_file(path: Path) -> bytes:
    if not path.exists():
        raise InvalidChallenge(
            f"there is no challenge in {path}",
            hint="each is removed by the first answer that names it; ask again: tetrad challenge",
        )
    return read_input(str(path))


def _use_up(challenge: Path) -> None:
    """A challenge is verified once, whatever comes of it: of two at the same time, one removes its
    file. Raises InvalidChallenge."""
    try:
        challenge.unlink()
    except OSError as failure:
        raise InvalidChallenge(
            f"{challenge} cannot be used up: {failure.strerror}", hint="ask again: tetrad challenge"
        ) from None


def trust_of(frame: Frame, bundle: Bundle, wanted: Wanted) -> Trust:
    """What the caller knows of a bundle's ledger, and asks of it. Raises UnknownLedger."""
    # What is pinned knows the log's keys at least as well as who names the ledger.
    known = wanted.ledger is None or frame.home.knows(bundle.trust)
    pinned = frame.home.trust_in(bundle.trust.ledger) if known else None
    return wanted.of(known_as(bundle, wanted.ledger or bundle.trust.ledger, pinned))


def _bundled(
    frame: Frame,
    item: Any,  # noqa: ANN401 - any JSON
    wanted: Wanted,
) -> tuple[VerifiedAnswer, Trust, tuple[Hop, ...]]:
    """The answer, the ledger that gives it, and the ledgers by way of which it was found."""
    bundle = read_bundle(item)
    trust = trust_of(frame, bundle, wanted)
    if not bundle.by_way:
        return bundle.verify(trust), trust, ()
    path = bundle.verify_path(trust, frame.now)
    if not isinstance(path.outcome, VerifiedAnswer):
        raise SchemaViolation("a bundle holds a device", pointer="/answer/device")
    for hop in path.hops:
        if wanted.max_age is not None:
            check_age(hop.age, wanted.max_age)
    return path.outcome, path.responsible, path.hops


def _handled(frame: Frame, item: dict[str, Any], wanted: Wanted) -> Verified:
    """An answer of /api/handles with its proof among the values."""
    from resolver.handles.verifying import proved_within, verify_handle

    proved: Any = proved_within(item)
    try:
        if "path" in proved:
            trust = frame.home.trust_in(str(proved["path"][0]["ledger"]))
        else:
            trust = frame.home.trust_labelled(parse_tetrad_did(str(proved["device"]["did"]))[0])
    except (KeyError, IndexError, TypeError):
        raise SchemaViolation("the proof names no ledger") from None
    found = verify_handle(item, wanted.of(trust), frame.now)
    for hop in found.hops:
        if wanted.max_age is not None:
            check_age(hop.age, wanted.max_age)
    known = found.trust if found.hops else wanted.of(trust)
    shown = _answered(frame, found.verified, known, wanted, found.hops)
    of = ", ".join(str(index) for index in found.indexes) or "none"
    lines = [f"✓ values of the handle {item['handle']} as its record has them: {of}"]
    if found.unchecked:
        lines.append("– HS_SIGNATURE covers these values; whose key and certificates: not checked")
    value = {**shown.value, "indexes": list(found.indexes), "unchecked": list(found.unchecked)}
    return replace(shown, value=value, lines=(*lines, *shown.lines))


def _receipted(frame: Frame, item: dict[str, Any], wanted: Wanted) -> Verified:
    """A receipt: logged, and where the policy asks for witnesses, witnessed."""
    operation = item["operation"]
    trust = wanted.of(frame.home.trust_in(str(operation.get("ledger"))))
    opened = verify_receipt(
        item["receipt"].encode("utf-8", "replace"), operation, trust.pinned
    ).checkpoint
    if wanted.policy is not None:
        age_of(opened, trust.witnesses, frame.now)
    return Verified(opened.checkpoint.size, opened.checkpoint.origin)


def _enrolled(verified: VerifiedAnswer) -> list[str]:
    """Who answers for a device that no organization has signed for."""
    enrolled = verified.enrolled
    if enrolled is None:
        return []
    return [
        f"✓ it enrolled itself under the grant {enrolled.grant}, by {enrolled.granter} "
        f"to {enrolled.holder}, as serial {enrolled.serial}",
        "– that the grant was in force then, and the serial not revoked, is for an audit",
    ]


def _coded(verified: VerifiedAnswer) -> list[str]:
    """The code that the device bears, since what the file was asked for is its maker's word."""
    code = verified.device["code"]
    return [f"✓ its code: {code['scheme']} {code['value']}"] if "value" in code else []


def _answered(
    frame: Frame,
    verified: VerifiedAnswer,
    trust: Trust,
    wanted: Wanted,
    hops: Sequence[Hop] = (),
) -> Verified:
    opened = verified.checkpoint
    age = age_of(opened, trust.witnesses, frame.now)
    if wanted.max_age is not None:
        check_age(age, wanted.max_age)
    tree, root = opened.checkpoint, verified.state.root
    log = ", ".join(f"{key.name}+{key.id.hex()}" for key in trust.pinned.log_keys_at(tree.size))
    dated = {key for key, moment in opened.times if moment}
    policy = trust.witnesses
    witnesses = [one.name for one in policy.witnesses if one.key in dated] if policy else []
    at = f" at {verified.as_of}" if verified.as_of else ""
    lines = [
        f"{verified.status.upper()}  {verified.did}",
        *([f"as it was at {verified.as_of}, and not as it is now"] if verified.as_of else []),
        *(hop_lines(hops) or [f"✓ ledger {trust.ledger}"]),
        f"✓ checkpoint over {tree.size} entries, keys of the log: {log}",
        f"✓ cosigned by {', '.join(witnesses)}" if witnesses else "– witnesses: none asked for",
        f"✓ the newest record{at}, by the state of entry {root.index}",
        f"✓ signed by {', '.join(verified.signers)}"
        if verified.signers
        else "– signatures are not shown, as of a device that has changed too often",
        *_enrolled(verified),
        f"– {age}",
        *_coded(verified),
    ]
    value = {
        "did": verified.did,
        "status": verified.status,
        **({"asOf": verified.as_of} if verified.as_of else {}),
        "ledger": trust.ledger,
        **({"hops": hop_values(hops)} if hops else {}),
        "stateRoot": root.index,
        "signers": list(verified.signers),
        **({"enrolled": verified.enrolled._asdict()} if verified.enrolled else {}),
        "witnesses": witnesses,
        "age": age.seconds,
        "datedBy": age.by or None,
    }
    return Verified(tree.size, tree.origin, value, tuple(lines))
