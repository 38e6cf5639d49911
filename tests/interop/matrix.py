"""The cross-verification matrix: our credentials under other people's libraries, and theirs here.

    python -m tests.interop.matrix        # prints it as a Markdown table; 1 where a cell fails

For each library, each suite and curve and each direction: whether what was signed is accepted, and
how many of the mutated copies each side refuses. Figures come from the run that prints them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from identity.credentials.credential import verify_credential
from identity.credentials.presentation import verify_presentation
from identity.credentials.securing import secure
from identity.errors import TetradError
from identity.keys import PrivateKey
from identity.methods import did_key_methods
from resolver.vcapi import SUITES, Suite
from tests.interop.libraries import (
    CREATED,
    Document,
    Library,
    Verdict,
    did_of,
    libraries,
    method_of,
    signing_key,
)
from tests.interop.mutations import mutations

CHALLENGE, DOMAIN = "Zm9yIHRoaXMgb25lIHRpbWU", "lock.example"
BASE = ["https://www.w3.org/ns/credentials/v2"]
KINDS = ("credential", "presentation")
PURPOSES = {"credential": "assertionMethod", "presentation": "authentication"}


class Row(NamedTuple):
    """What came of one kind of document, one suite, one library and one direction."""

    kind: str
    suite: str
    library: str
    ours: bool
    """Whether we signed and they verify; else the other way round."""
    accepted: bool
    reason: str
    mutated: int
    they_refuse: int
    we_refuse: int
    let_through: tuple[str, ...]
    """The mutated copies that one side takes."""
    known: str
    """In what the library is known not to follow the suite."""

    @property
    def holds(self) -> bool:
        """Whether the document was accepted and every mutated copy refused by both; where they are
        known to disagree, whether they still do."""
        refused = self.they_refuse == self.we_refuse == self.mutated > 0
        return refused and self.accepted == (not self.known)

    def cells(self) -> tuple[str, ...]:
        """As a row of the table."""
        direction = "Tetrad → library" if self.ours else "library → Tetrad"
        refused = f"{self.they_refuse} / {self.we_refuse} of {self.mutated}"
        said = "accepted" if self.accepted else f"refused: {self.known or self.reason[:60]}"
        return self.library, self.suite, self.kind, direction, said, refused


def disagreement(library: str, suite: Suite, kind: str) -> str:
    """Where a library is known not to follow the suite, in what; else ""."""
    if (library, suite.name, kind) == ("openvc-core", "ecdsa-rdfc-2019-p384", "presentation"):
        return "it names blank nodes by SHA-256 where P-384 has SHA-384 (ECDSA Cryptosuites 1.0, 3)"
    return ""


HEAD = (
    "library",
    "suite",
    "document",
    "signed → verified",
    "as it was",
    "mutated copies refused by the library / by Tetrad",
)


def keys() -> dict[str, PrivateKey]:
    """Our keys by the name of their suite."""
    return {suite.name: signing_key(suite.name, suite.algorithm) for suite in SUITES}


def other_key(suite: Suite) -> PrivateKey:
    """Another key of the same kind, to which the library can get as well."""
    return signing_key("another", suite.algorithm)


def known_keys() -> list[PrivateKey]:
    """All keys that a library can resolve."""
    return [*keys().values(), *(other_key(suite) for suite in SUITES)]


def unsigned(kind: str, suite: Suite) -> Document:
    """What is signed: a credential, or a presentation of one that we have signed."""
    key = keys()[suite.name]
    credential = {
        "@context": BASE,
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential"],
        "name": "Sample",
        "issuer": did_of(key),
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": "urn:uuid:1", "name": "Ä 水表 €"},
    }
    if kind == "credential":
        return credential
    return {
        "@context": BASE,
        "id": "urn:uuid:86294362-4254-4f36-854f-3952fe42555d",
        "type": ["VerifiablePresentation"],
        "holder": did_of(key),
        "verifiableCredential": [by_us(credential, "credential", suite)],
    }


def options_of(kind: str) -> dict[str, Any]:
    """What both sides say of a proof besides its suite and key."""
    asked = {"challenge": CHALLENGE, "domain": DOMAIN} if kind == "presentation" else {}
    return {"purpose": PURPOSES[kind], **asked}


def by_us(document: Document, kind: str, suite: Suite) -> Document:
    """The document with our proof."""
    key = keys()[suite.name]
    return secure(
        document,
        key,
        method=method_of(key),
        created=CREATED,
        cryptosuite=suite.cryptosuite,
        **options_of(kind),
    )


def our_verdict(document: Document, kind: str) -> Verdict:
    """What we say of a document."""
    now = int(time.time())
    try:
        if kind == "credential":
            verify_credential(document, did_key_methods, now=now, high_s=True)
        else:
            verify_presentation(
                document,
                did_key_methods,
                now=now,
                challenge=CHALLENGE,
                domain=DOMAIN,
                high_s=True,
            )
    except TetradError as refusal:
        return Verdict(False, refusal.detail)
    return Verdict(True, "")


def row(library: Library, suite: Suite, kind: str, *, ours: bool) -> Row:
    """One cell: sign, verify as it was, verify every mutated copy on both sides."""
    document = unsigned(kind, suite)
    asked = options_of(kind)
    if ours:
        signed = by_us(document, kind, suite)
    else:
        (signed,) = library.sign([document], suite, keys()[suite.name], **asked)
    changed = list(mutations(signed, method_of(other_key(suite))))
    theirs, *of_changed = library.verify([signed, *(one for _, one in changed)], **asked)
    mine = our_verdict(signed, kind)
    refused = [not one.verified for one in of_changed]
    we_refuse = [not our_verdict(one, kind).verified for _, one in changed]
    through = zip(changed, refused, we_refuse, strict=True)
    verdict = theirs if ours else mine
    return Row(
        kind,
        suite.name,
        library.name,
        ours,
        verdict.verified and theirs.verified and mine.verified,
        theirs.reason or mine.reason,
        len(changed),
        sum(refused),
        sum(we_refuse),
        tuple(
            f"{what} ({'library' if not they else 'Tetrad'})"
            for (what, _), they, we in through
            if not (they and we)
        ),
        disagreement(library.name, suite, kind),
    )


def rows(found: list[Library]) -> Iterator[Row]:
    """The whole matrix."""
    for library in found:
        for suite in library.suites:
            for kind in KINDS if library.presents else KINDS[:1]:
                for ours in (True, False):
                    yield row(library, suite, kind, ours=ours)


def markdown(table: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [HEAD, ("---",) * len(HEAD), *(one.cells() for one in table)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> int:
    """Prints the matrix; 1 where a library is missing or a row does not hold."""
    found, missing = libraries(known_keys())
    table = list(rows(found))
    print(markdown(table))
    for line in (*missing, *(f"not held: {one}" for one in table if not one.holds)):
        print(line, file=sys.stderr)
    return 1 if missing or not all(one.holds for one in table) else 0


if __name__ == "__main__":
    sys.exit(main())
