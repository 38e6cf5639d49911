"""The policy of important data: a small closed object, in operations and in their schemas."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from identity.credentials.device import TYPES
from identity.disclosure import disclosure_digest, open_disclosure
from identity.errors import InvalidDisclosure, SchemaViolation, TetradError
from identity.members import DataRecord, WantedCredential
from resolver.description import committed_data, plain_body
from resolver.schemes import SCHEMES

DID = "did:tetrad:kta2wkpizqzouzvv:zQmbpiscExf2d7ypyHhuhkNp9NCiA63ENXESfZ1UbAtzwjj"
LICENCE = {"type": "NetworkAccessLicence"}


def record(grade: str = "important", **members: Any) -> dict[str, Any]:
    return {
        "describes": "Load curve",
        "schema": "https://acme.example/load-1.json",
        "version": 1,
        "grade": grade,
        "endpoints": [],
        "commitment": "Q1cJDLRPWhQqMGbrUPIfpDY8UjsXhrk2tHYK3kqX-bg",
        **members,
    }


@pytest.mark.parametrize(
    "policy",
    [
        {"parties": [DID]},
        {"credentials": [LICENCE]},
        {"credentials": [{**LICENCE, "issuer": DID}, LICENCE], "parties": [DID] * 16},
    ],
)
def test_policies(policy: Any) -> None:
    read = DataRecord.model_validate(record(policy=policy))
    assert read.model_dump(exclude_none=True)["policy"] == policy
    for grade in ("general", "core"):
        with pytest.raises(ValidationError, match="belongs to important data"):
            DataRecord.model_validate(record(grade, policy=policy))


@pytest.mark.parametrize(
    "policy",
    [
        {},
        None,
        "everyone",
        {"parties": []},
        {"parties": ["did:key:z6Mk"]},
        {"parties": [DID] * 17},
        {"credentials": []},
        {"credentials": [LICENCE] * 9},
        {"credentials": [{}]},
        {"credentials": [{"type": "VerifiableCredential"}]},
        {"credentials": [{**LICENCE, "issuer": "https://issuer.example"}]},
        {"credentials": [{**LICENCE, "subject": DID}]},
        {"parties": [DID], "anyone": True},
    ],
)
def test_what_is_no_policy(policy: Any) -> None:
    if policy is None:  # as text it would be null, which no operation has
        assert DataRecord.model_validate(record(policy=None)).policy is None
        return
    with pytest.raises(ValidationError):
        DataRecord.model_validate(record(policy=policy))


def test_a_policy_names_the_types_of_device_credentials() -> None:
    assert list(get_args(WantedCredential.model_fields["type"].annotation)) == list(TYPES)


def random(length: int) -> bytes:
    return bytes(range(length))


def test_core_content_is_committed_to_where_it_is() -> None:
    value = {name: one for name, one in record("core").items() if name != "commitment"}
    for kind in ("device.update", "device.register"):
        body: Any = {"data": {**value, "content": {"curve": [1]}}}
        if kind == "device.register":
            body |= {"object": {"serial": "S"}, "code": {"commitment": ""}}
        with pytest.raises(InvalidDisclosure, match="does not travel") as refused:
            plain_body(kind, body, SCHEMES, random)
        assert refused.value.pointer == "/body/data/content"
    made, disclosure = committed_data({**value, "content": {"b": 1, "a": [2.5]}}, random)
    assert "content" not in made
    assert made["commitment"] == disclosure_digest(disclosure.encoded)
    assert open_disclosure(disclosure.encoded).value == '{"a":[2.5],"b":1}'
    assert plain_body("device.update", {"data": made}, SCHEMES, random) == ({"data": made}, [])
    with pytest.raises(SchemaViolation):
        committed_data(made, random)


def test_the_error_of_a_policy_points_to_it() -> None:
    from identity.operation import read_operation

    body = {"data": record(policy={"parties": ["nobody"]})}
    operation: Any = {
        "type": "device.update",
        "ledger": DID.rpartition(":")[2],
        "created": "2026-11-22T08:00:00Z",
        "subject": DID,
        "sequence": 1,
        "previous": DID.rpartition(":")[2],
        "body": body,
        "proof": [
            {
                "type": "DataIntegrityProof",
                "cryptosuite": "eddsa-jcs-2022",
                "verificationMethod": f"{DID}#x",
                "proofPurpose": "capabilityInvocation",
                "proofValue": "z1",
            }
        ],
    }
    with pytest.raises(TetradError) as wrong:
        read_operation(operation)
    assert wrong.value.pointer == "/body/data/policy/parties/0"
    body["data"] = record("general", policy={"parties": [DID]})
    with pytest.raises(TetradError) as wrong:
        read_operation(operation)
    assert wrong.value.pointer == "/body/data"
