"""Which hosts a recursive resolver may ask, and at which addresses.

    allowed = AllowList.of(["acme.example", "*.nodes.example", "127.0.0.1:8101"], ["10.1.0.0/16"])
    target = allowed.target("https://acme.example")     # Target(scheme, host, port)
    allowed.check_address(target, "203.0.113.7")

The address of a node comes out of a grant that somebody else signed: followed blindly, it would
make of a resolver a hand into the network in which it stands (server-side request forgery). So a
host is asked only where the operator has named it, and only at public addresses, unless the
operator has named the address itself or its network. Pure: names are looked up by `fetching`.
Specified in specs/3-resolution.md, "Recursion".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

from identity.errors import HostRefused, MalformedInput

Address = IPv4Address | IPv6Address

_NAME: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_URL: Final = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?/?")
_NUMBER: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_PORTS: Final = {"http": 80, "https": 443}
# An IPv4 address within an IPv6 one is reached through a translator or tunnel: what the outer
# address says of itself counts nothing.
_TRANSLATED: Final = tuple(
    IPv6Network(net)
    for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)


class Target(NamedTuple):
    """Where a node is asked."""

    scheme: str
    host: str
    """In lower case; an IPv6 address without its brackets."""
    port: int

    @property
    def literal(self) -> Address | None:
        """The host as an address, where it is one."""
        return _literal(self.host)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class AllowList:
    """What the operator has named."""

    hosts: frozenset[tuple[str, int | None]]
    """Names and addresses, with the only port or with any."""
    below: frozenset[tuple[str, int | None]]
    """Names of which every name below is meant (`*.nodes.example`)."""
    networks: tuple[object, ...]
    """Networks that are not public, and may be asked all the same."""

    @classmethod
    def of(cls, hosts: Sequence[str], networks: Sequence[str] = ()) -> AllowList:
        """Out of settings. Raises MalformedInput."""
        exact, below = set[tuple[str, int | None]](), set[tuple[str, int | None]]()
        for text in hosts:
            name, port = _host_and_port(text.strip().lower())
            (below if name.startswith("*.") else exact).add((name.removeprefix("*."), port))
        try:
            nets = tuple(ip_network(one.strip()) for one in networks)
        except ValueError as error:
            raise MalformedInput(f"no network: {error}", hint="as in 10.1.0.0/16") from None
        return cls(frozenset(exact), frozenset(below), nets)

    def target(self, url: str) -> Target:
        """Where a node with that address is asked. Raises HostRefused."""
        target = _read(url)
        names = {(target.host, target.port), (target.host, None)}
        if names & self.hosts:
            return target
        labels = target.host.split(".") if target.literal is None else []
        for at in range(1, len(labels)):
            parent = ".".join(labels[at:])
            if {(parent, target.port), (parent, None)} & self.below:
                return target
        raise HostRefused(
            f"the host {target.host} is not among those that may be asked",
            hint=f"whoever runs this resolver can allow it: --allow-host {target.host}",
        )

    def check_address(self, target: Target, address: str) -> None:
        """Whether the host may be asked at an address to which its name leads. Raises
        HostRefused, which does not tell the address: it may be one of the operator's own
        network, and whoever asks is not the operator."""
        found = ip_address(address.partition("%")[0])
        if target.literal is not None or any(found in net for net in self.networks):  # type: ignore[operator]
            return  # the operator has named it
        if not is_public(found):
            raise HostRefused(
                f"the host {target.host} leads to an address that is not public",
                hint="whoever runs this resolver can allow a network: --allow-network",
            )


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, and nothing else behind it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None or any(address in net for net in _TRANSLATED):
            return False
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _read(url: str) -> Target:
    """The parts of a node's address: a scheme, a host, perhaps a port, and nothing else."""
    parts = _URL.fullmatch(url)
    if parts is None:
        raise HostRefused(
            "the address of a node is http or https, a host, perhaps a port, and no more"
        )
    scheme, host, digits = parts[1], parts[2].lower().strip("[]").rstrip("."), parts[3]
    port = int(digits) if digits else _PORTS[scheme]
    if not _is_host(host) or not 0 < port < 65_536:
        raise HostRefused("the node's address has no host that may be asked")
    return Target(scheme, host, port)


def _is_host(host: str) -> bool:
    """A name, or an address in its one spelling: never 0x7f.1, 2130706433 or 127.1, which a
    system's resolver takes for addresses as well."""
    found = _literal(host)
    if found is not None:
        return str(found) == host and "%" not in host
    return (
        bool(_NAME.fullmatch(host))
        and len(host) <= 253
        and not _NUMBER.fullmatch(host.split(".")[-1])
    )


def _host_and_port(text: str) -> tuple[str, int | None]:
    """Of a pattern. Raises MalformedInput."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    plain = host.removeprefix("*.")
    known = _is_host(plain) and not (host != plain and _literal(plain))
    if not known or (port and not (port.isdigit() and 0 < int(port) < 65_536)):
        raise MalformedInput(
            f"no host that can be allowed: {text[:80]!r}",
            hint="acme.example, *.acme.example, acme.example:8443, 127.0.0.1:8101, [::1]:8101",
        )
    return host, int(port) if port else None
