"""How an account proves itself: the RFC's own example, and challenges of every kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.probes.sip_digest import Challenge, best_of, credentials

# RFC 7616 section 3.9.1.
REALM = "http-auth@example.org"
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def challenge(algorithm: str, more: str = "") -> str:
    return (
        f'Digest realm="{REALM}", qop="auth, auth-int", algorithm={algorithm}, nonce="{NONCE}", opaque="{OPAQUE}"{more}'
    )


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_proof_is_the_one_of_the_rfc(algorithm: str, response: str) -> None:
    found = best_of([challenge(algorithm)])
    assert found == Challenge(REALM, NONCE, algorithm, True, OPAQUE)
    said = credentials(found, "Mufasa", "Circle of Life", "GET", "/dir/index.html", CNONCE)
    assert said.endswith(f'opaque="{OPAQUE}", response="{response}"')
    assert "Circle" not in said


def test_the_strongest_that_we_know_is_answered() -> None:
    offered = [challenge("MD5"), challenge("SHA-512-256"), challenge("SHA-256")]
    found = best_of(offered)
    assert found is not None
    assert found.algorithm == "SHA-256"


@pytest.mark.parametrize(
    "value",
    ["", "Basic realm=x", "Digest realm=x", 'Digest realm="x', 'Digest realm=x, nonce=y, qop="auth-int"', "Digest a b"],
)
def test_what_cannot_be_answered(value: str) -> None:
    assert best_of([value]) is None


def test_the_oldest_way_and_quotes_inside() -> None:
    found = best_of(['digest nonce=n , realm="a \\"b\\" \\\\c"'])
    assert found == Challenge('a "b" \\c', "n")
    said = credentials(found, "probe", "secret", "REGISTER", "sip:uc.example", "c")
    assert 'realm="a \\"b\\" \\\\c"' in said
    assert "qop" not in said
    assert "cnonce" not in said


@given(st.lists(st.text(st.sampled_from('Digest realm="\\,nonce=x qop auth algorithm'), max_size=60), max_size=4))
def test_no_challenge_breaks_the_reader(values: list[str]) -> None:
    best_of(values)
    best_of([f"Digest {value}" for value in values])
