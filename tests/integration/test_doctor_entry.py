"""What `ringfence doctor` and `check-config` say of the certificate and of the sign-in providers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.cli.config_report import examine
from ringfence.cli.doctor import entry_checks, local_checks
from ringfence.cli.doctor.finding import Finding, State
from ringfence.cli.doctor.ground import Ground
from tests.integration.sign_in_site import Lab, lab_in
from tests.lab.oidc_site import Faults
from tests.unit.test_config import GOOD


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_in(tmp_path_factory.mktemp("openid")) as found:
        yield found


class Site:
    def __init__(self, folder: Path, lab: Lab) -> None:
        self.lab = lab
        lab.site.faults = Faults()
        self.config = folder / "ringfence.toml"
        for name in ("ari_secret", "ami_secret", "http_token", "oidc_company_secret"):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text("a-secret-of-the-lab-long-enough")

    def write(self, issuer: str = "", days: int = 90, ca_file: bool = True) -> Ground:
        pair = self.lab.authority.certify("localhost", days=days)
        trusted = f'ca_file = "{self.lab.authority.file}"' if ca_file else ""
        self.config.write_text(
            f"""{GOOD}
[http]
certificate = "{pair.certificate}"
private_key = "{pair.key}"
public_url = "https://ringfence.example.org"

[[sign_in]]
name = "company"
issuer = "{issuer or self.lab.site.issuer}"
client_id = "ringfence"
role_map = {{ "telephony-helpdesk" = "helpdesk" }}
{trusted}
"""
        )
        return Ground(self.config)


@pytest.fixture
def site(tmp_path: Path, lab: Lab) -> Site:
    return Site(tmp_path, lab)


async def asked(ground: Ground) -> tuple[list[Finding], list[Finding]]:
    assert [finding.state for finding in await local_checks.configuration(ground)] != [State.FAIL]
    return await entry_checks.certificate(ground), await entry_checks.sign_in(ground)


async def test_all_is_well(site: Site) -> None:
    certificate, sign_in = await asked(site.write())
    assert [finding.state for finding in (*certificate, *sign_in)] == [State.OK, State.OK]


async def test_a_certificate_that_ends_soon_is_a_warning_in_both(site: Site) -> None:
    certificate, _ = await asked(site.write(days=5))
    assert [finding.state for finding in certificate] == [State.WARN]
    assert "expires in 4 days" in certificate[0].words
    found = examine(site.config)
    assert found.errors == ()
    assert any("expires in 4 days" in warning for warning in found.warnings)


async def test_a_key_that_is_gone_or_open_to_others_is_told(site: Site) -> None:
    ground = site.write()
    key = next(Path(line.split('"')[1]) for line in site.config.read_text().splitlines() if "private_key" in line)
    key.chmod(0o644)
    certificate, _ = await asked(ground)
    assert [finding.state for finding in certificate] == [State.FAIL]
    key.unlink()
    certificate, _ = await asked(ground)
    assert f"[http] private_key: {key}: there is no such file" in certificate[0].words
    assert any(str(key) in error for error in examine(site.config).errors)


async def test_a_provider_that_is_down_or_another_is_told_with_the_fix(site: Site) -> None:
    site.lab.site.faults.down = True
    _, (finding,) = await asked(site.write())
    assert (finding.state, "ca_file" in finding.fix) == (State.FAIL, True)
    site.lab.site.faults.down = False
    _, (finding,) = await asked(site.write(ca_file=False))
    assert "its certificate does not verify" in finding.words
    _, (finding,) = await asked(site.write(issuer=f"{site.lab.site.issuer}/"))
    assert "letter by letter" in finding.fix


async def test_a_client_secret_that_others_may_read_is_told(site: Site) -> None:
    ground = site.write()
    (site.config.parent / "oidc_company_secret").chmod(0o644)
    await asked(ground)
    (finding,) = await local_checks.secrets(ground)
    assert finding.state is State.FAIL and "oidc_company_secret" in finding.words
    (site.config.parent / "oidc_company_secret").write_text("two words")
    assert any("oidc_company_secret" in error for error in examine(site.config).errors)


async def test_a_routes_secret_and_the_databases_password_are_looked_at_too(site: Site) -> None:
    ground = site.write()
    site.config.write_text(f'{site.config.read_text()}\n[[notify]]\nname = "chat"\ntype = "apprise"\n')
    for name in ("notify_chat_secret", "database_password", "notify_nobody_secret"):
        (site.config.parent / name).touch()
        (site.config.parent / name).chmod(0o644)
    await asked(ground)
    found = await local_checks.secrets(ground)
    assert [finding.state for finding in found] == [State.FAIL, State.FAIL]
    assert ["database_password" in found[0].words, "notify_chat_secret" in found[1].words] == [True, True]
