"""Which hosts a user allows, and which addresses are of the public internet."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

PORTS = {"http": 80, "https": 443}
"""Usual ports by scheme."""

_NAME = re.compile(r"(?P<wild>\*\.)?(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_INSIDE = tuple(ipaddress.ip_network(each) for each in ("192.0.0.0/24", "168.63.129.16/32", "fec0::/10"))
"""Not private by the registry that `ipaddress` goes by, and yet of the inside: clouds' own services, sites of old."""


@dataclass(frozen=True)
class HostName:
    """A host that is allowed; `port` None is the usual one of http or https, `wild` allows what lies below the name."""

    host: str
    port: int | None
    wild: bool

    def allows(self, host: str, port: int, scheme: str) -> bool:
        """Whether a URL's host and port are this one's."""
        named = host.endswith(f".{self.host}") if self.wild else host == self.host
        return named and port == (self.port or PORTS[scheme])


def host_name(text: str) -> HostName | None:
    """What a user writes for a host; None where it is none."""
    found = _NAME.fullmatch(text.strip())
    if found is None or (found["port"] and not 0 < int(found["port"]) < 65536):
        return None
    host = normalised(found["host"].strip("[]"))
    return HostName(host, int(found["port"]) if found["port"] else None, bool(found["wild"])) if host else None


def normalised(host: str) -> str:
    """As DNS compares names; "" where it is none."""
    try:
        name = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    return name if re.fullmatch(r"[a-z0-9._:-]+", name) else ""


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, the one that it embeds included (mapped, 6to4, Teredo, NAT64)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    embedded: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        embedded += [each for each in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if each is not None]
        if address in ipaddress.ip_network("64:ff9b::/96"):
            embedded.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        embedded = [address.ipv4_mapped]
    inside = any(each in network for each in embedded for network in _INSIDE)
    return not inside and all(each.is_global and not each.is_multicast and not each.is_reserved for each in embedded)
