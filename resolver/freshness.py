"""How old an answer is, and on whose word.

    age = age_of(opened, pinned.witnesses, now)          # raises QuorumMissing
    check_age(age, most=60)                           # raises StaleAnswer

With a policy that asks for witnesses, the newest time at which the quorum had cosigned dates a
checkpoint: neither the log nor whoever passes it on can make it look younger. Without one, only the
log's own dated line does: it tells of a copy that was held back, and not of a log that lies. With
neither, the age is unknown. Times are in seconds since 1970, UTC. Specified in
specs/3-resolution.md, "Age".
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from identity.errors import StaleAnswer
from registry.checkpoint import OpenedCheckpoint
from registry.policy import Policy

SKEW_SECONDS: Final = 300
"""By which the clock of a witness may be ahead of ours."""


class Age(NamedTuple):
    """Of a checkpoint; `seconds` is None where nobody dates it."""

    seconds: int | None
    by: Literal["witnesses", "log", ""]

    def __str__(self) -> str:
        if self.seconds is None:
            return "of unknown age"
        return f"{self.seconds} s old" + (" by the log's own clock" if self.by == "log" else "")


def age_of(opened: OpenedCheckpoint, policy: Policy | None, now: int) -> Age:
    """The age of a checkpoint that was opened with the keys of the policy's witnesses.

    Raises QuorumMissing where too few of them have cosigned it, StaleAnswer for a date that lies
    in the future.
    """
    cosigned = policy.cosigned_at(opened.times) if policy is not None else None
    if cosigned is not None:
        return Age(_seconds(now, cosigned), "witnesses")
    origin = opened.checkpoint.origin
    own = max((time for key, time in opened.times if key.name == origin), default=0)
    return Age(_seconds(now, own), "log") if own else Age(None, "")


def check_age(age: Age, most: int) -> None:
    """Raises StaleAnswer unless the age is known and at most `most` seconds."""
    if age.seconds is None:
        raise StaleAnswer(
            "nobody says how old the answer is", hint="a policy with witnesses dates it"
        )
    if age.seconds > most:
        raise StaleAnswer(
            f"the answer is {age.seconds} s old; at most {most} s are allowed",
            hint="the registry, or the way to it, holds back what is newer",
            age=age.seconds,
        )


def _seconds(now: int, time: int) -> int:
    if time > now + SKEW_SECONDS:
        raise StaleAnswer(
            f"the checkpoint is dated {time - now} s from now", hint="one of the clocks is wrong"
        )
    return max(0, now - time)
