"""Scenarios of code.correct: another code for a wrong one, which keeps leading to the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from identity.did import tetrad_did
from identity.disclosure import CODE
from identity.errors import (
    CodeTaken,
    InvalidDisclosure,
    MalformedCode,
    QuotaExceeded,
    RightMissing,
    SchemaViolation,
    SignerMissing,
    SignerUnexpected,
    WrongSequence,
    WrongState,
)
from tests.enrolling import enrolled, granted
from tests.factory import Signed, Subject, disclosed
from tests.scenarios import Town, accepted, refused


def gs1(serial: str, item: str = "09506000134352") -> dict[str, str]:
    """A code of an item by its serial."""
    return {"scheme": "gs1", "value": f"https://id.gs1.org/01/{item}/21/{serial}"}


def corrected(
    town: Town, device: Subject, code: dict[str, Any], by: Sequence[Subject], *opened: Any
) -> Signed:
    """A correction, signed by those in `by`."""
    body = {"code": code, "reason": "the label says so"}
    return town.follow(device, "code.correct", body, by=by, disclosures=opened)


@accepted
def code_correct__by_one_organization(town: Town) -> Signed:
    """Controller and holder of both prefixes in one."""
    return corrected(town, town.meter(), gs1("M-10"), [town.acme])


@accepted
def code_correct__by_the_holder_too(town: Town) -> Signed:
    """The controller and the holder of the prefix are two, and both sign."""
    return corrected(town, town.betas(), gs1("B-10"), [town.beta, town.acme])


@accepted
def code_correct__to_anothers_prefix(town: Town) -> Signed:
    """Who answered for the wrong code gives it up, who answers for the new one takes it on."""
    town.accept(town.prefix(town.beta, "gtin:04012345"))
    code = gs1("M-1", "04012345000009")
    return corrected(town, town.meter(), code, [town.acme, town.beta])


@accepted
def code_correct__to_a_committed_code(town: Town) -> Signed:
    """A code that reveals its bearer is committed to."""
    town.accept(town.prefix(town.acme, "eui48:001b44"))
    opened = disclosed(CODE, "001b44113ab7")
    code = {"scheme": "eui48", "prefix": "001b44", "commitment": opened.digest}
    return corrected(town, town.meter(), code, [town.acme], opened)


@accepted
def code_correct__again(town: Town) -> Signed:
    """Each code before stays, in their order."""
    meter = town.meter()
    town.accept(corrected(town, meter, gs1("M-10"), [town.acme]))
    return corrected(town, meter, gs1("M-100"), [town.acme])


@refused(CodeTaken, "/body/code")
def code_correct__code_taken(town: Town) -> Signed:
    """The new code is nobody's yet."""
    town.device("M-2", town.acme)
    return corrected(town, town.meter(), gs1("M-2"), [town.acme])


@refused(CodeTaken, "/body/code")
def code_correct__back_to_an_alias(town: Town) -> Signed:
    """A code that was corrected is borne for ever, by the same device too."""
    meter = town.meter()
    town.accept(corrected(town, meter, gs1("M-10"), [town.acme]))
    return corrected(town, meter, gs1("M-1"), [town.acme])


@refused(CodeTaken, "/body/code")
def device_register__code_of_an_alias(town: Town) -> Signed:
    """Nobody else is given a code that was corrected."""
    town.accept(corrected(town, town.meter(), gs1("M-10"), [town.acme]))
    return town.newcomer("M-3", town.acme, code=gs1("M-1"))


@refused(SignerMissing, "/proof")
def code_correct__controller_missing(town: Town) -> Signed:
    """The holder of the prefix does not correct what is another's."""
    return corrected(town, town.betas(), gs1("B-10"), [town.acme])


@refused(SignerMissing, "/proof")
def code_correct__holder_missing(town: Town) -> Signed:
    """The controller gives itself no code under another's prefix."""
    return corrected(town, town.betas(), gs1("B-10"), [town.beta])


@refused(SignerMissing, "/proof")
def code_correct__out_of_supervision(town: Town) -> Signed:
    """A controller with a prefix of its own does not leave the supervisor of the code before."""
    town.accept(town.prefix(town.beta, "gtin:04012345"))
    return corrected(town, town.betas(), gs1("B-1", "04012345000009"), [town.beta])


@refused(SignerMissing, "/proof")
def code_correct__stranger_asks(town: Town) -> Signed:
    """A stranger is not told whether the code is taken."""
    town.meter()
    town.accept(town.prefix(town.beta, "gtin:04012345"))
    return corrected(town, town.betas(), gs1("M-1"), [town.beta])


@refused(SignerUnexpected, "/proof")
def code_correct__needless_signature(town: Town) -> Signed:
    """Nobody else signs."""
    return corrected(town, town.meter(), gs1("M-10"), [town.acme, town.beta])


@refused(RightMissing, "/body/code")
def code_correct__no_prefix(town: Town) -> Signed:
    """A code under no granted prefix is the authority's."""
    return corrected(town, town.meter(), gs1("1", "04012345000009"), [town.acme])


@refused(MalformedCode, "/body/code/value")
def code_correct__not_canonical(town: Town) -> Signed:
    """The ledger holds canonical codes alone."""
    code = {"scheme": "gs1", "value": "(01)09506000134352(21)M-10"}
    return corrected(town, town.meter(), code, [town.acme])


@refused(SchemaViolation, "/body/code")
def code_correct__committed_scheme_in_clear(town: Town) -> Signed:
    """A code of a private scheme is not given in clear."""
    code = {"scheme": "eui48", "value": "001b44113ab7"}
    return corrected(town, town.meter(), code, [town.acme])


@refused(InvalidDisclosure, "/body/code/commitment", undisclosed=True)
def code_correct__undisclosed(town: Town) -> Signed:
    """Without its keyed hash a committed code is nobody's, and could be everybody's."""
    return code_correct__to_a_committed_code(town)


@refused(QuotaExceeded, "/body/code")
def code_correct__too_often(town: Town) -> Signed:
    """A code is corrected eight times at most."""
    meter = town.meter()
    for n in range(8):
        town.accept(corrected(town, meter, gs1(f"M-1{n}"), [town.acme]))
    return corrected(town, meter, gs1("M-20"), [town.acme])


@refused(WrongState, "/subject")
def code_correct__enrolled(town: Town) -> Signed:
    """The code of a device that enrolled itself follows from its certificate."""
    grant = granted(town, town.acme, town.acme)
    town.accept(grant)
    device = Subject("SN-1")
    device.first = first = enrolled(town, grant.hash, "SN-1", town.acme)
    town.accept(first)
    device.did, device.previous = tetrad_did(town.ledger_hash, first.hash), first.hash
    return corrected(town, device, gs1("M-10"), [town.acme])


@refused(WrongState, "/subject")
def code_correct__suspended(town: Town) -> Signed:
    """A suspended device keeps its code."""
    meter = town.meter()
    town.suspend(meter)
    return corrected(town, meter, gs1("M-10"), [town.acme])


@refused(WrongState, "/subject")
def code_correct__retired(town: Town) -> Signed:
    """What is over stays as it was."""
    meter = town.meter()
    town.accept(town.follow(meter, "status.retire", {"reason": "worn out"}, by=[town.acme]))
    return corrected(town, meter, gs1("M-10"), [town.acme])


@refused(WrongState, "/subject")
def code_correct__organization(town: Town) -> Signed:
    """An organization bears no code."""
    return corrected(town, town.acme, gs1("M-10"), [town.acme])


@refused(WrongSequence, "/sequence")
def code_correct__sequence_again(town: Town) -> Signed:
    """An operation that was overtaken."""
    meter = town.meter()
    signed = corrected(town, meter, gs1("M-10"), [town.acme])
    town.accept(corrected(town, meter, gs1("M-11"), [town.acme]))
    return signed
