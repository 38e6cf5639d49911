"""specs/vectors of device credentials: read as another implementation would read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from identity.credentials.device import read_device_credential
from identity.errors import TetradError
from identity.members import parse_time
from resolver.accreditation import VerifiedDeviceCredential, verify_device_credential
from resolver.credential_bundle import lists_at_hand
from resolver.trust import Trust
from tests.generated.__main__ import SPECS


def load(name: str) -> Any:
    return json.loads((SPECS / "vectors" / name).read_bytes())


FORMS = load("identity/device_credentials.json")["vectors"]
ACCREDITATION = load("resolution/accreditation.json")


@pytest.mark.parametrize("vector", FORMS, ids=lambda one: one["name"])
def test_forms(vector: Any) -> None:
    found: dict[str, Any] = {}
    try:
        read_device_credential(vector["credential"])
    except TetradError as error:
        found = {"error": error.code, "pointer": error.pointer}
    assert found == {name: vector[name] for name in ("error", "pointer") if name in vector}


def verified(vector: Any) -> VerifiedDeviceCredential:
    return verify_device_credential(
        ACCREDITATION["credentials"][vector["credential"]],
        ACCREDITATION["evidence"][vector["evidence"]],
        Trust.begin(ACCREDITATION["genesis"]).pinned,
        now=parse_time(vector["now"]),
        status=lists_at_hand(vector["lists"]) if "lists" in vector else None,
        within=vector.get("within"),
        device=vector.get("device"),
    )


@pytest.mark.parametrize("vector", ACCREDITATION["vectors"], ids=lambda one: one["name"])
def test_verification(vector: Any) -> None:
    if "error" in vector:
        with pytest.raises(TetradError) as caught:
            verified(vector)
        assert caught.value.code == vector["error"]
        return
    held = verified(vector)
    assert {
        "issuer": held.issuer,
        "device": held.device,
        "grants": [grant.grant for grant in held.grants],
        "authority": held.authority,
        "stateRoot": held.state.root.index,
    } == vector["proves"]


def test_every_way_to_be_refused_is_shown() -> None:
    shown = {vector.get("error") for vector in ACCREDITATION["vectors"]}
    families = {"credential", "evidence", "proof"}
    assert {code.split(".")[0] for code in shown if code} == families
    assert len(shown) > 10
