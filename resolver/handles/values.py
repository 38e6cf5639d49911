"""The values of a handle, out of the ledger's own records and nothing else.

    device_values("88.100.9999/dev0001", device)      # device: the record of the state
    prefix_values("88.100", grant, organization)      # of 0.NA/88.100

Whoever has a proved record derives the same values, so that an answer is checked value by value.
Contents of data never stand here; the record of a tombstone has no URL. The indexes never change:

    1-8   URL                 the endpoints of the data record, in its order
    20    TETRAD.DID          21  TETRAD.STATUS      22  TETRAD.CONTROLLER
    23    TETRAD.MAKER        24  TETRAD.MODEL       25  TETRAD.SECTOR
    26    TETRAD.DATA         27  TETRAD.ENTRY       28  TETRAD.REASON
    29    TETRAD.CODE         the device's code, where the handle is one that was corrected
    100   HS_ADMIN            300 TETRAD.PROOF
"""

from __future__ import annotations

from typing import Any, Final, cast

from identity.jcs import Json, canonicalize_profile
from registry.state import Device, GrantRecord, Organization
from resolver.handles.encoding import Admin, HandleValue
from resolver.schemes.plain_text import percent_encoded

DID, STATUS, CONTROLLER, MAKER, MODEL, SECTOR, DATA, ENTRY, REASON, CODE = range(20, 30)
GRANT, GRANT_STATUS, HOLDER, NAME, UNTIL, NODE = range(20, 26)
ADMIN: Final = 100
PROOF: Final = 300
INLINE_PROOF: Final = 301
"""TETRAD.PROOF.ANSWER: made only for who asks for it by this index or this very type."""
SIGNATURE: Final = 400
"""HS_SIGNATURE, or TETRAD.DIGESTS where no one signs; HS_CERT follows."""
INLINE_TYPE: Final = "TETRAD.PROOF.ANSWER"
PREFIX_HANDLE: Final = "0.NA/"

_FINAL: Final = ("revoked", "retired")


def device_values(handle: str, scheme: str, device: Device) -> list[HandleValue]:
    """The values of a device's handle, in canonical form, in the order of their indexes."""
    record = cast("dict[str, Any]", device)
    when = record["updated"]["time"]
    data: Any = record["data"]
    about = record["object"]
    values: list[HandleValue] = []
    if data != "none" and record["status"] not in _FINAL:
        for place, endpoint in enumerate(data["endpoints"], 1):
            values.append(HandleValue(place, "URL", endpoint["url"], when))
    texts: list[tuple[int, str, str]] = [
        (DID, "TETRAD.DID", record["did"]),
        (STATUS, "TETRAD.STATUS", record["status"]),
        (CONTROLLER, "TETRAD.CONTROLLER", record["controller"]),
        (MAKER, "TETRAD.MAKER", about["maker"]),
        (MODEL, "TETRAD.MODEL", about["model"]),
    ]
    if "sector" in about:
        texts.append((SECTOR, "TETRAD.SECTOR", _json(about["sector"])))
    if data != "none":
        described = {name: data[name] for name in data if name != "endpoints"}
        texts.append((DATA, "TETRAD.DATA", _json(described)))
    texts.append((ENTRY, "TETRAD.ENTRY", str(record["updated"]["entry"])))
    if "reason" in record and record["status"] != "active":
        texts.append((REASON, "TETRAD.REASON", record["reason"]))
    if "aliases" in record and record["code"] != {"scheme": scheme, "value": handle}:
        texts.append((CODE, "TETRAD.CODE", _json(record["code"])))
    values += [HandleValue(*text, when) for text in texts]
    prefix = handle.partition("/")[0]
    values.append(HandleValue(ADMIN, "HS_ADMIN", Admin(PREFIX_HANDLE + prefix, HOLDER), when))
    way = f"/v1/resolve?code={percent_encoded(handle)}&scheme={scheme}&proof=1"
    values.append(HandleValue(PROOF, "TETRAD.PROOF", way, when))
    return values


def prefix_values(prefix: str, grant: GrantRecord, holder: Organization) -> list[HandleValue]:
    """The values of 0.NA/prefix: the grant, and who holds it."""
    when = grant["issued"]["time"]
    texts: list[tuple[int, str, str]] = [
        (GRANT, "TETRAD.GRANT", grant["grant"]),
        (GRANT_STATUS, "TETRAD.STATUS", grant["status"]),
        (HOLDER, "TETRAD.HOLDER", grant["to"]),
        (NAME, "TETRAD.NAME", holder["name"]),
    ]
    if "notAfter" in grant:
        texts.append((UNTIL, "TETRAD.UNTIL", grant["notAfter"]))
    if "node" in grant["scope"]:
        texts.append((NODE, "TETRAD.NODE", _json(grant["scope"]["node"])))
    values = [HandleValue(*text, when) for text in texts]
    values.append(HandleValue(ADMIN, "HS_ADMIN", Admin(PREFIX_HANDLE + prefix, HOLDER), when))
    values.append(HandleValue(PROOF, "TETRAD.PROOF", f"/v1/grants/{grant['grant']}", when))
    return values


def _json(value: Json) -> str:
    return canonicalize_profile(value).decode()
