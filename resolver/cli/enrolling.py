"""`tetrad enrol …`: devices that register themselves by the certificates of their factory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from identity.errors import InvalidKey, SchemaViolation
from identity.keys import ED25519, P256, P384, PrivateKey, private_key
from identity.x509.certificate import read_certificate
from identity.x509.pem import certificates_in, one_certificate
from registry.enrolment import PLACEHOLDER
from resolver.cli.batches import Output, register_rows
from resolver.cli.frame import Frame, read_input, verb
from resolver.cli.organizations import acknowledged
from resolver.cli.progress import Progress, bar
from resolver.cli.rows import COLUMNS, Row, device_body, table

if TYPE_CHECKING:
    from resolver.client import Client
    from resolver.prepared import Prepared

_FILES = ("certificate", "key")
_COLUMNS = ("model", "number", "sector", "ipv6", "parent", *(c for c in COLUMNS if "data_" in c))
_WIDTHS = {"secp256r1": (P256, 32), "secp384r1": (P384, 48)}


@click.group()
def enrol() -> None:
    """Zero-touch fleets: certificates of a manufacturer (IEEE 802.1AR) stand for signatures."""


@enrol.command(name="open", short_help="Let the devices of a certificate authority register.")
@verb(
    click.option(
        "--template",
        metavar="SCHEME:TEMPLATE",
        required=True,
        help=f"The code of a device, with {PLACEHOLDER} for its certificate's serial.",
    ),
    click.option("--anchor", metavar="FILE", required=True, help="The authority's certificate."),
    click.option(
        "--intermediate",
        "intermediates",
        metavar="FILE",
        multiple=True,
        help="Authorities below it, each after the one that issued it; PEM may hold several.",
    ),
    click.option("--quota", type=click.IntRange(1), required=True, help="How many devices."),
    click.option("--model", "models", multiple=True, help="These models alone."),
    click.option("--to", metavar="NAME", help="Whose devices.  [default: whoever grants it]"),
    click.option("--until", metavar="TIME", help="When it ends, as in 2027-01-01T00:00:00Z."),
    wallet=True,
)
def open_(frame: Frame, *, to: str | None, until: str | None, **given: Any) -> None:
    """Grant the right to enrol: both sides sign, whoever grants it and whose devices they will be.

    Certificates are PEM or DER. From then on a device of that authority registers itself: its code
    is the template filled with its certificate's serial.
    """
    scheme, colon, template = given["template"].partition(":")
    if not colon or template.count(PLACEHOLDER) != 1:
        raise click.UsageError(f"--template reads SCHEME:TEMPLATE, with {PLACEHOLDER} once")
    below = [text for file in given["intermediates"] for text in certificates_in(read_input(file))]
    scope: dict[str, Any] = {
        "scheme": scheme,
        "template": template,
        "anchor": one_certificate(read_input(given["anchor"])),
        "intermediates": below,
        "quota": given["quota"],
    }
    scope |= {"models": list(given["models"])} if given["models"] else {}
    with frame.writing() as client:
        wallet = client.wallet
        receiver = frame.party(wallet, to) if to else None
        done = client.issue_grant(frame.actor(wallet), "enrol", scope, to=receiver, not_after=until)
    frame.show(
        acknowledged(done) | {"grant": done.hash},
        f"✓ open, entry {done.index}",
        f"  grant {done.hash}",
    )


@enrol.command(short_help="Close the enrolment GRANT for good.")
@click.argument("grant", metavar="GRANT")
@verb(click.option("--reason", required=True, help="Why; anyone can read it."), wallet=True)
def close(frame: Frame, grant: str, reason: str) -> None:
    """Close the enrolment GRANT for good. Devices that are registered stay so."""
    with frame.writing() as client:
        done = client.withdraw_grant(frame.actor(client.wallet), grant, reason)
    frame.show(acknowledged(done), f"✓ closed, entry {done.index}")


@enrol.command(short_help="Keep devices out of the enrolment GRANT.")
@click.argument("grant", metavar="GRANT")
@verb(
    click.option("--serial", "serials", multiple=True, help="What the certificate says."),
    click.option(
        "--certificate", "files", multiple=True, metavar="FILE", help="Or its certificate."
    ),
    click.option("--reason", required=True, help="Why; anyone can read it."),
    wallet=True,
)
def revoke(
    frame: Frame, grant: str, *, serials: tuple[str, ...], files: tuple[str, ...], reason: str
) -> None:
    """No device with one of these serials is enrolled under GRANT any more.

    A device that is registered already is ended by `tetrad status revoke`.
    """
    shown = [read_certificate(one_certificate(read_input(file))).device_serial for file in files]
    named = [*serials, *shown]
    if not named:
        raise click.UsageError("name a --serial or a --certificate")
    with frame.writing() as client:
        done = client.revoke_serials(frame.actor(client.wallet), grant, named, reason)
    frame.show(
        acknowledged(done) | {"serials": named},
        f"✓ {len(named)} serials revoked, entry {done.index}",
    )


class _Device(NamedTuple):
    """A device before it registers: its row, its certificate, and that one's key."""

    row: Row
    certificate: str
    key: PrivateKey


@enrol.command(short_help="Register devices by their certificates.")
@click.argument("grant", metavar="GRANT")
@verb(
    click.option("--certificate", metavar="FILE", help="PEM or DER."),
    click.option("--key", metavar="FILE", help="Its private key, PKCS #8 in PEM or DER."),
    click.option("--model", help="The maker's name for this type of device."),
    click.option("--sector", help=COLUMNS["sector"]),
    click.option("--ipv6", help=COLUMNS["ipv6"]),
    click.option("--number", help=COLUMNS["number"]),
    click.option(
        "--from",
        "file",
        metavar="FILE.csv",
        help=f"Several: columns {', '.join(_FILES)}, which name files, {', '.join(_COLUMNS[:5])} …",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        help="With --from: receipts, one line of JSON each; a later run goes on from there.",
    ),
    click.option(
        "--batch", type=click.IntRange(1, 1000), default=250, show_default=True,
        help="Rows of one request.",
    ),
    wallet=True,
    acts=False,
)  # fmt: skip
def register(
    frame: Frame, grant: str, *, file: str | None, out: Path | None, batch: int, **cells: str | None
) -> None:
    """Register devices by their certificates, under the enrolment GRANT.

    Code, serial and controller follow from the certificate and the grant. The device's own keys are
    drawn here and kept in the wallet; the certificate's key signs, and is not kept.
    """
    given = {name: text for name, text in cells.items() if text is not None}
    if file is None:
        rows = [(1, given)]
        if not set(_FILES) <= set(given):
            raise click.UsageError("name --certificate and --key, or a file with --from")
    else:
        if out is None:
            raise click.UsageError("name a file for the receipts with --out")
        rows = list(_rows(read_input(file), given))
    with frame.writing() as client:
        record = client.grant(grant)
        devices = {number: _device(number, row, record) for number, row in rows}
        if file is not None and out is not None:
            _all(frame, client, record, devices, out, batch)
            return
        device = devices[1]
        done = client.run(client.flows.send(_prepared(client, record, device)))
    frame.show(
        acknowledged(done),
        f"✓ enrolled, entry {done.index}",
        f"  {done.did}",
        f"  {device.row.cells['code']}",
    )


def _rows(data: bytes, defaults: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of the file by number, the header being row 1."""
    try:
        read = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error):
        raise SchemaViolation("not a CSV file in UTF-8") from None
    for number, cells in enumerate(read, 2):
        filled = {
            str(name): str(cell).strip()
            for name, cell in cells.items()
            if cell and str(cell).strip()
        }
        unknown = sorted(set(filled) - {*_FILES, *_COLUMNS})
        if unknown:
            raise SchemaViolation(f"there is no column {unknown[0][:40]!r}")
        yield number, {**defaults, **filled}


def _device(number: int, cells: dict[str, str], grant: dict[str, Any]) -> _Device:
    """A row with the files that it names.

    Raises SchemaViolation, InvalidCertificate, InvalidKey."""
    missing = [name for name in (*_FILES, "model") if name not in cells]
    if missing:
        raise SchemaViolation(f"row {number}: {missing[0]} is missing")
    certificate = one_certificate(read_input(cells["certificate"]))
    leaf = read_certificate(certificate)
    key = read_private_key(read_input(cells["key"]))
    if key.public.multikey != leaf.multikey:
        raise InvalidKey(f"row {number}: the key is not that of the certificate")
    scope: dict[str, Any] = grant["scope"]
    if "template" not in scope:
        raise SchemaViolation("this grant enrols nobody", hint="tetrad enrol open makes one")
    serial = leaf.device_serial
    code = {"scheme": scope["scheme"], "code": scope["template"].replace(PLACEHOLDER, serial)}
    about = {name: cells[name] for name in _COLUMNS if name in cells}
    return _Device(Row(number, {**about, "serial": serial, **code}), certificate, key)


def _prepared(client: Client, grant: dict[str, Any], device: _Device) -> Prepared:
    from resolver.client.enrolling import prepare_enrolment
    from resolver.enrolling import enrolment_body

    holder = grant["to"]
    body = enrolment_body(grant, device.certificate, device_body(device.row, holder, holder))
    return prepare_enrolment(client.flows, body, device.key)


def _all(
    frame: Frame,
    client: Client,
    grant: dict[str, Any],
    devices: dict[int, _Device],
    out: Path,
    batch: int,
) -> None:
    output = Output(out)
    try:
        refused = register_rows(
            client,
            [one.row for one in devices.values()],
            output,
            lambda row: _prepared(client, grant, devices[row.number]),
            lambda row: row.cells["code"],
            size=batch,
            progress=Progress(),
        )
    finally:
        output.close()
    done = len(devices) - len(refused)
    value = {
        "registered": done,
        "refused": [one._asdict() for one in refused],
        "out": str(out),
    }
    frame.show(value, f"{bar(done, len(devices))}   receipts in {out}", *table(refused))
    if refused:
        raise click.exceptions.Exit(1)


def read_private_key(data: bytes) -> PrivateKey:
    """A private key of P-256, P-384 or Ed25519 in PKCS #8, not encrypted. Raises InvalidKey."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_der_private_key,
        load_pem_private_key,
    )

    load = load_der_private_key if data.startswith(b"\x30") else load_pem_private_key
    try:
        key = load(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidKey("not a private key in PEM or DER without a passphrase") from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return private_key(ED25519, raw)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _WIDTHS:
        algorithm, width = _WIDTHS[key.curve.name]
        return private_key(algorithm, key.private_numbers().private_value.to_bytes(width, "big"))
    raise InvalidKey("a private key of P-256, P-384 or Ed25519 is expected")
