"""Schemes of codes and numbers: what each may look like, its one canonical form, its structure.

    from resolver.schemes import SCHEMES

    SCHEMES.read("https://shop.example/01/09506000134352/21/M-0017?17=261231")
    SCHEMES.canonical("eui64", "00-24-BE-FF-FE-80-4F-F1")
    SCHEMES.segments("idis", "88.100.9999/dev0001")

To add a scheme, write its `Scheme` in a module here and name the module below.
"""

from __future__ import annotations

from itertools import chain

from resolver.schemes import (
    did_bid,
    did_code,
    eui,
    gs1,
    handle,
    ipv6,
    numbers,
    oid,
    opaque,
    urn_dev,
    uuid_urn,
    vin,
)
from resolver.schemes.scheme import Code, Description, Samples, Scheme, Segments, Trust
from resolver.schemes.table import SchemeTable

__all__ = [
    "SCHEMES",
    "Code",
    "Description",
    "Samples",
    "Scheme",
    "SchemeTable",
    "Segments",
    "Trust",
]

_MODULES = (gs1, handle, oid, eui, uuid_urn, urn_dev, vin, did_bid, did_code, opaque, numbers, ipv6)

SCHEMES = SchemeTable(chain.from_iterable(module.SCHEMES for module in _MODULES))
