"""The SDK against a registry in this process: every operation, and every way of being lied to."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import httpx
import orjson
import pytest

from identity.disclosure import CODE as CODE_POINTER
from identity.disclosure import open_disclosure
from identity.errors import (
    AmbiguousCode,
    CodeTaken,
    EvidenceRefused,
    ForkDetected,
    Gone,
    InvalidAnswer,
    InvalidInclusion,
    InvalidReceipt,
    InvalidStateProof,
    LedgerStopped,
    MalformedCode,
    MalformedInput,
    NotFound,
    RolledBack,
    ServerUnreachable,
    SignerMissing,
    TetradError,
)
from registry.audit import audit
from registry.checkpoint import Checkpoint
from registry.note import sign_note
from registry.receipt import TlogProof
from registry.rules import RuleBook
from resolver.client import Acknowledged, AsyncClient, Client
from resolver.client.log import RemoteLog
from resolver.schemes import SCHEMES
from tests.resolver.client.conftest import Answer, Registry

CODE = "(01)09506000134352(21)M-0017"


def body(maker: str, serial: int = 17, **changes: Any) -> dict[str, Any]:
    """A device in plain values."""
    return {
        "object": {
            "maker": maker,
            "model": "M1",
            "serial": f"SN{serial}",
            "sector": {"domain": "production", "field": "industry"},
            "ipv6": "enabled",
        },
        "code": f"(01)09506000134352(21)M-{serial:04}",
        "number": f"144{serial:010}",
    } | changes


def acme(client: Client) -> str:
    """An organization that holds a prefix."""
    did = client.create_organization("Acme Meters").did
    assert did is not None
    client.issue_grant(did, "prefix", {"scheme": "gtin", "prefix": "09506000"})
    return did


def one_device(client: Client, **changes: Any) -> Acknowledged:
    return client.register_device(body(acme(client), **changes))


def test_a_device_is_registered_resolved_and_proved(registry: Registry) -> None:
    client = registry.client()
    done = one_device(client)
    found = client.resolve(CODE)
    assert found.did == done.did
    assert found.status == "active"
    assert found.maker_name == "Acme Meters"
    assert found.verified.entry == done.index
    assert done.index < found.verified.state.root.index == client.trust.size - 1
    assert found.maker in found.verified.signers
    assert found.asserted == ""
    assert client.resolve(done.did).device == found.device
    number = client.resolve(disclosure=done.disclosures[1], scheme="msisdn-cn-iot")
    assert number.did == done.did
    assert client.receipt(found.did, done.operation)[0].index == done.index
    witnessed, _ = client.receipt(found.did, done.operation, witnessed=True)
    assert witnessed.index == done.index
    assert witnessed.checkpoint.checkpoint.size == client.trust.size


def test_the_whole_life_of_a_device(registry: Registry) -> None:
    client = registry.client()
    done = one_device(client)
    did = done.did or ""
    client.update_device(did, {"sector": {"domain": "governance", "field": "safety"}})
    client.rebind_number(did, "none")
    client.rotate_keys(did)
    client.suspend(did, "theft")
    assert client.resolve(CODE).status == "suspended"
    client.resume(did, "found")
    client.suspend(did, "audit", supervisor=True)
    client.revoke(did, "counterfeit")
    with pytest.raises(Gone) as gone:
        client.resolve(CODE)
    assert gone.value.members["answer"]["device"]["did"] == did
    assert client.resolve(CODE, tombstones=True).status == "revoked"
    assert [change["type"] for change in client.history(did)] == [
        "status.revoke",
        "status.suspend",
        "status.resume",
        "status.suspend",
        "keys.rotate",
        "number.rebind",
        "device.update",
        "device.register",
    ]
    assert client.resolve(did, at=done.time, tombstones=True).verified.entry >= done.index


def test_organizations_and_grants(registry: Registry) -> None:
    client = registry.client()
    did = acme(client)
    client.update_organization(did, {"name": "Acme International"})
    client.rotate_keys(did)
    assert client.organization(did)["name"] == "Acme International"
    assert client.wallet.named("Acme International") == did
    granted = client.issue_grant(did, "prefix", {"scheme": "gtin", "prefix": "095060001"})
    assert client.grant(granted.hash)["status"] == "active"
    client.withdraw_grant(did, granted.hash, "moved")
    assert client.grant(granted.hash)["status"] == "withdrawn"
    assert len(client.page("grants", {"limit": "1"})["grants"]) == 1  # type: ignore[arg-type]


def test_a_private_code_is_asked_for_in_the_body_and_said_to_be_asserted(
    registry: Registry,
) -> None:
    client = registry.client()
    did = client.create_organization("Radios").did or ""
    client.issue_grant(did, "prefix", {"scheme": "eui48", "prefix": "001b44"})
    done = client.register_device(body(did, code="00:1B:44:11:3A:B7"))
    found = client.resolve("001b44113ab7", scheme="eui48")
    assert found.did == done.did
    assert "registry's word" in found.asserted
    assert registry.asked[-1].startswith(("POST /v1/resolve", "GET /v1/ledger/proofs"))
    disclosed = [d for d in done.disclosures if open_disclosure(d).name == CODE_POINTER]
    assert client.resolve(disclosure=disclosed[0], scheme="eui48").asserted == ""


def test_batches_have_an_outcome_for_each_line(registry: Registry) -> None:
    client = registry.client()
    did = acme(client)
    signed = [client.flows.sign(client.flows.prepare_device(body(did, n))) for n in (1, 2, 1)]
    outcomes = client.submit_batch(signed)
    assert [type(outcome) for outcome in outcomes[:2]] == [Acknowledged, Acknowledged]
    assert isinstance(outcomes[2], CodeTaken)
    again = client.submit_batch(signed[:1])[0]
    assert isinstance(again, Acknowledged)
    assert again.repeated
    assert again.index == outcomes[0].index  # type: ignore[union-attr]


def test_what_is_refused_raises_its_own_class(registry: Registry) -> None:
    client = registry.client()
    did = acme(client)
    client.register_device(body(did))
    with pytest.raises(CodeTaken) as taken:
        client.register_device(body(did) | {"object": body(did, 18)["object"]})
    assert taken.value.pointer == "/body/code"
    assert len(client.wallet.identities) == 2  # nothing is kept of a device that is not
    with pytest.raises(NotFound):
        client.resolve("(01)09506000134352(21)NOBODY")
    with pytest.raises(MalformedCode):
        client.resolve("+8613800138000", scheme="msisdn")
    with pytest.raises(AmbiguousCode) as several:
        client.resolve("800000000006")  # a GTIN-12, or an EUI-48
    assert several.value.members["candidates"]


def test_keys_are_saved_before_anything_is_sent(registry: Registry) -> None:
    events: list[str] = []

    def watch(request: httpx.Request, answer: Answer) -> httpx.Response:
        if request.method == "POST":
            events.append("sent")
        return answer(request)

    registry.lie = watch
    client = Client(
        "http://registry",
        trust=registry.trusted(),
        transport=registry,
        save=lambda: events.append("saved"),
    )
    client.create_organization("Acme")
    assert events == ["saved", "sent", "saved"]


def test_a_rotation_that_was_interrupted_is_sent_again_as_it_was(registry: Registry) -> None:
    client = registry.client()
    did = acme(client)

    def lose_the_answer(request: httpx.Request, answer: Answer) -> httpx.Response:
        response = answer(request)
        if request.method == "POST":
            raise httpx.ReadError("connection reset")
        return response

    registry.lie = lose_the_answer
    with pytest.raises(ServerUnreachable):
        client.rotate_keys(did)
    registry.lie = None
    entries = client.history(did)
    done = client.rotate_keys(did)
    assert done.repeated
    assert client.history(did) == entries
    client.update_organization(did, {"name": "Acme 2"})  # with the new key


def test_what_was_interrupted_is_finished(registry: Registry) -> None:
    client = registry.client()
    did = acme(client)

    def cut(request: httpx.Request, answer: Answer) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ConnectError("no route")
        return answer(request)

    registry.lie = cut
    with pytest.raises(ServerUnreachable):
        client.create_organization("Bolt")
    with pytest.raises(ServerUnreachable):
        client.update_organization(did, {"name": "Acme 2"})
    registry.lie = None
    client.update_organization(did, {"name": "Acme 3"})  # takes the sequence of the one before
    finished = client.finish()
    assert [done.operation["type"] for done in finished] == ["organization.register"]
    assert client.wallet.named("Bolt") == finished[0].did
    assert client.finish() == []
    assert client.flows.unfinished() == []


def test_a_lost_answer_registers_once(registry: Registry, pauses: list[float]) -> None:
    client = registry.client()
    lost = [0]

    def lose_two(request: httpx.Request, answer: Answer) -> httpx.Response:
        response = answer(request)
        if request.method == "POST" and lost[0] < 2:
            lost[0] += 1
            raise httpx.ReadError("connection reset")
        return response

    registry.lie = lose_two
    done = client.create_organization("Acme")
    assert done.repeated
    audited = audit(RemoteLog(client), RuleBook(SCHEMES), genesis=client.trust.ledger)
    assert audited.operations["organization.register"] == 1
    assert len(pauses) == 2


def test_a_busy_server_is_asked_again_when_it_says(registry: Registry, pauses: list[float]) -> None:
    client = registry.client()
    refused = [0]

    def busy(request: httpx.Request, answer: Answer) -> httpx.Response:
        if refused[0] < 3:
            refused[0] += 1
            problem = {"code": "unavailable.busy", "detail": "full"}
            return httpx.Response(503, headers={"retry-after": "2"}, json=problem)
        return answer(request)

    registry.lie = busy
    client.checkpoint()
    assert len(pauses) == 3
    assert all(1 <= pause <= 2 for pause in pauses)


def test_what_never_answers_is_given_up(registry: Registry, pauses: list[float]) -> None:
    def stopped(_: httpx.Request, __: Answer) -> httpx.Response:
        return httpx.Response(503, json={"code": "unavailable.stopped", "detail": "no"})

    registry.lie = stopped
    with pytest.raises(LedgerStopped):
        registry.client().checkpoint()
    assert len(pauses) == 5
    with pytest.raises(ServerUnreachable), Client("http://127.0.0.1:9") as nobody:
        nobody.describe()


def altered(path: str, change: Any) -> Any:
    """A lie: the JSON answer at a path, changed."""

    def lie(request: httpx.Request, answer: Answer) -> httpx.Response:
        response = answer(request)
        if request.url.path != path:
            return response
        value = orjson.loads(response.content)
        change(value)
        return httpx.Response(response.status_code, json=value)

    return lie


def test_an_answer_that_says_something_else_is_refused(registry: Registry) -> None:
    client = registry.client()
    did = one_device(client).did or ""
    client.suspend(did, "stolen")

    def active(value: dict[str, Any]) -> None:
        value["device"] |= {"status": "active", "suspendedBy": []}

    def incomplete(value: dict[str, Any]) -> None:
        value["proof"]["entries"].pop()

    def older(value: dict[str, Any]) -> None:
        incomplete(value)
        active(value)

    def unproved(value: dict[str, Any]) -> None:
        del value["proof"]

    for change, error in (
        (active, InvalidStateProof),
        (older, InvalidStateProof),
        (incomplete, InvalidAnswer),
        (unproved, InvalidAnswer),
    ):
        registry.lie = altered("/v1/resolve", change)
        with pytest.raises(error):
            client.resolve(CODE)


def test_an_answer_about_another_device_is_refused(registry: Registry) -> None:
    client = registry.client()
    did = acme(client)
    client.register_device(body(did, 1))
    other = client.register_device(body(did, 2))

    def swap(_: httpx.Request, answer: Answer) -> httpx.Response:
        return answer(httpx.Request("GET", f"http://registry/v1/devices/{other.did}?proof=1"))

    registry.lie = swap
    with pytest.raises(InvalidAnswer):
        client.resolve("(01)09506000134352(21)M-0001")


def test_a_receipt_of_something_else_is_refused(registry: Registry) -> None:
    client = registry.client()
    first = client.create_organization("Acme")

    def another(value: dict[str, Any]) -> None:
        value["receipt"] = first.receipt

    def garbled(value: dict[str, Any]) -> None:
        proof = TlogProof.parse(value["receipt"].encode())
        value["receipt"] = (
            TlogProof(proof.index, proof.hashes[1:], proof.extra, proof.checkpoint)
            .format()
            .decode()
        )

    def none(value: dict[str, Any]) -> None:
        del value["receipt"]

    for change, error in (
        (another, (InvalidInclusion, InvalidReceipt)),
        (garbled, (InvalidInclusion,)),
        (none, (InvalidAnswer,)),
    ):
        registry.lie = altered("/v1/operations", change)
        with pytest.raises(error):
            client.create_organization("Bolt")


def test_a_restored_old_ledger_is_noticed(registry: Registry) -> None:
    client = registry.client()
    old = client.checkpoint()
    acme(client)
    client.checkpoint()
    size = client.trust.size

    def went_back(request: httpx.Request, _: Answer) -> httpx.Response:
        if request.url.path == "/checkpoint":
            return httpx.Response(200, content=old)
        problem = {"code": "not_found", "detail": "no such pair of sizes"}
        return httpx.Response(404, json=problem)

    registry.lie = went_back
    with pytest.raises(RolledBack):
        client.checkpoint()
    assert client.trust.size == size


def test_two_histories_are_noticed(registry: Registry) -> None:
    client = registry.client()
    acme(client)
    tree = Checkpoint(client.trust.origin, client.trust.size + 1, b"x" * 32)
    forged = sign_note(tree.format(), [registry.site.secrets.signers[0]], 0)

    def fork(request: httpx.Request, answer: Answer) -> httpx.Response:
        if request.url.path == "/checkpoint":
            return httpx.Response(200, content=forged)
        if "consistency" in request.url.path:
            return httpx.Response(200, json={"hashes": ["eA==" * 8]})
        return answer(request)

    registry.lie = fork
    with pytest.raises(EvidenceRefused):
        client.checkpoint()

    def fork_with_some_proof(request: httpx.Request, answer: Answer) -> httpx.Response:
        if "consistency" in request.url.path:
            hashes = ["A" * 43 + "=", "A" * 43 + "="]
            return httpx.Response(200, json={"hashes": hashes})
        return fork(request, answer)

    registry.lie = fork_with_some_proof
    with pytest.raises(ForkDetected) as noticed:
        client.checkpoint()
    assert noticed.value.members["shown"] == forged.decode()


@pytest.mark.parametrize(
    ("status", "headers", "content"),
    [
        (200, {}, b""),
        (200, {}, b"<html>"),
        (200, {}, b"[]"),
        (200, {}, b'{"genesis":null}'),
        (200, {}, b'{"genesis":{"type":"registry.genesis"}}'),
        (418, {}, b"teapot"),
        (500, {}, b'{"code":"internal","detail":"our mistake"}'),
        (400, {}, b'{"code":["x"],"detail":{},"self":1,"hint":3}'),
        (400, {}, b'{"code":"from.the.future","detail":"no"}'),
        (302, {"location": "http://elsewhere"}, b""),
        (200, {"content-encoding": "gzip"}, b"not gzip"),
        (503, {"retry-after": "soon"}, b"{}"),
    ],
)
def test_what_no_registry_says_raises_our_errors(
    status: int, headers: dict[str, str], content: bytes
) -> None:
    def strange(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))

    with (
        Client("http://registry", transport=httpx.MockTransport(strange)) as client,
        pytest.raises(TetradError),
    ):
        client.introduce()


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolver.client.exchange.MAX_BYTES", 1000)
    endless = httpx.MockTransport(lambda _: httpx.Response(200, content=b"x" * 5000))
    with (
        Client("http://registry", transport=endless) as client,
        pytest.raises(InvalidAnswer, match="longer"),
    ):
        client.describe()


def test_another_ledger_than_the_one_told_is_not_pinned(registry: Registry) -> None:
    client = Client("http://registry", transport=registry)
    with pytest.raises(MalformedInput, match="trusts no ledger"):
        client.checkpoint()
    shown = client.introduce()
    with pytest.raises(InvalidAnswer):
        client.pin(shown, expected="zQm" + "1" * 44)
    client.pin(shown, expected=shown.ledger)
    client.checkpoint()
    assert client.trust.size >= 1


@pytest.mark.parametrize("url", ["registry:8000", "ftp://x", "http://x/?q=1", "http://x/#a", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(MalformedInput):
        Client(url)


def test_what_another_wallet_must_sign_is_passed_on(registry: Registry) -> None:
    maker, user = registry.client(), registry.client()
    maker_did = acme(maker)
    user_did = user.create_organization("City Water").did or ""
    with pytest.raises(SignerMissing) as missing:
        maker.register_device(body(maker_did, controller=user_did))
    from resolver.client.signing import sign_what_we_can
    from resolver.prepared import read_prepared

    prepared = read_prepared(missing.value.members["prepared"])
    done = user.submit(sign_what_we_can(prepared, user.wallet).submission())
    assert user.resolve(CODE).device["controller"] == user_did
    assert user.operation_receipt(done.operation)[0].index == done.index


def test_the_remote_log_is_read_as_an_audit_reads_it(registry: Registry) -> None:
    client = registry.client()
    one_device(client)
    client.resolve(CODE)  # it is published by then
    audited = audit(
        RemoteLog(client), RuleBook(SCHEMES), genesis=client.trust.ledger, published=True
    )
    roots = audited.operations.pop("state root")
    assert audited.operations == {
        "registry.genesis": 1,
        "organization.register": 1,
        "grant.issue": 1,
        "device.register": 1,
    }
    assert audited.size == client.trust.size == roots + 4


def test_the_awaited_client_is_the_same_client(registry: Registry) -> None:
    """Several flows under way at once see one another's checkpoints and refuse none."""

    class Bridge(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await asyncio.to_thread(registry.handle_request, request)
            return httpx.Response(
                response.status_code, headers=response.headers, content=response.content
            )

    async def run() -> None:
        async with AsyncClient(
            "http://registry", trust=registry.trusted(), transport=Bridge()
        ) as client:
            did = (await client.create_organization("Acme")).did or ""
            await client.issue_grant(did, "prefix", {"scheme": "gtin", "prefix": "09506000"})
            done = await asyncio.gather(
                *(client.register_device(body(did, n)) for n in range(8)),
            )
            codes = [f"(01)09506000134352(21)M-{n:04}" for n in range(8)]
            found = await asyncio.gather(*map(client.resolve, codes))
            assert [one.did for one in found] == [one.did for one in done]
            newest = max(one.index for one in done)
            assert client.trust.size > newest
            assert all(one.verified.state.root.index >= newest for one in found)

    asyncio.run(run())


def test_both_clients_have_every_method_and_its_words() -> None:
    def methods(kind: type[object]) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")} - {"run", "close"}

    assert methods(Client) == methods(AsyncClient)
    for name in methods(Client):
        assert inspect.getdoc(inspect.getattr_static(Client, name)), name
