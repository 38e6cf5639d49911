"""specs/vectors/resolution/compression.json: compressed URIs that read, and that do not."""

from __future__ import annotations

from typing import Any

from resolver.gs1.compression import SEQUENCES, _value_bits, compress
from tests.generated import file

Pairs = list[tuple[str, str]]
GTIN = "09506000134352"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
HOLDING: dict[str, Pairs] = {
    "a GTIN": [("01", GTIN)],
    "a serial": [("01", GTIN), ("21", "M-0017")],
    "a serial of digits that begins with zeros": [("01", GTIN), ("21", "0012")],
    "more digits than a double holds": [("01", GTIN), ("21", "12345678901234567890")],
    "lower-case hexadecimal": [("01", GTIN), ("21", "00ab12cd")],
    "upper-case hexadecimal": [("01", GTIN), ("10", "00AB12CD")],
    "text of 7 bits": [("01", GTIN), ("21", "a/b(c)%\"'")],
    "variant, batch and serial": [("01", GTIN), ("22", "2A"), ("10", "LOT-1"), ("21", "S-1")],
    "batch, serial and expiry in one sequence": [
        ("01", GTIN),
        ("10", "LOT-1"),
        ("21", "S-1"),
        ("17", "261231"),
    ],
    "a third-party serial": [("01", GTIN), ("235", "TPX-1")],
    "a returnable asset": [("8003", "09506000134321SER01")],
    "a returnable asset without a serial": [("8003", "09506000134321")],
    "an individual asset": [("8004", "950600013430000001")],
    "a location with its extension": [("414", "9506000134352"), ("254", "GATE-7")],
    "a weight": [("01", GTIN), ("3103", "000195")],
    "a key that is none of GS1's": [("01", GTIN), ("linkType", "gs1:pip"), ("x", "")],
}


def _bits(*bits: str) -> str:
    whole = "".join(bits)
    whole += "0" * (-len(whole) % 6)
    return "".join(ALPHABET[int(whole[at : at + 6], 2)] for at in range(0, len(whole), 6))


def _whole(text: str) -> str:
    return "".join(f"{ALPHABET.index(one):06b}" for one in text)


def _refused() -> dict[str, str]:
    gtin = "00000001" + f"{int(GTIN):047b}"
    serial = "00100001"
    assert _bits(gtin) == compress(HOLDING["a GTIN"])
    return {
        "empty": "",
        "padded": compress(HOLDING["a serial"]) + "=",
        "another alphabet": "AS+/",
        "one character less": compress(HOLDING["a serial"])[:-1],
        "a character more": compress(HOLDING["a serial"]) + "A",
        "the last bits are not zero": _bits(_whole(compress(HOLDING["a GTIN"]))[:-1] + "1"),
        "nothing but zeros": "AA",
        "an identifier that is unknown": _bits("00001001", "0" * 40),
        "an identifier with a letter": _bits("00100011", "1010", "0" * 40),
        "a sequence that is unknown": _bits("10110000", "0" * 40),
        "a GTIN of fifteen digits": _bits("00000001", f"{10**14:047b}"),
        "a serial twice": _bits(gtin, *[serial + "000" + "00001" + f"{7:04b}"] * 2),
        "a serial of 21 characters": _bits(gtin, serial, "011", "10101", "0" * 126),
        "an empty serial": _bits(gtin, serial, "100", "00000"),
        "a way to write text that is unknown": _bits(gtin, serial, "111", "00001", "0" * 7),
        "a serial with a space": _bits(gtin, serial, "100", "00001", f"{ord(' '):07b}"),
        "a serial with a line break": _bits(gtin, serial, "100", "00001", f"{ord(chr(10)):07b}"),
        "digits that are more than it says": _bits(gtin, serial, "000", "00001", "1010"),
        "a key of no characters": _bits(gtin, "1111", "0000000", "000", "0000001", "0111"),
        "a key of digits": _bits(
            gtin, "1111", "0000001", f"{ALPHABET.index('7'):06b}", "000", "0000001", "0111"
        ),
    }


def files() -> dict[str, bytes]:
    """The vectors: what is compressed, in the order in which it is read again."""
    vectors: list[dict[str, Any]] = []
    for name, pairs in HOLDING.items():
        text = compress(pairs)
        vectors.append({"name": name, "compressed": text, "values": [list(one) for one in pairs]})
    bits = "".join(map(_value_bits, ("01", "10", "21", "17"), (GTIN, "LOT-1", "S-1", "261231")))
    vectors.append(
        {
            "name": "the same in the order of the table",
            "compressed": _bits("00011010", bits),
            "values": [list(one) for one in HOLDING["batch, serial and expiry in one sequence"]],
            "other": True,
        }
    )
    vectors += [
        {"name": name, "compressed": text, "error": "code.malformed"}
        for name, text in _refused().items()
    ]
    made = {
        "description": "Compressed Digital Links, the last segment of their path.",
        "sequences": {code: list(names) for code, names in sorted(SEQUENCES.items())},
        "vectors": vectors,
    }
    return {"vectors/resolution/compression.json": file(made)}
