"""Which hosts are allowed, as DNS compares names, and which addresses are public."""

from __future__ import annotations

import pytest

from vreason_tracking.bundles.video_hosts import host_name, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "ff02::1",
        "fec0::1",
        "192.0.0.192",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "2001:0:7f00:1::",
        "text",
    ],
)
def test_private_addresses(address: str) -> None:
    """Of this machine, of networks at home, of clouds' metadata; also inside an IPv6 address."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses(address: str) -> None:
    """Are taken."""
    assert is_public(address)


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("clips.example.org", ["clips.example.org"], ["example.org", "x.clips.example.org", "clips.example.org.evil"]),
        ("*.example.org", ["a.example.org", "a.b.example.org"], ["example.org", "badexample.org"]),
        ("Clips.Example.org.", ["clips.example.org"], []),
        ("Bücher.example", ["xn--bcher-kva.example"], ["bucher.example"]),
    ],
)
def test_host_names(text: str, allowed: list[str], refused: list[str]) -> None:
    """As DNS compares them."""
    name = host_name(text)
    assert name is not None
    assert all(name.allows(host, 443, "https") for host in allowed)
    assert not any(name.allows(host, 443, "https") for host in refused)
    assert not name.allows(allowed[0], 8443, "https")


@pytest.mark.parametrize("text", ["", "http://a", "a/b", "a b", "a:0", "a:99999", "*", "user@host"])
def test_no_host_names(text: str) -> None:
    """They are none."""
    assert host_name(text) is None
