"""specs/vectors/resolution/codes.json: texts, and the one code that each is, or why it is none.

The outcomes are written by hand, a list for each scheme: a new scheme brings its own. A test reads
each text; Node.js decides those whose scheme it knows (tests/interop/node/codes.mjs).
"""

from __future__ import annotations

from typing import Any

from tests.generated import file

GS = "\x1d"
LINK = "https://id.gs1.org/01/09506000134352"
ITEM = f"{LINK}/21/M-0017"
EID = "89049032123451234512345678901235"
UUID = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
MALFORMED, CHECK, ALIKE = "code.malformed", "code.check_digit", "code.look_alike"
UNKNOWN, SEVERAL = "code.unknown_scheme", "code.ambiguous"

# What it is about, the text, and its canonical value; or the code of the error. A third member
# names the scheme that the asker names.
Row = tuple[str, ...]

CODES: dict[str, list[Row]] = {
    "gtin": [
        ("GTIN-14", "09506000134352", "09506000134352"),
        ("GTIN-13 is padded", "9506000134352", "09506000134352"),
        ("GTIN-8 is padded", "96385074", "00000096385074"),
        ("as a link", LINK, "09506000134352"),
        ("in brackets with a date", "(01)09506000134352(17)261231", "09506000134352"),
        ("EAN-13 with its symbology", "]E09506000134352", "09506000134352"),
        ("ITF-14", "]I109506000134352", "09506000134352"),
        ("EPC pattern of a class", "urn:epc:idpat:sgtin:9506000.013435.*", "09506000134352"),
        ("begins like an asset and is a GTIN", "8004020000004", "08004020000004"),
    ],
    "gs1": [
        ("canonical", ITEM, ITEM),
        (
            "another host, a query",
            "HTTP://shop.example/x/01/09506000134352/21/M-0017?17=261231",
            ITEM,
        ),
        ("percent-encoding that is not needed", f"{LINK}/21/%4d-0017", ITEM),
        ("percent-encoding that is needed", f"{LINK}/21/a%2fb", f"{LINK}/21/a%2Fb"),
        ("batch and variant add nothing to a serial", f"{LINK}/22/V/10/L/21/M-0017", ITEM),
        ("batch alone", f"{LINK}/10/L", f"{LINK}/10/L"),
        ("third-party serial", f"{LINK}/235/T", f"{LINK}/235/T"),
        ("in brackets, any order", "(21)M-0017(01)09506000134352", ITEM),
        ("in brackets with a weight", "(01)09506000134352(3103)001750(21)M-0017", ITEM),
        ("joined", "010950600013435221M-0017", ITEM),
        ("GS1-128", "]C1010950600013435221M-0017", ITEM),
        ("separators", f"]d2010950600013435210LOT{GS}21M-0017", ITEM),
        ("separators around", f"]Q3{GS}010950600013435221M-0017{GS}", ITEM),
        ("separators without symbology", f"010950600013435210LOT{GS}21M-0017", ITEM),
        ("SGTIN", "urn:epc:id:sgtin:9506000.013435.M-0017", ITEM),
        ("tag with its filter value", "urn:epc:tag:sgtin-198:3.9506000.013435.M-0017", ITEM),
        ("SGTIN-96", "3074257BF7194E4000001A85", "https://id.gs1.org/01/80614141123458/21/6789"),
        (
            "SGTIN-198, lower case",
            "3674257bf6b7a659b2c2bf100000000000000000000000000000",
            "https://id.gs1.org/01/70614141123451/21/32a%2Fb",
        ),
        ("class with a batch", "urn:epc:class:lgtin:9506000.013435.L", f"{LINK}/10/L"),
    ],
    "grai": [
        (
            "in brackets",
            "(8003)09506000134321SER01",
            "https://id.gs1.org/8003/09506000134321SER01",
        ),
        ("joined", "800309506000134321SER01", "https://id.gs1.org/8003/09506000134321SER01"),
        ("GRAI-96", "3374257BF40C0E400000162E", "https://id.gs1.org/8003/006141411234525678"),
        (
            "URN",
            "urn:epc:id:grai:0614141.12345.32a%2Fb",
            "https://id.gs1.org/8003/0061414112345232a%2Fb",
        ),
    ],
    "giai": [
        ("GS1-128", "]C180049506000ABC", "https://id.gs1.org/8004/9506000ABC"),
        ("URN", "urn:epc:id:giai:9506000.ABC", "https://id.gs1.org/8004/9506000ABC"),
        ("GIAI-96", "3474257BF40000000000162E", "https://id.gs1.org/8004/06141415678"),
        (
            "GIAI-202",
            "3874257BF59B2C2BF10000000000000000000000000000000000",
            "https://id.gs1.org/8004/061414132a%2Fb",
        ),
    ],
    "idis": [
        ("case is folded", "88.100.9999/Dev0001", "88.100.9999/dev0001"),
        ("as a URL", "hdl:88.100.9999/Dev%30001", "88.100.9999/dev0001"),
        ("out of a QR code", "]Q188.100.9999/dev0001", "88.100.9999/dev0001"),
    ],
    "handle": [
        ("86.", "86.1000.1/SN-1", "86.1000.1/sn-1"),
        ("DOI", "https://doi.org/10.1000/182?x=1", "10.1000/182"),
        ("info URI", "info:hdl/86.1000.1/sn-1", "86.1000.1/sn-1"),
        ("88. without an enterprise", "88.608/META_1", "88.608/meta_1"),
    ],
    "oid": [
        ("arcs alone", "1.2.156.3001.501", "urn:oid:1.2.156.3001.501"),
        ("URN in upper case", "URN:OID:1.2.156.3001.501", "urn:oid:1.2.156.3001.501"),
        ("oid:", "oid:1.2.156.3001.501", "urn:oid:1.2.156.3001.501"),
        ("below a UUID", "2.25.1.7", "urn:oid:2.25.1.7"),
    ],
    "eui48": [
        ("colons", "00:1B:44:11:3A:B7", "001b44113ab7"),
        ("dots", "001B.4411.3AB7", "001b44113ab7"),
        ("as an EUI-64 with fffe", "001b44fffe113ab7", "001b44113ab7"),
        ("as an EUI-64 with ffff", "00-1B-44-FF-FF-11-3A-B7", "001b44113ab7"),
        ("as a device URN", "urn:dev:mac:001b44fffe113ab7", "001b44113ab7"),
        ("named as an EUI-64", "001b44fffe113ab7", "001b44113ab7", "eui64"),
    ],
    "eui64": [
        ("hyphens", "AC-DE-48-23-45-67-01-9F", "acde48234567019f"),
        ("as a device URN", "urn:dev:mac:acde48234567019f", "acde48234567019f"),
        ("named as a device URN", "urn:dev:mac:acde48234567019f", "acde48234567019f", "urn-dev"),
        ("named as a DevEUI", "70B3D57ED0001234", "70b3d57ed0001234", "deveui"),
    ],
    "uuid": [
        (
            "bare",
            "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
            UUID,
        ),
        (
            "in braces",
            "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
            UUID,
        ),
        (
            "as an OID",
            "urn:oid:2.25.329800735698586629295641978511506172918",
            UUID,
        ),
        (
            "named as an OID",
            "2.25.329800735698586629295641978511506172918",
            UUID,
            "oid",
        ),
    ],
    "urn-dev": [
        ("1-Wire", "URN:DEV:ow:10E2073A01080063", "urn:dev:ow:10e2073a01080063"),
        ("product", "urn:dev:ops:32473-Meter-0017", "urn:dev:ops:32473-Meter-0017"),
        (
            "part of a device",
            "urn:dev:mac:ACDE48234567019F_temp",
            "urn:dev:mac:acde48234567019f_temp",
        ),
    ],
    "vin": [("lower case", "1hgcm82633a004352", "1HGCM82633A004352")],
    "did-bid": [
        (
            "as it is",
            "did:bid:efJgt44mNDewKK1VEN454R17cjso3mSG",
            "did:bid:efJgt44mNDewKK1VEN454R17cjso3mSG",
        )
    ],
    "did": [
        ("host in upper case", "did:web:ACME.example%3a8443:M1", "did:web:acme.example%3A8443:M1"),
        ("encoded without need", "did:web:acme.example:%4d1", "did:web:acme.example:M1"),
    ],
    "vaa": [("as it is", "VAA08810012345678/SN0001", "VAA08810012345678/SN0001")],
    "ma": [
        (
            "as it is",
            "MA.156.430121.1006/10.29000000.PG100001",
            "MA.156.430121.1006/10.29000000.PG100001",
        )
    ],
    "ecode": [("named", "100101234567890", "100101234567890", "ecode")],
    "iec61406": [
        (
            "never altered",
            "https://id.maker.example/p/SN-001?a=B",
            "https://id.maker.example/p/SN-001?a=B",
            "iec61406",
        )
    ],
    "msisdn": [("visual separators", "tel:+1-201-555-0123", "+12015550123", "msisdn")],
    "msisdn-cn-iot": [("with +86", "+861440012345678", "1440012345678", "msisdn-cn-iot")],
    "iccid": [("filler", "8986040123456789019F", "8986040123456789019", "iccid")],
    "imsi": [("digits", "460041234567890", "460041234567890", "imsi")],
    "imei": [("spare digit", "urn:gsma:imei:49015420-323751-0", "490154203237518", "imei")],
    "eid": [
        ("digits", "89049032123451234512345678901235", "89049032123451234512345678901235", "eid")
    ],
    "ipv6": [("long form", "2001:DB8:0:0::0:1", "2001:db8::1", "ipv6")],
}

REFUSED: list[Row] = [
    ("GTIN with a wrong check digit", "09506000134353", CHECK),
    ("the check digit in a scan", "]C1010950600013435921M-0017", CHECK),
    ("the check digit in a link", "https://id.gs1.org/01/09506000134359/21/M-0017", CHECK),
    ("GRAI with a wrong check digit", "(8003)09506000134322SER01", CHECK),
    ("VIN with a wrong check digit", "1HGCM82643A004352", CHECK),
    ("IMEI with a wrong check digit", "490154203237519", CHECK, "imei"),
    ("EID with wrong check digits", "89049032123451234512345678901236", CHECK, "eid"),
    ("qualifiers out of order", f"{LINK}/21/M-0017/10/L", MALFORMED),
    ("13 digits in a link", "https://id.gs1.org/01/9506000134352/21/M", MALFORMED),
    ("a serial of 21 characters", f"{LINK}/21/{'x' * 21}", MALFORMED),
    ("two serials", f"]d2010950600013435221A{GS}21B", MALFORMED),
    ("a logistic unit", "]C100106141412345678908", MALFORMED),
    ("month 13", "]C101095060001343521726133121A", MALFORMED),
    ("a separator in plain text", f"]Q188.100.9999/a{GS}b", MALFORMED),
    ("a separator in another code", f"88.100.9999/a{GS}b", MALFORMED),
    ("brackets in a GS1 symbol", "]C1(01)09506000134352", MALFORMED),
    ("half a symbology identifier", "]d", MALFORMED),
    ("holds only with a separator", "010950600013435221ABCDEFGHIJKLMNOPQRST10LOT", MALFORMED),
    (
        "tag memory with a bit too many",
        "3674257BF6B7A659B2C2BF100000000000000000000000000001",
        MALFORMED,
    ),
    ("tag memory of partition 7", "307C257BF7194E4000001A85", MALFORMED),
    ("the URN of a logistic unit", "urn:epc:id:sscc:0614141.1234567890", MALFORMED),
    ("SGTIN of 12 digits", "urn:epc:id:sgtin:9506000.13435.SN0001", MALFORMED),
    ("OID with a leading zero", "1.2.156.3001.0501.1001.01", MALFORMED),
    ("OID beyond a UUID", "2.25.340282366920938463463374607431768211456", MALFORMED),
    ("nil UUID", "00000000-0000-0000-0000-000000000000", MALFORMED),
    ("group address", "01:00:5e:00:00:01", MALFORMED),
    ("part of a device with an EUI-48", "urn:dev:mac:001b44fffe113ab7_temp", MALFORMED),
    ("the DID of a device", "did:tetrad:kta2wkpizqzouzvv:zQmX", MALFORMED),
    ("host in upper case", "https://ID.maker.example/p/1", MALFORMED, "iec61406"),
    ("default port", "https://id.maker.example:443/p/1", MALFORMED, "iec61406"),
    ("dots in a path", "https://id.maker.example/a/../b", MALFORMED, "iec61406"),
    ("a Digital Link is none", ITEM, MALFORMED, "iec61406"),
    ("IoT number named as a telephone's", "+861440012345678", MALFORMED, "msisdn"),
    ("link-local", "fe80::1", MALFORMED, "ipv6"),
    ("white space inside", "88.100.9999 /dev0001", MALFORMED),
    ("full-width digit", "\uff109506000134352", ALIKE),
    ("Cyrillic letter", "88.100.9999/d\u0435v", ALIKE),
    ("decomposed letter", "88.100.9999/cafe\u0301", ALIKE),
    ("Cyrillic letter, percent-encoded", "hdl:88.100.9999/%D0%B5", ALIKE),
    ("look-alike in a scan", "]C1010950600013435221M\u20110017", ALIKE),
    ("a number that nobody named", "490154203237518", UNKNOWN),
    ("a URL that nobody named", "https://id.maker.example/p/1", UNKNOWN),
    ("a logistic unit's tag", "3174257BF4499602D2000000", UNKNOWN),
    ("no such scheme", "09506000134352", UNKNOWN, "qr"),
]

AMBIGUOUS: list[tuple[str, str, list[tuple[str, str]]]] = [
    (
        "GTIN-12 or EUI-48",
        "800000000006",
        [("gtin", "00800000000006"), ("eui48", "800000000006")],
    ),
    (
        "a separator may be lost: batch, or batch and serial",
        "010950600013435210LOT-121M-0017",
        [("gs1", f"{LINK}/10/LOT-121M-0017"), ("gs1", ITEM)],
    ),
    (
        "element string or handle",
        "01095060001343522188/1",
        [("gs1", f"{LINK}/21/88%2F1"), ("handle", "01095060001343522188/1")],
    ),
]


def _row(row: Row, **outcome: Any) -> dict[str, Any]:
    named = {"scheme": row[3]} if len(row) > 3 else {}
    return {"text": row[1], **named, **outcome}


def files() -> dict[str, bytes]:
    """Path below specs/ -> content."""
    vectors = [
        {"name": f"{scheme}: {row[0]}", **_row(row, code={"scheme": scheme, "value": row[2]})}
        for scheme, rows in CODES.items()
        for row in rows
    ]
    vectors += [{"name": f"refused: {row[0]}", **_row(row, error=row[2])} for row in REFUSED]
    for name, text, candidates in AMBIGUOUS:
        told = [{"scheme": scheme, "value": value} for scheme, value in candidates]
        vectors.append(
            {"name": f"ambiguous: {name}", "text": text, "error": SEVERAL, "candidates": told}
        )
    return {"vectors/resolution/codes.json": file({"vectors": vectors})}
