"""`tetrad authenticate`, `challenge`, `answer`, `verify`: shown to a service, and far from one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.errors import InvalidChallenge
from identity.keystore import Keystore
from identity.members import parse_time
from resolver.client import AsyncClient, Client
from resolver.client.home import Home
from resolver.folder import SANDBOX_PASSPHRASE
from tests.resolver.cli.conftest import Shell, start, stop
from tests.resolver.cli.test_sessions import acme, gtin


def device(shell: Shell, serial: str = "X", company: str = "") -> tuple[str, str]:
    """A registered device: its code and its DID."""
    code = f"(01){gtin(company or acme(shell))}(21){serial}"
    words = ("--model", "M1", "--serial", code, "--ipv6", "enabled", "--code", code)
    did: str = shell.must("register", *words, "--json").json["did"]
    return code, did


def test_the_service_knows_the_organization_and_its_device(shell: Shell) -> None:
    code, did = device(shell)
    shown = shell.must("authenticate")
    assert f"✓ {shell.url} knows that this is did:tetrad:" in shown.out
    assert "organization, by the key" in shown.out
    for name in (code, did):
        known = shell.must("authenticate", "--as", name, "--json").json
        assert (known["did"], known["kind"]) == (did, "device")
        assert known["keyShared"] is False
        assert "token" not in known


def test_a_credential_about_the_device_is_shown(shell: Shell, tmp_path: Path) -> None:
    code, did = device(shell)
    wallet = tmp_path / "credential.json"
    wallet.write_text('{"type": ["VerifiableCredential", "DeviceIdentity"]}')
    refused = shell("authenticate", "--as", code, "--credential", str(wallet))
    assert "[credential.malformed]" in refused.err
    wallet.write_text("[]")
    assert "is no credential" in shell("authenticate", "--as", did, "--credential", str(wallet)).err


def test_a_clock_that_was_put_forward_dates_challenges(shell: Shell) -> None:
    _, did = device(shell)
    now = shell.must("challenge", did).json["expires"]
    shell.environment |= {"TETRAD_TEST_CLOCK": "604800"}
    later = shell.must("challenge", did)
    assert 604_700 < parse_time(later.json["expires"]) - parse_time(now) < 604_900


def test_a_suspended_device_and_a_stranger_are_told(shell: Shell) -> None:
    _, did = device(shell)
    other = did[:-1] + ("y" if did.endswith("x") else "x")
    refused = shell("authenticate", "--as", other)
    assert refused.status == 1
    assert "holds no keys" in refused.err
    shell.must("status", "suspend", did, "--reason", "lost")
    suspended = shell("authenticate", "--as", did)
    assert "suspended  [authentication]" in suspended.err


def test_a_copy_of_the_wallet_is_noticed(shell: Shell) -> None:
    _, did = device(shell)
    shell.must("authenticate", "--as", did)
    home = Home(shell.home / ".tetrad")
    wallet = home.wallet_file(home.trust_at(shell.url))
    copied = wallet.read_bytes()
    shell.must("authenticate", "--as", did)
    after = wallet.read_bytes()
    wallet.write_bytes(copied)
    assert "!" not in shell.must("authenticate", "--as", did).out  # an answer may have been lost
    wallet.write_bytes(after)
    assert "two clients authenticate with this key" in shell.must("authenticate", "--as", did).out


def test_a_device_is_asked_by_a_file_and_verified_offline(tmp_path: Path) -> None:
    process, url = start("--ephemeral", ready=tmp_path / "ready")
    try:
        maker, asker = Shell(tmp_path / "maker", url), Shell(tmp_path / "asker", url)
        for one in (maker, asker):
            one.must("trust", url, "--yes")
        company = acme(maker)
        code, did = device(maker, company=company)
        other, stranger = device(maker, "Y", company)
        asker.must("org", "create", "Grid Co.")
        files = {name: tmp_path / name for name in ("challenge", "answer", "bundle", "other")}
        asker.must("resolve", code, "--bundle", str(files["bundle"]))
        asker.must("resolve", other, "--bundle", str(files["other"]))
        made = asker.must("challenge", code)
        assert made.json["did"] == did
        assert made.json["domain"].startswith("did:tetrad:")
    finally:
        stop(process)
    # Nobody can be reached any more.
    files["challenge"].write_text(made.out)
    answered = maker.must("answer", str(files["challenge"]))
    assert f"answers {made.json['domain']}" in answered.err
    files["answer"].write_text(answered.out)

    def verify(bundle: str = "bundle", *words: str) -> Any:
        files["challenge"].write_text(made.out)
        given = ("--challenge", str(files["challenge"]), "--bundle", str(files[bundle]))
        return asker("verify", str(files["answer"]), *given, *words)

    held = verify()
    assert held.status == 0, held
    assert "✓ AUTHENTICATED" in held.out
    assert f"ACTIVE  {did}" in held.out
    assert verify("bundle", "--json").json["authenticated"] is True
    # The challenge was used up, and no other answer is taken for it.
    given = ("--challenge", str(files["challenge"]), "--bundle", str(files["bundle"]))
    assert not files["challenge"].exists()
    assert asker("verify", str(files["answer"]), *given).status == 1
    assert "[authentication.challenge]" in verify("other").err
    asker.environment["TETRAD_TEST_CLOCK"] = "30"
    assert "[evidence.stale]" in verify("bundle", "--max-age", "20").err
    assert "--challenge FILE" in asker("verify", str(files["answer"])).err
    assert "--challenge FILE" in asker("verify", str(files["bundle"]), *given[2:]).err
    # Whoever is asked may send something else that holds: that answers nothing.
    for sent in (
        files["bundle"].read_bytes(),
        answered.out.encode() + files["bundle"].read_bytes(),
    ):
        files["challenge"].write_text(made.out)
        assert asker("verify", "-", *given, stdin=sent).status == 1
    # Another device of the same wallet answers for the one that was asked, under its own record.
    impostor = {name: value for name, value in made.json.items() if name != "did"}
    answering = maker.must("answer", "--as", stranger, stdin=orjson.dumps(impostor))
    files["challenge"].write_text(made.out)
    passed = ("--challenge", str(files["challenge"]), "--bundle", str(files["other"]))
    assert "is for" in asker("verify", "-", *passed, stdin=answering.out.encode()).err
    # A challenge is made of the bundle as well, where nobody can be asked.
    again = asker.must("challenge", "--bundle", str(files["bundle"]), "--domain", "Grid Co.")
    assert (again.json["did"], again.json["domain"]) == (did, "Grid Co.")
    refused = maker("answer", "--domain", "Somebody else", stdin=again.out)
    assert "by 'Grid Co.'" in refused.err
    files["challenge"].write_text(again.out)
    assert "another challenge" in asker("verify", str(files["answer"]), *given).err
    assert files["challenge"].exists()  # it was not named, and can still be answered
    late = orjson.loads(again.out) | {"expires": "2026-01-01T00:00:00Z"}
    assert "expired" in maker("answer", stdin=orjson.dumps(late)).err
    # A server's challenge is not answered for whoever brings it.
    relayed = orjson.loads(again.out) | {"domain": url}
    assert "not of who shows it" in maker("answer", stdin=orjson.dumps(relayed)).err
    assert asker("challenge", "--bundle", str(files["bundle"]), "--domain", url).status == 2


@pytest.fixture
def keystore(shell: Shell) -> Keystore:
    """The wallet of a person with a device."""
    device(shell)
    home = Home(shell.home / ".tetrad")
    return home.open_wallet(home.wallet_file(home.trust_at(shell.url)), SANDBOX_PASSPHRASE)


def test_both_clients_authenticate_over_http(shell: Shell, keystore: Keystore) -> None:
    dids = list(keystore.wallet.identities)
    path = "/v1/authentications/current"
    with keystore, Client(shell.url, wallet=keystore.wallet, save=keystore.save) as client:
        sessions = [client.authenticate(did) for did in dids]
        for session in sessions:
            known = orjson.loads(client.request_as(session, "GET", path).body)
            assert known["did"] == session.did
        told = sessions[0].headers("GET", "https://backend.example/readings")
        token = told["authorization"].split()[1]
        shown = client.introspect(sessions[1], token)
        assert (shown["active"], shown["sub"]) == (True, sessions[0].did)
        assert client.introspect(sessions[1], "A" * 43) == {"active": False}

    async def awaited() -> None:
        async with AsyncClient(shell.url, wallet=keystore.wallet) as client:
            session = await client.authenticate(dids[0])
            response = await client.request_as(session, "GET", path)
            assert orjson.loads(response.body)["did"] == dids[0]

    asyncio.run(awaited())


def test_a_service_under_another_name_gives_no_challenge(
    shell: Shell, keystore: Keystore, tmp_path: Path
) -> None:
    process, url = start(
        "--ephemeral", "--address", "https://registry.example", ready=tmp_path / "other"
    )
    try:
        did = next(iter(keystore.wallet.identities))
        with (
            keystore,
            Client(url, wallet=keystore.wallet) as client,
            pytest.raises(InvalidChallenge) as refused,
        ):
            client.authenticate(did)
        assert "--address" in refused.value.hint
        # The default address has two names on this machine.
        with Client(shell.url.replace("127.0.0.1", "localhost"), wallet=keystore.wallet) as client:
            assert client.authenticate(did).domain.startswith("http://localhost:")
    finally:
        stop(process)
