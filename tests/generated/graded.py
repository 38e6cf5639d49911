"""specs/vectors/resolution/graded_data.json: who is shown which content, and logs of accesses.

A decision has the `device` as far as it matters, the `data` that is asked for where that is not the
present one, who asks (null for nobody that is known) and the `credentials` of theirs that hold; and
then the `grade` in force and the `outcome`: "shown", "authenticate" or "withheld". A log has the
`records` of one chain of a device and its `head`; and then how many `dropped` at the front, or the
`error`.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, cast

from identity.did import tetrad_did
from identity.errors import TetradError
from identity.multibase import digest_multihash
from registry.state import Device
from resolver.accesses import SHOWN, ChainHead, chained, record_hash, verify_chain
from resolver.graded import Verified, grade_in_force, opened_by
from tests.generated import file

Vector = dict[str, Any]
LICENCE = "NetworkAccessLicence"
GRADES = ("general", "important", "core")


def did(name: str) -> str:
    """A DID that is made of a name."""
    ledger, subject = (digest_multihash(sha256(one.encode()).digest()) for one in ("ledger", name))
    return tetrad_did(ledger, subject)


def record(grade: str, version: int = 2, **policy: Any) -> Vector:
    """A data record as far as it matters."""
    return {"version": version, "grade": grade, **({"policy": policy} if policy else {})}


def decided(vector: Vector) -> Vector:
    """What our own code says to a decision."""
    device = cast("Device", vector["device"])
    shown: Any = vector.get("data", device["data"])
    grade = grade_in_force(device["data"], shown)
    if grade != "important":
        return {"grade": grade, "outcome": "shown" if grade == "general" else "withheld"}
    if vector["asker"] is None:
        return {"grade": grade, "outcome": "authenticate"}
    held = [Verified(one["type"], one["issuer"], "") for one in vector["credentials"]]
    opening = opened_by(device, vector["asker"], held)
    if opening is None:
        return {"grade": grade, "outcome": "withheld"}
    return {"grade": grade, "outcome": "shown", "as": opening.role}


def decisions() -> Iterator[Vector]:
    """Grades, versions, policies and askers, put together."""
    policies: dict[str, Vector] = {
        "no policy": {},
        "a party": {"parties": [did("beta")]},
        "a licence": {"credentials": [{"type": LICENCE}]},
        "a licence of one issuer": {"credentials": [{"type": LICENCE, "issuer": did("lab")}]},
        "both": {"credentials": [{"type": LICENCE}], "parties": [did("beta")]},
    }
    held: dict[str, list[Vector]] = {
        "": [],
        " with the licence": [{"type": LICENCE, "issuer": did("lab")}],
        " with another's licence": [{"type": LICENCE, "issuer": did("gamma")}],
        " with a label": [{"type": "NetworkSecurityLabel", "issuer": did("lab")}],
    }
    askers = ("nobody", "controller", "maker", "beta", "device")
    presents = {
        **{grade: record(grade) for grade in GRADES},
        **{f"important, {name}": record("important", **one) for name, one in policies.items()},
        "none": "none",
    }
    for said, present in presents.items():
        earlier = [None] if "," in said and said != "important, both" else [None, *GRADES]
        for older in earlier[present == "none" :]:
            for asker in askers:
                shows = asker == "device" and "," in said and older is None
                for showing, credentials in held.items() if shows else [("", [])]:
                    before = f", version 1 {older}" if older else ""
                    yield {
                        "name": f"{said}{before}: {asker}{showing}",
                        "device": {
                            "controller": did("controller"),
                            "object": {"maker": did("maker")},
                            "data": present,
                        },
                        **({"data": record(older, 1)} if older else {}),
                        "asker": None if asker == "nobody" else did(asker),
                        "credentials": credentials,
                    }


def logs() -> Iterator[Vector]:
    """A log, and what may become of it."""
    records: list[Vector] = []
    head = ChainHead()
    for n, role in enumerate(("controller", "party", "credential", "maker")):
        access: Vector = {
            "as": role,
            "by": did(role),
            "chain": SHOWN,
            "device": did("device"),
            "outcome": "shown",
            "time": f"2026-11-22T09:0{n}:00Z",
            "version": 2,
        }
        made = chained(access, head)
        records.append(made)
        head = ChainHead(n + 1, record_hash(made))
    edited = [*records[:1], {**records[1], "by": did("nobody")}, *records[2:]]
    cases: dict[str, tuple[list[Vector], ChainHead]] = {
        "whole": (records, head),
        "the oldest have left": (records[2:], head),
        "none yet": ([], ChainHead()),
        "one is missing in the middle": ([records[0], *records[2:]], head),
        "one was changed": (edited, head),
        "two have changed places": ([records[1], records[0], *records[2:]], head),
        "one stands twice": ([*records, records[-1]], head),
        "the newest is missing": (records[:-1], head),
        "all are missing": ([], head),
        "of another device": ([{**one, "device": did("car")} for one in records], head),
        "of the other chain": ([{**one, "chain": "refused"} for one in records], head),
    }
    for name, (shown, end) in cases.items():
        yield {"name": name, "device": did("device"), "records": shown, "head": end._asdict()}


def read(vector: Vector) -> Vector:
    """What our own code says to a log."""
    head = ChainHead(**vector["head"])
    try:
        dropped = verify_chain(vector["records"], head, device=vector["device"], chain=SHOWN)
    except TetradError as error:
        return {"error": error.code}
    return {"dropped": dropped}


def files() -> dict[str, bytes]:
    """The one file."""
    made = {
        "description": "Who is shown which content; logs of accesses.",
        "decisions": [{**one, **decided(one)} for one in decisions()],
        "logs": [{**one, **read(one)} for one in logs()],
    }
    return {"vectors/resolution/graded_data.json": file(made)}
