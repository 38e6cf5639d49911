"""IPv6 addresses as numbers, in the form of RFC 5952.

Only addresses that can belong to one device: none that is unspecified, loopback, multicast,
link-local or an IPv4 address in disguise. A range is a network in CIDR form, in steps of 4 bits.

    >>> canonical("ipv6", "2001:DB8:0:0::1")
    '2001:db8::1'
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, IPv6Network

from identity.errors import MalformedCode
from resolver.schemes import samples
from resolver.schemes.scheme import Samples, Scheme, Segments, malformed_prefix

_SHAPE = re.compile("[0-9A-Fa-f:.]{2,45}").fullmatch
_NETWORK = re.compile("[0-9a-f:]{2,39}/[0-9]{1,3}").fullmatch


def _ipv6(text: str) -> str | None:
    if ":" not in text or not _SHAPE(text):
        return None
    try:
        address = IPv6Address(text)
    except ValueError:
        return None
    if (
        address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or address.ipv4_mapped
    ):
        raise MalformedCode(
            "an address that cannot belong to one device alone",
            hint="give a global or a unique local unicast address",
            scheme="ipv6",
        )
    return address.compressed


def _nibbles(address: IPv6Address) -> str:
    return address.exploded.replace(":", "")


def _prefix(prefix: str) -> Segments:
    try:
        network = IPv6Network(prefix) if _NETWORK(prefix) else None
    except ValueError:
        network = None
    if network is None or network.compressed != prefix or network.prefixlen % 4:
        raise malformed_prefix(
            "ipv6", prefix, "a network whose length is a multiple of 4, like ipv6:2001:db8::/32"
        )
    return ("ipv6", *_nibbles(network.network_address)[: network.prefixlen // 4])


SCHEMES = (
    Scheme(
        name="ipv6",
        title="IPv6 address (RFC 5952)",
        example="2001:db8::1",
        check="unicast, not link-local",
        canonical="compressed, lower case",
        starts="",
        recognize=_ipv6,
        segments=lambda value: ("ipv6", *_nibbles(IPv6Address(value))),
        prefix=_prefix,
        namespace="ipv6",
        minimal_depth=9,
        committed=True,
        number=True,
        samples=Samples("2001:db8::/32", lambda n: samples.ipv6("2001:db8::/32", n)),
    ),
)
