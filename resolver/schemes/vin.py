"""Vehicle identification numbers (ISO 3779, GB 16735).

A VIN leads to the owner of the vehicle, so only commitments to it reach the ledger, and errors do
not repeat it.
"""

from __future__ import annotations

import re

from resolver.schemes import check_digits, samples
from resolver.schemes.scheme import Samples, Scheme, Segments, malformed_prefix

_VIN = re.compile("[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{8}").fullmatch
# From the manufacturer identifier (3 characters) to the vehicle descriptor before the check digit:
# a prefix stands in the ledger in clear, so that it must not come near to the vehicle itself.
_PREFIX = re.compile("[A-HJ-NPR-Z0-9]{3,8}").fullmatch


def _vin(text: str) -> str | None:
    value = text.upper()
    if not _VIN(value):
        return None
    right = check_digits.vin(value)
    if value[8] != right:
        raise check_digits.wrong("vin", value[8], right)
    return value


def _prefix(prefix: str) -> Segments:
    if not _PREFIX(prefix):
        raise malformed_prefix("vin", prefix, "the manufacturer's 3 characters, and up to 8")
    return ("vin", *prefix)


SCHEMES = (
    Scheme(
        name="vin",
        title="Vehicle identification number (ISO 3779, GB 16735)",
        example="1HGCM82633A004352",
        check="modulo 11 at position 9",
        canonical="17 characters in upper case",
        starts="0123456789ABCDEFGHJKLMNPRSTUVWXYZabcdefghjklmnprstuvwxyz",
        recognize=_vin,
        segments=lambda value: ("vin", *value),
        prefix=_prefix,
        namespace="vin",
        minimal_depth=4,
        committed=True,
        samples=Samples("LSV", lambda n: samples.vin("LSV", n)),
    ),
)
