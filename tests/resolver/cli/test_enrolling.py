"""`tetrad enrol`: a factory's files, a grant, devices that register, serials that do not."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from identity.keys import PrivateKey
from resolver.simulator.factory import Factory, FactoryDevice
from resolver.simulator.seed import Seed
from tests.identity.test_certificates import pem_text
from tests.resolver.cli.conftest import Shell

TEMPLATE = "gs1:https://id.gs1.org/01/09506000134352/21/{serial}"
FACTORY = Factory(Seed(7))


def key_pem(key: PrivateKey) -> bytes:
    """As tools write keys: PKCS #8 in PEM."""
    theirs: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if key.public.algorithm == "Ed25519":
        theirs = ed25519.Ed25519PrivateKey.from_private_bytes(key.secret())
    else:
        theirs = ec.derive_private_key(int.from_bytes(key.secret(), "big"), ec.SECP256R1())
    return theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def files_of(folder: Path, device: FactoryDevice) -> list[str]:
    """The files of a device, as options."""
    certificate, key = folder / f"{device.serial}.pem", folder / f"{device.serial}.key"
    certificate.write_text(pem_text(device.certificate))
    key.write_bytes(key_pem(device.key))
    return ["--certificate", str(certificate), "--key", str(key)]


@pytest.fixture(scope="module")
def acme(service: str, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Someone at Acme, which holds a prefix."""
    person = Shell(tmp_path_factory.mktemp("acme"), service)
    person.must("trust", service, "--yes")
    person.must("org", "create", "Acme", "--prefix", "gtin:09506000")
    return person


@pytest.fixture
def grant(acme: Shell, tmp_path: Path) -> str:
    """An enrolment of Acme's factory, for three devices."""
    (tmp_path / "root.pem").write_text(pem_text(FACTORY.anchor))
    (tmp_path / "chain.pem").write_text("".join(map(pem_text, FACTORY.intermediates)))
    done = acme.must(
        *("enrol", "open", "--template", TEMPLATE, "--quota", "3", "--json"),
        *("--anchor", str(tmp_path / "root.pem")),
        *("--intermediate", str(tmp_path / "chain.pem")),
    )
    found: str = done.json["grant"]
    return found


def test_a_device_registers_by_its_certificate(acme: Shell, grant: str, tmp_path: Path) -> None:
    device = FACTORY.device(17)
    register = ("enrol", "register", grant, "--model", "F-1", "--ipv6", "enabled")
    done = acme.must(*register, *files_of(tmp_path, device))
    code = TEMPLATE.removeprefix("gs1:").replace("{serial}", device.serial)
    assert code in done.out
    shown = acme.must("resolve", code)
    assert f"enrolled itself under the grant {grant}" in shown.out
    assert "maker and device signed" not in shown.out
    told = acme.must("resolve", code, "--json").json["verified"]
    assert told["enrolled"]["grant"] == grant
    assert told["enrolled"]["serial"] == device.serial
    assert len(told["signers"]) == 1
    again = acme(*register, *files_of(tmp_path, device))
    assert again.status == 1
    assert "already" in again.err


def test_a_key_of_another_certificate_is_noticed(acme: Shell, grant: str, tmp_path: Path) -> None:
    files = files_of(tmp_path, FACTORY.device(1))
    (tmp_path / "F0000001.key").write_bytes(key_pem(FACTORY.device(2).key))
    refused = acme("enrol", "register", grant, "--model", "F-1", *files)
    assert refused.status == 1
    assert "not that of the certificate" in refused.err


def test_several_register_and_what_is_revoked_does_not(
    acme: Shell, grant: str, tmp_path: Path
) -> None:
    rows = ["certificate,key,model,ipv6"]
    for n in range(20, 23):
        _, certificate, _, key = files_of(tmp_path, FACTORY.device(n))
        rows.append(f"{certificate},{key},F-1,enabled")
    (tmp_path / "devices.csv").write_text("\n".join(rows))
    acme.must("enrol", "revoke", grant, "--serial", "F0000021", "--reason", "lost")
    out = tmp_path / "done.ndjson"
    register = ("enrol", "register", grant, "--from", str(tmp_path / "devices.csv"))
    done = acme(*register, "--out", str(out), "--json")
    assert done.status == 1
    assert done.json["registered"] == 2
    assert [(one["number"], one["code"]) for one in done.json["refused"]] == [
        (3, "certificate.invalid")
    ]
    lines = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert len({line["did"] for line in lines}) == 2
    refused = acme("enrol", "revoke", grant, "--serial", "F0000020", "--reason", "too late")
    assert refused.status == 1
    assert "status.revoke" in refused.err


def test_a_closed_enrolment_takes_nobody(acme: Shell, grant: str, tmp_path: Path) -> None:
    acme.must("enrol", "close", grant, "--reason", "the line is sold")
    refused = acme(
        "enrol", "register", grant, "--model", "F-1", *files_of(tmp_path, FACTORY.device(30))
    )
    assert refused.status == 1
    assert "closed" in refused.err
