"""Hypothesis strategies: for each scheme, valid values in the spellings that people use.

Check digits are computed here without the code under test, by python-stdnum or longhand.
"""

from __future__ import annotations

import ipaddress
import string
from urllib.parse import quote

from hypothesis import strategies as st
from stdnum import ean, luhn
from stdnum.iso7064 import mod_97_10

from resolver.schemes import SCHEMES

Texts = st.SearchStrategy[str]

CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?_" + string.ascii_letters
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
HEX = "0123456789abcdef"
DID_BID = (
    "did:bid:efJgt44mNDewKK1VEN454R17cjso3mSG",
    "did:bid:acsn:efnVUgqQFfYeu97ABf6sGm3WFtVXHZB2",
    "did:bid:zsPQxwMKuQksAGjtTxkzorRAI07iI5HQ",
)


def digits(at_least: int, at_most: int | None = None) -> Texts:
    return st.text("0123456789", min_size=at_least, max_size=at_most or at_least)


def spelled(values: Texts, *spellings: str) -> Texts:
    """Each value in one of the spellings, where {} stands for it."""
    return st.builds(str.format, st.sampled_from(spellings), values)


def any_case(values: Texts) -> Texts:
    return st.one_of(values, values.map(str.upper), values.map(str.lower))


def with_ean(payload: str) -> str:
    return payload + str(ean.calc_check_digit(payload))


def with_luhn(payload: str) -> str:
    return payload + str(luhn.calc_check_digit(payload))


payloads = digits(13).filter(lambda text: bool(text.strip("0")))
gtins = payloads.map(with_ean)
serials = st.text(CSET_82, min_size=1, max_size=20).filter(lambda text: text not in {".", ".."})
plain_serials = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=20)


@st.composite
def gtin_texts(draw: st.DrawFn) -> str:
    length = draw(st.sampled_from((8, 12, 13, 14)))
    payload = draw(digits(length - 1).filter(lambda text: bool(text.strip("0"))))
    full = with_ean(payload)
    links = ("{}", "(01){}", "https://id.gs1.org/01/{}", "HTTP://shop.example/a/b/01/{}/?17=2612")
    return draw(st.sampled_from(links)).format(full.zfill(14)) if draw(st.booleans()) else full


@st.composite
def link_texts(draw: st.DrawFn) -> str:
    gtin = draw(gtins)
    if draw(st.booleans()):
        found = [("235", draw(serials))]
    else:
        chosen = draw(st.sets(st.sampled_from(("22", "10", "21")), min_size=1))
        found = [(ai, draw(serials)) for ai in ("22", "10", "21") if ai in chosen]
    base = draw(
        st.sampled_from(("https://id.gs1.org", "http://[2001:db8::1]:8080/x", "https://A.example"))
    )
    # Any amount of percent-encoding means the same, but for what would end the path.
    safe = draw(st.sampled_from(("", "!'()*:;,=+-._~")))
    return f"{base}/01/{gtin}" + "".join(f"/{ai}/{quote(v, safe=safe)}" for ai, v in found)


@st.composite
def element_strings(draw: st.DrawFn) -> str:
    found = [("01", draw(gtins)), ("10", draw(plain_serials)), ("21", draw(plain_serials))]
    return "".join(f"({ai}){value}" for ai, value in draw(st.permutations(found)))


@st.composite
def sgtins(draw: st.DrawFn) -> str:
    length = draw(st.integers(6, 12))
    company, reference = draw(digits(length)), draw(digits(13 - length))
    if not (company + reference).strip("0"):
        company = "9506000"[:length].ljust(length, "1")
    kind = draw(st.sampled_from(("id:sgtin:", "tag:sgtin-198:3.", "ID:SGTIN:")))
    return f"urn:epc:{kind}{company}.{reference}.{quote(draw(serials), safe='')}"


@st.composite
def joined(draw: st.DrawFn) -> str:
    """As a scanner sends it, with separators."""
    serial = draw(st.text(CSET_82, min_size=1, max_size=20).filter(lambda s: s not in {".", ".."}))
    batch = draw(st.one_of(st.just(""), plain_serials.map(lambda lot: f"10{lot}\x1d")))
    return draw(st.sampled_from(("]d2", "]C1", "]Q3"))) + f"01{draw(gtins)}{batch}21{serial}"


@st.composite
def grais(draw: st.DrawFn) -> str:
    asset = with_ean(draw(digits(12)))
    serial = draw(st.text(CSET_82.replace("/", ""), max_size=16))
    links = ("https://id.gs1.org/8003/0{}", "http://x.example/8003/0{}/")
    if serial and draw(st.booleans()):
        company = draw(st.integers(6, 12))
        return f"urn:epc:id:grai:{asset[:company]}.{asset[company:12]}.{quote(serial, safe='')}"
    return draw(st.sampled_from(links)).format(asset + quote(serial, safe=""))


@st.composite
def giais(draw: st.DrawFn) -> str:
    company, rest = draw(digits(6, 12)), draw(st.text(CSET_82, max_size=18))
    if rest and draw(st.booleans()):
        return f"urn:epc:id:giai:{company}.{quote(rest, safe='')}"
    return f"https://id.gs1.org/8004/{quote(company[2:] + rest, safe='')}"


@st.composite
def handles(draw: st.DrawFn, prefix: Texts) -> str:
    suffix = draw(st.text(VISIBLE, min_size=1, max_size=60))
    bare = f"{draw(prefix)}/{suffix}"
    form = draw(st.sampled_from(("{}", "hdl:{}", "info:hdl/{}", "https://hdl.handle.net/{}")))
    return form.format(bare if form == "{}" else quote(bare, safe="/"))


handle_prefixes = st.builds(
    "{}{}".format,
    st.sampled_from(("86.1000", "10.1000", "4263537", "20.500.12345")),
    st.sampled_from(("", ".1", ".a-b_C")),
)
idis_prefixes = st.builds("88.{}.{}".format, st.integers(10, 9999), st.integers(0, 10**9))

arcs = st.lists(st.integers(0, 2**80), min_size=1, max_size=8)
oids = spelled(
    st.builds(
        lambda root, rest: ".".join(map(str, (*root, *rest))),
        st.sampled_from(((0, 9), (1, 2), (2, 999), (1, 39))),
        arcs,
    ),
    "{}",
    "oid:{}",
    "urn:oid:{}",
    "URN:OID:{}",
)


def addresses(octets: int) -> Texts:
    """Hexadecimal with an even second nibble."""
    return st.builds(
        "{}{}{}".format,
        st.sampled_from(HEX),
        st.sampled_from("02468ace"),
        st.text(HEX, min_size=octets * 2 - 2, max_size=octets * 2 - 2),
    ).filter(lambda text: bool(text.strip("0")))


def separated(values: Texts, *, bare: bool) -> Texts:
    def split(text: str, separator: str) -> str:
        size = 4 if separator == "." else 2
        return separator.join(text[at : at + size] for at in range(0, len(text), size))

    separators = st.sampled_from([":", "-", "."])
    full = st.builds(split, values, separators)
    return any_case(st.one_of(full, values) if bare else full)


embedded = st.builds(
    lambda address, middle: address[:6] + middle + address[6:],
    addresses(6),
    st.sampled_from(("fffe", "ffff")),
)


def vin_check(blank: str) -> str:
    """Longhand: letters are worth their place in A-I, J-R, S-Z, the last from 2."""
    worth = {c: int(c) for c in string.digits}
    for row, start in (("ABCDEFGH", 1), ("JKLMN", 1), ("P", 7), ("R", 9), ("STUVWXYZ", 2)):
        worth |= {c: start + i for i, c in enumerate(row)}
    weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    rest = sum(worth[c] * w for c, w in zip(blank, weights, strict=True)) % 11
    return "X" if rest == 10 else str(rest)


vins = any_case(
    st.text("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=17, max_size=17)
    .map(lambda text: text[:8] + "0" + text[9:])
    .map(lambda text: text[:8] + vin_check(text) + text[9:])
)
found_uuids = st.uuids(allow_nil=False).filter(lambda each: each.int != 2**128 - 1)
uuids = st.one_of(
    spelled(any_case(found_uuids.map(str)), "{}", "{{{}}}", "urn:uuid:{}", "URN:UUID:{}"),
    spelled(found_uuids.map(lambda each: str(each.int)), "2.25.{}", "urn:oid:2.25.{}"),
)
words = st.text(string.ascii_letters + string.digits + ".-", min_size=1, max_size=12)
urn_devs = st.one_of(
    spelled(any_case(addresses(8).filter(lambda text: text[6:9] != "fff")), "URN:DEV:mac:{}_temp"),
    spelled(any_case(addresses(8)), "urn:dev:ow:{}", "urn:dev:ow:{}_humidity"),
    spelled(words, "urn:dev:org:32473-{}", "urn:dev:os:32473-{}:a", "urn:Dev:ops:32473-M.1-{}"),
    spelled(words, "urn:dev:example:{}", "urn:dev:example:{}_part"),
)

CODES: dict[str, Texts] = {
    "gtin": gtin_texts(),
    "gs1": st.one_of(link_texts(), element_strings(), sgtins(), joined()),
    "grai": grais(),
    "giai": giais(),
    "idis": handles(idis_prefixes),
    "handle": handles(handle_prefixes),
    "oid": oids.filter(lambda text: len(text) < 240),
    "eui48": st.one_of(separated(addresses(6), bare=True), separated(embedded, bare=True)),
    "eui64": st.one_of(
        separated(addresses(8).filter(lambda text: text[6:9] != "fff"), bare=True),
        spelled(addresses(8).filter(lambda text: text[6:9] != "fff"), "URN:dev:mac:{}"),
    ),
    "uuid": uuids,
    "urn-dev": urn_devs,
    "vin": vins,
    "did-bid": st.sampled_from(DID_BID),
    "did": spelled(words, "did:web:acme.example:{}", "did:web:A%3a8443:%41{}", "did:example:::{}"),
    "vaa": spelled(st.text(VISIBLE, min_size=1, max_size=60), "VAA08810012345678/{}"),
    "ma": spelled(digits(1, 6), "MA.156.{}", "MA.156.430121.{}/10.29000000.PG1"),
    "ecode": st.builds("{}{}".format, st.sampled_from("1234"), digits(6, 40)),
    "iec61406": spelled(words, "https://id.maker.example/p/x{}", "http://m.example:81/?s={}#a"),
}
NUMBERS: dict[str, Texts] = {
    "msisdn": spelled(digits(6, 11), "+1{}", "tel:+49{}"),
    "msisdn-cn-iot": spelled(digits(9), "1440{}", "+861441{}", "86144{}1", "tel:+861442{}"),
    "iccid": st.one_of(
        spelled(digits(12, 13), "898604{}").map(with_luhn),
        spelled(digits(14), "8944{}")
        .map(with_luhn)
        .flatmap(lambda v: st.sampled_from((v, v + "F"))),
        spelled(digits(13), "898602B{}", "898606d{}"),
    ).filter(lambda text: len(text) in {19, 20}),
    "imsi": digits(15),
    "imei": digits(14).map(with_luhn),
    "eid": digits(30).map(lambda text: text + mod_97_10.calc_check_digits(text)),
    "ipv6": st.one_of(
        st.integers(0, 2**125 - 1)
        .map(lambda low: ipaddress.IPv6Address(2**125 + low))
        .flatmap(lambda a: st.sampled_from((str(a), a.exploded, a.exploded.upper()))),
    ),
}
# A new scheme is tried with its samples until it has a strategy of its own.
for _name in SCHEMES.names():
    _samples = SCHEMES.get(_name).samples
    _known = NUMBERS if SCHEMES.is_number(_name) else CODES
    if _name not in _known and _samples is not None:
        _known[_name] = st.integers(0, 99_999).map(_samples.make)
ALL = {**CODES, **NUMBERS}
EVERY = sorted(ALL)
values = st.sampled_from(EVERY).flatmap(lambda name: st.tuples(st.just(name), ALL[name]))
