"""Kinds of keys: a party with classical and post-quantum keys signs with exactly one of each."""

from __future__ import annotations

from identity.did import tetrad_method
from identity.errors import SignerMissing, SignerUnexpected, UnknownMethod
from tests.factory import Signed, Subject, sign
from tests.scenarios import Town, accepted, refused

PAIR = "Ed25519+ML-DSA-44"


def _first(subject: Subject) -> Signed:
    assert subject.first is not None
    return subject.first


def _gamma(town: Town, algorithm: str = PAIR) -> Subject:
    """An organization with such keys."""
    return town.organization("Gamma", algorithm=algorithm)


def _signed_by(town: Town, subject: Subject, *places: int) -> Signed:
    """An update that these of the subject's keys sign."""
    methods = [subject.methods[place] for place in places]
    return town.follow(subject, "organization.update", {"name": "Other"}, methods=methods)


@accepted
def organization_register__pair(town: Town) -> Signed:
    """One key of each kind; both sign, as every new key does."""
    return _first(town.new_organization("Gamma", algorithm=PAIR))


@accepted
def organization_register__p_384(town: Town) -> Signed:
    """Its proof hashes with SHA-384; the operation hash stays one of SHA-256."""
    return _first(town.new_organization("Gamma", algorithm="P-384"))


@accepted
def organization_register__ml_dsa_65(town: Town) -> Signed:
    """A party may have post-quantum keys alone."""
    return _first(town.new_organization("Gamma", algorithm="ML-DSA-65"))


@accepted
def organization_register__sm2(town: Town) -> Signed:
    """SM2 with SM3."""
    return _first(town.new_organization("Gamma", algorithm="SM2"))


@accepted
def organization_update__one_of_each_kind(town: Town) -> Signed:
    """A pair signs together."""
    return _signed_by(town, _gamma(town), 0, 1)


@accepted
def organization_update__one_of_each_kind_of_three(town: Town) -> Signed:
    """Of two classical keys either will do."""
    return _signed_by(town, _gamma(town, "Ed25519+P-256+ML-DSA-44"), 1, 2)


@refused(SignerMissing, "/proof")
def organization_update__classical_key_of_a_pair_alone(town: Town) -> Signed:
    """Whoever breaks the one kind cannot sign with it alone."""
    return _signed_by(town, _gamma(town), 0)


@refused(SignerMissing, "/proof")
def organization_update__post_quantum_key_of_a_pair_alone(town: Town) -> Signed:
    """Nor the other kind."""
    return _signed_by(town, _gamma(town), 1)


@refused(SignerUnexpected, "/proof/1/verificationMethod")
def organization_update__two_keys_of_one_kind(town: Town) -> Signed:
    """Two keys of one kind are one too many."""
    return _signed_by(town, _gamma(town, "Ed25519+P-256"), 0, 1)


@refused(SignerUnexpected, "/proof/2/verificationMethod")
def organization_update__three_keys_of_two_kinds(town: Town) -> Signed:
    """Also beside one of the other kind."""
    return _signed_by(town, _gamma(town, "Ed25519+ML-DSA-44+ML-DSA-65"), 0, 1, 2)


@refused(UnknownMethod, "/proof/1/verificationMethod")
def organization_update__post_quantum_key_of_another(town: Town) -> Signed:
    """Another's key under this party's name completes no pair."""
    gamma = _gamma(town)
    delta = town.organization("Delta", algorithm=PAIR)
    stolen = delta.keys_of(0)[1]
    methods = [gamma.method, (stolen, tetrad_method(gamma.did, stolen.public.thumbprint))]
    return town.follow(gamma, "organization.update", {"name": "Other"}, methods=methods)


@accepted
def device_register__pairs_all_round(town: Town) -> Signed:
    """Device, holder and controller, and the maker, each with a key of each kind: eight proofs."""
    holder = town.organization("Holder", algorithm=PAIR)
    town.accept(town.prefix(holder, "gtin:09507000"))
    maker = town.organization("Maker", algorithm=PAIR)
    controller = town.organization("Controller", algorithm=PAIR)
    return town.newcomer(
        "P-1",
        controller,
        algorithm=PAIR,
        maker=maker,
        by=[holder, controller, maker],
        code={"scheme": "gs1", "value": "https://id.gs1.org/01/09507000134359/21/P-1"},
    )


@refused(SignerMissing, "/proof")
def device_register__pair_that_signs_by_half(town: Town) -> Signed:
    """The pair of a party that is none of the new keys is asked for as well."""
    gamma = _gamma(town)
    town.accept(town.prefix(gamma, "gtin:09507000"))
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09507000134359/21/P-1"}
    device = town.new_device("P-1", gamma, code=code)
    operation = sign(_first(device).operation, *device.first_methods, gamma.methods[0])
    return Signed(operation, _first(device).disclosures)


@accepted
def number_rebind__pairs(town: Town) -> Signed:
    """Controller and device, each with its pair."""
    gamma = _gamma(town)
    town.accept(town.prefix(gamma, "gtin:09507000"))
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09507000134359/21/P-1"}
    device = town.device("P-1", gamma, algorithm=PAIR, code=code)
    return town.follow(device, "number.rebind", {"number": "none"}, by=[gamma, device])


@accepted
def keys_rotate__pair(town: Town) -> Signed:
    """Both new keys of a pair sign."""
    return town.rotate(_gamma(town))


@refused(SignerMissing, "/proof")
def keys_rotate__pair_by_its_classical_key(town: Town) -> Signed:
    """One new key of a pair does not speak for the other."""
    gamma = _gamma(town)
    one = gamma.next_key
    method = (one, tetrad_method(gamma.did, one.public.thumbprint))
    return Signed(sign(town.rotate(gamma).operation, method), [])


@refused(SignerMissing, "/body/keys")
def keys_rotate__pair_to_half_of_what_it_committed_to(town: Town) -> Signed:
    """Nor does it replace the pair: who stole one of its two next keys has not got both."""
    gamma = _gamma(town)
    one = gamma.next_key
    method = (one, tetrad_method(gamma.did, one.public.thumbprint))
    body = {**town.rotate(gamma).operation["body"], "keys": [one.public.multikey]}
    return town.follow(gamma, "keys.rotate", body, methods=[method])


@accepted
def keys_rotate__into_a_pair(town: Town) -> Signed:
    """How a party moves to post-quantum keys: it commits to a pair, then reveals it."""
    town.acme.algorithm = PAIR
    return _commit_and_reveal(town, town.acme)


def _commit_and_reveal(town: Town, subject: Subject) -> Signed:
    new, pair = subject.next_key, subject.keys_of(2)
    body = {
        "keys": [new.public.multikey],
        "next": [one.public.thumbprint for one in pair],
    }
    method = (new, tetrad_method(subject.did, new.public.thumbprint))
    town.accept(town.follow(subject, "keys.rotate", body, methods=[method]))
    return town.rotate(subject)


@accepted
def status_suspend__pair_of_a_supervisor(town: Town) -> Signed:
    """A supervisor signs status operations with its pair."""
    gamma = _gamma(town)
    town.accept(town.prefix(gamma, "gtin:09507000"))
    code = {"scheme": "gs1", "value": "https://id.gs1.org/01/09507000134359/21/P-1"}
    device = town.device("P-1", gamma, code=code)
    return town.supervise(device, "status.suspend", "lost", gamma)
