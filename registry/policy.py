"""Witness policies, as in C2SP tlog-policy: whose cosignatures make a checkpoint count.

    log sandbox.test+c6c88dbc+AZsf… https://sandbox.test
    witness w1 witness.example/w1+…+BA… https://witness.example/w1
    witness w2 witness.example/w2+…+BA…
    group both all w1 w2
    quorum both

A policy knows logs, witnesses and a quorum: one witness, a group of witnesses and groups of which k
must have cosigned, or `none`. From the cosignatures of a checkpoint, `cosigned_at` tells how old it
is: the newest time at which the quorum had been met by what was cosigned then or later.

Stricter than the page in two things: text is UTF-8, and the last line ends in a newline like every
other, so that a policy that was cut short is not read as another policy. Bad policies raise
MalformedPolicy, which names the line; a quorum that is not met raises QuorumMissing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from identity.errors import InvalidKey, MalformedPolicy, QuorumMissing
from registry.note import SignatureType, VerifierKey

MAX_POLICY_BYTES: Final = 262_144
"""Of a policy's text: a hundred witnesses with ML-DSA-44 keys, and then some."""
NO_QUORUM: Final = "none"
"""The name that stands for no cosignature at all."""

_LOG_TYPES = (SignatureType.ED25519, SignatureType.ML_DSA_44)
_WITNESS_TYPES = (SignatureType.ED25519_COSIGNATURE, SignatureType.ML_DSA_44)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # C2SP tlog-policy, section Character set
_BLANKS = re.compile(r"[ \t]+")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,5}")


class PolicyLog(NamedTuple):
    """A log that the policy accepts; the name of its key is its origin."""

    key: VerifierKey
    url: str | None = None


class PolicyWitness(NamedTuple):
    """A witness by its name in the policy, which is not the name of its key."""

    name: str
    key: VerifierKey
    url: str | None = None
    """Where it is asked (the submission prefix of C2SP tlog-witness)."""


class PolicyGroup(NamedTuple):
    """Witnesses and groups, of which `threshold` must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """What a checkpoint needs beside the signature of its log. Made by `parse`."""

    quorum: str
    """The name of a witness or group, or "none"."""
    logs: tuple[PolicyLog, ...] = ()
    witnesses: tuple[PolicyWitness, ...] = ()
    groups: tuple[PolicyGroup, ...] = ()
    """In an order in which each names only what stands before it."""

    @classmethod
    def parse(cls, text: str | bytes) -> Policy:
        """Read a policy: its text, or the bytes of a file. Raises MalformedPolicy."""
        reader = _Reader()
        for number, line in enumerate(_lines(text), start=1):
            items = _BLANKS.split(line.strip(" \t"))
            if items[0] and not items[0].startswith("#"):
                try:
                    reader.read(items)
                except MalformedPolicy as error:
                    detail = f"line {number} of the policy: {error.detail}"
                    raise MalformedPolicy(detail, hint=error.hint, line=number) from None
        if reader.quorum is None:
            raise MalformedPolicy(
                "the policy has no quorum line", hint="`quorum none` asks for no cosignature"
            )
        return cls(reader.quorum, tuple(reader.logs), tuple(reader.witnesses), tuple(reader.groups))

    def format(self) -> str:
        """Write the policy: logs, witnesses, groups and the quorum, without comments."""
        lines = [_line("log", str(log.key), log.url) for log in self.logs]
        lines += [_line("witness", one.name, str(one.key), one.url) for one in self.witnesses]
        for group in self.groups:
            words = {1: "any", len(group.members): "all"}
            word = words.get(group.threshold, str(group.threshold))
            lines.append(_line("group", group.name, word, *group.members))
        return "".join([*lines, f"quorum {self.quorum}\n"])

    @cached_property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The keys of all witnesses, in the order of the policy."""
        return tuple(witness.key for witness in self.witnesses)

    def log_keys(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys that the policy accepts for a log; none for one that it does not know."""
        return tuple(log.key for log in self.logs if log.key.name == origin)

    def cosigned_at(self, signatures: Iterable[tuple[VerifierKey, int | None]]) -> int | None:
        """The newest time, in seconds, from which on the quorum has cosigned; None for `none`.

        `signatures` are the *verified* signatures of a checkpoint with the times that they state.
        Only those of the policy's witnesses count, by their keys and not by their names; a time of
        0 dates nothing and does not count. The time of a group of threshold k is the k-th newest of
        its members. Raises QuorumMissing, which names the witnesses that have not cosigned.
        """
        if self.quorum == NO_QUORUM:
            return None
        times = self._times(signatures)
        reached: dict[str, int] = dict(times)
        for group in self.groups:
            newest = sorted((reached[m] for m in group.members if m in reached), reverse=True)
            if len(newest) >= group.threshold:
                reached[group.name] = newest[group.threshold - 1]
        if self.quorum not in reached:
            missing = [name for name in self._asked_for() if name not in times]
            raise QuorumMissing(
                f"the quorum {self.quorum} has not cosigned: missing are {', '.join(missing)}",
                hint="ask again for the newest checkpoint, or look at the witnesses of the log",
                missing=missing,
            )
        return reached[self.quorum]

    def _times(self, signatures: Iterable[tuple[VerifierKey, int | None]]) -> dict[str, int]:
        """The newest time of each witness that has cosigned, by its name in the policy."""
        names = {witness.key: witness.name for witness in self.witnesses}
        times: dict[str, int] = {}
        for key, time in signatures:
            name = names.get(key)
            if name is not None and time:
                times[name] = max(time, times.get(name, 0))
        return times

    def _asked_for(self) -> list[str]:
        """The witnesses that the quorum consists of, in the order of the policy."""
        wanted = {self.quorum}
        for group in reversed(self.groups):
            if group.name in wanted:
                wanted.update(group.members)
        return [witness.name for witness in self.witnesses if witness.name in wanted]


@dataclass
class _Reader:
    """What has been read so far; each line is checked against what stands before it."""

    logs: list[PolicyLog] = field(default_factory=list)
    witnesses: list[PolicyWitness] = field(default_factory=list)
    groups: list[PolicyGroup] = field(default_factory=list)
    quorum: str | None = None
    _defined: set[str] = field(default_factory=lambda: {NO_QUORUM})
    _placed: set[str] = field(default_factory=set)
    """Names that are a member of a group: each is of one group at most."""

    def read(self, items: list[str]) -> None:
        """One line, split at its blanks."""
        keyword, *rest = items
        if keyword == "log" and len(rest) in (1, 2):
            self._log(*rest)
        elif keyword == "witness" and len(rest) in (2, 3):
            self._witness(*rest)
        elif keyword == "group" and len(rest) >= 3:
            self._group(rest[0], rest[1], tuple(rest[2:]))
        elif keyword == "quorum" and len(rest) == 1:
            self._quorum(rest[0])
        else:
            raise MalformedPolicy(
                f"not a line of a policy: it begins {' '.join(items)[:40]!r}",
                hint="log <vkey> [url], witness <name> <vkey> [url], "
                "group <name> all|any|<k> <members…>, quorum <name>|none",
            )

    def _log(self, vkey: str, url: str | None = None) -> None:
        known = [log.key for log in self.logs]
        self.logs.append(PolicyLog(_key(vkey, _LOG_TYPES, known), url))

    def _witness(self, name: str, vkey: str, url: str | None = None) -> None:
        self._define(name)
        known = [witness.key for witness in self.witnesses]
        self.witnesses.append(PolicyWitness(name, _key(vkey, _WITNESS_TYPES, known), url))

    def _group(self, name: str, word: str, members: tuple[str, ...]) -> None:
        for member in members:
            if member not in self._defined or member == NO_QUORUM:
                raise MalformedPolicy(f"no witness or group {member!r} stands above")
            # C2SP tlog-policy, Defining a witness group: so that each counts in one way only
            if member in self._placed:
                raise MalformedPolicy(f"{member!r} is a member already")
            self._placed.add(member)
        self._define(name)
        words = {"all": len(members), "any": 1}
        threshold = words.get(word) or (int(word) if _THRESHOLD.fullmatch(word) else 0)
        if not 1 <= threshold <= len(members):
            raise MalformedPolicy(f"{word[:20]!r} of {len(members)} members is no threshold")
        self.groups.append(PolicyGroup(name, threshold, members))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise MalformedPolicy("a second quorum line")
        if name not in self._defined:
            raise MalformedPolicy(f"no witness or group {name!r} stands above")
        self.quorum = name

    def _define(self, name: str) -> None:
        if name in self._defined:
            raise MalformedPolicy(f"the name {name!r} is taken")
        self._defined.add(name)


def _key(vkey: str, types: tuple[SignatureType, ...], known: list[VerifierKey]) -> VerifierKey:
    """A key of one of these types that is not known yet, under whatever name."""
    try:
        key = VerifierKey.parse(vkey)
    except InvalidKey as error:
        raise MalformedPolicy(f"a bad key: {error.detail}", hint=error.hint) from None
    if key.type not in types:
        raise MalformedPolicy(
            f"a key of type {key.type:02x} does not sign here",
            hint="01 or 06 for a log, 04 or 06 for a witness",
        )
    if any(key.public == other.public for other in known):
        raise MalformedPolicy("this key stands above already")
    if any((key.name, key.id) == (other.name, other.id) for other in known):
        raise MalformedPolicy("another key of this name and key ID stands above")
    return key


def _lines(text: str | bytes) -> list[str]:
    """The lines of a policy (C2SP tlog-policy, sections Structure and Character set)."""
    try:
        data = text.encode() if isinstance(text, str) else text
        whole = data.decode()
    except UnicodeError:
        raise MalformedPolicy("the policy is not UTF-8") from None
    if len(data) > MAX_POLICY_BYTES:
        raise MalformedPolicy(f"a policy of {len(data)} bytes; we read {MAX_POLICY_BYTES}")
    if _CONTROLS.search(whole):
        raise MalformedPolicy(
            "the policy has control characters in it", hint="lines end in a newline alone"
        )
    if whole and not whole.endswith("\n"):
        raise MalformedPolicy(
            "the policy does not end in a newline", hint="is the end of it missing?"
        )
    return whole.split("\n")[:-1]


def _line(*items: str | None) -> str:
    return " ".join(item for item in items if item) + "\n"
