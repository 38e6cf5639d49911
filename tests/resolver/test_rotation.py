"""A rotation of log keys from the operator's side: the service, its folder, and every crash."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from identity.durable import replace_file
from identity.errors import InvalidCheckpoint, KeystoreError
from identity.jcs import Json, canonicalize
from identity.multibase import multihash
from registry.audit import audit
from registry.checkpoint import Checkpoint
from registry.ledger import Accepted, Ledger
from registry.logkeys import LogKeys
from registry.note import VerifierKey, sign_note
from registry.receipt import TlogProof
from resolver.folder import DataFolder, LogSecrets
from resolver.rotation import draw_log_keys
from resolver.trust import Trust
from resolver.verifier import verify_receipt
from tests.factory import NOW, ORIGIN, RULES, Maker, log_pair, log_vkeys
from tests.resolver.town import SECRETS, Town, problem

ONE_SET = LogSecrets(ORIGIN, SECRETS.ed25519, SECRETS.ml_dsa_44, SECRETS.uniqueness)
GENESIS_KEYS = log_vkeys(0)


@pytest.fixture
def town() -> Iterator[Town]:
    with Town() as service:
        yield service


def rotated(town: Town) -> tuple[int, int]:
    """Two updates with organizations around them; their entries."""
    town.organization("Acme")
    first = town.accept(town.update_registry(log=log_vkeys(1)))[0]["index"]
    town.organization("Beta")
    second = town.accept(town.update_registry(log=log_vkeys(2)))[0]["index"]
    return first, second


def keys_of(generation: int) -> tuple[VerifierKey, ...]:
    return tuple(signer.key for signer in log_pair(generation))


def followed(town: Town) -> Trust:
    trust = Trust.begin(town.genesis.operation)
    for item in town.get("/v1/ledger/keys").json()["updates"]:
        trust = trust.extend(item)
    return trust


def test_the_service_switches_by_itself_and_shows_how(town: Town) -> None:
    first, second = rotated(town)
    trust = followed(town)
    assert [period.entry for period in trust.history.keys.later] == [first, second]
    # The tree that ends with the second update is by the keys before it …
    note = town.get(f"/v1/ledger/checkpoints/{second + 1}").content
    assert trust.open(note).checkpoint.size == second + 1
    assert LogKeys(trust.log_keys).after(0, keys_of(1)).open(note)
    # … and what is published, beyond it, by the new ones.
    opened = trust.open(town.get("/checkpoint").content)
    assert opened.checkpoint.size > second + 1
    assert opened.times[0][0] == log_pair(2)[1].key
    assert town.get("/.well-known/tetrad").json()["log"]["vkeys"] == log_vkeys(2)
    assert town.get("/v1/registry").json()["registry"]["log"] == log_vkeys(2)
    after = town.get(f"/v1/ledger/keys?after={first}").json()["updates"]
    assert [one["entries"][-1]["entry"]["index"] for one in after] == [second]


def test_keys_that_are_not_held_are_refused_with_a_hint(town: Town) -> None:
    response = town.post(town.update_registry(log=log_vkeys(3)).submission)
    refused = problem(response)
    assert (response.status_code, refused["code"]) == (422, "rule.policy")
    assert refused["pointer"] == "/body/log"
    assert "tetrad registry update" in refused["hint"]
    town.organization("Acme")


def test_operations_behind_an_update_in_one_batch_are_accepted(town: Town) -> None:
    update = town.update_registry(log=log_vkeys(1))
    names = [town.new_organization(name).first for name in ("Acme", "Beta")]
    lines = [one.submission for one in (names[0], update, names[1]) if one]
    answers = town.batch(lines)
    assert [answer["status"] for answer in answers] == [201, 201, 201]
    ends = answers[1]["index"] + 1
    assert town.get(f"/v1/ledger/checkpoints/{ends}").status_code == 200
    assert town.get(f"/v1/ledger/checkpoints/{ends - 1}").status_code == 404


def test_the_receipt_of_any_operation_is_given_again(town: Town) -> None:
    acme = town.acme()
    meter = town.device("M-1", acme)
    update = town.update_registry(log=log_vkeys(1))
    town.accept(update)
    town.organization("Beta")
    trust = followed(town)
    assert meter.first is not None
    assert acme.first is not None
    for signed in (town.genesis, acme.first, meter.first, update):
        for query, dated in (("", 0), ("?witnessed=0", 0), ("?witnessed=1", 1)):
            receipt = town.get(f"/v1/operations/{signed.hash}/receipt{query}")
            assert receipt.headers["content-type"].startswith("text/plain")
            found = verify_receipt(receipt.content, signed.operation, trust.pinned)
            assert len(found.checkpoint.times) == dated
    witnessed = town.get(f"/v1/devices/{meter.did}/receipt?witnessed=1").content
    assert TlogProof.parse(witnessed).checkpoint == town.get("/checkpoint").content
    assert (
        problem(town.get(f"/v1/operations/{multihash(b'no operation')}/receipt"))["code"]
        == "not_found"
    )
    assert town.get("/v1/operations/x/receipt").status_code == 400
    assert town.get(f"/v1/operations/{update.hash}/receipt?witness=1").status_code == 422


# The folder


def in_folder(path: Path, now: int = NOW) -> Town:
    """A town over that folder; its parties' keys follow from their names."""

    def site(_: LogSecrets, genesis: dict[str, Json]) -> DataFolder:
        path.mkdir(exist_ok=True)
        if not (path / "log.key").exists():
            replace_file(path / "genesis.json", canonicalize(genesis))
            replace_file(path / "log.key", ONE_SET.to_json())
        return DataFolder.open(path)

    town = Town(site=site)  # its genesis is of the same second, whatever the clock shows then
    town.now = now
    return town


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The folder of a ledger of one entry."""
    with in_folder(tmp_path / "city"):
        pass
    return tmp_path / "city"


def test_new_keys_lie_beside_the_present_ones_for_the_owner_alone(path: Path) -> None:
    before = LogSecrets.read(path)
    log = draw_log_keys(path, GENESIS_KEYS)
    after = LogSecrets.read(path)
    assert after.sets[0][0].key == before.sets[0][0].key
    assert [str(signer.key) for signer in after.sets[1]] == log
    assert after.uniqueness == before.uniqueness
    assert stat.S_IMODE((path / "log.key").stat().st_mode) == 0o600
    assert not list(path.glob(".*new"))


def test_what_was_drawn_and_never_used_is_taken_again(path: Path) -> None:
    log = draw_log_keys(path, GENESIS_KEYS)
    assert draw_log_keys(path, GENESIS_KEYS) == log
    assert draw_log_keys(path, [*GENESIS_KEYS, *log]) != log
    assert len(LogSecrets.read(path).sets) == 3


def test_another_logs_folder_is_not_touched(path: Path, tmp_path: Path) -> None:
    before = (path / "log.key").read_bytes()
    with pytest.raises(KeystoreError, match="another log"):
        draw_log_keys(path, log_vkeys(3))
    with pytest.raises(KeystoreError):
        draw_log_keys(tmp_path / "nothing", GENESIS_KEYS)
    assert (path / "log.key").read_bytes() == before


@pytest.mark.parametrize(
    "spoiled",
    [
        {"further": [["AAAA", "AAAA"]]},
        {"further": [["AAAA"]]},
        {"further": "x"},
        {"further": [[1, 2]]},
        {"further": 1},
    ],
)
def test_a_damaged_log_key_is_refused(spoiled: dict[str, object]) -> None:
    text = orjson.dumps(orjson.loads(ONE_SET.to_json()) | spoiled)
    with pytest.raises(KeystoreError):
        LogSecrets.from_json(text)
    assert LogSecrets.from_json(SECRETS.to_json()) == SECRETS


def test_a_service_at_work_takes_up_keys_that_were_drawn_beside_it(path: Path) -> None:
    with in_folder(path) as town:
        log = draw_log_keys(path, GENESIS_KEYS)
        update = town.accept(town.update_registry(log=log))[0]["index"]
        town.organization("Acme")
        opened = followed(town).open(town.get("/checkpoint").content)
        assert opened.checkpoint.size >= update + 2
        assert str(opened.times[0][0]) == log[1]


def audited(path: Path) -> dict[str, int]:
    with closing(DataFolder.open(path)) as folder:
        return audit(folder.store, RULES, stored=folder.store).operations


def test_a_crash_between_drawing_and_sending_changes_nothing(path: Path) -> None:
    log = draw_log_keys(path, GENESIS_KEYS)
    (path / ".log.key.new").write_bytes(b"half a fi")  # and one in the middle of the next drawing
    with in_folder(path) as town:
        town.organization("Acme")
        assert town.get("/.well-known/tetrad").json()["log"]["vkeys"] == GENESIS_KEYS
        assert draw_log_keys(path, GENESIS_KEYS) == log
    assert audited(path)["organization.register"] == 1


def test_a_crash_between_the_commit_and_anything_else_loses_nothing(path: Path) -> None:
    """The update is committed, and the process is gone: nothing published, no switch made."""
    log = draw_log_keys(path, GENESIS_KEYS)
    maker = Maker()
    with closing(DataFolder.open(path)) as folder:
        ledger = Ledger(folder.store, RULES, folder.signers, ORIGIN)
        (done,) = ledger.append([maker.check(maker.update_registry(log=log))], NOW)
        assert isinstance(done, Accepted)
    with in_folder(path) as again:
        # The same update is known, its receipt is given, and the trees behind it have new keys.
        answer = again.post(again.update_registry(log=log).submission).json()
        assert (answer["repeated"], answer["index"]) == (True, done.index)
        again.organization("Acme")
        trust = followed(again)
        assert str(trust.open(again.get("/checkpoint").content).times[0][0]) == log[1]
        assert trust.open(TlogProof.parse(answer["receipt"].encode()).checkpoint)
    assert audited(path)["registry.update"] == 1


def test_a_log_key_from_before_the_rotation_is_not_served(path: Path) -> None:
    before = (path / "log.key").read_bytes()
    log = draw_log_keys(path, GENESIS_KEYS)
    with in_folder(path) as town:
        town.accept(town.update_registry(log=log))
    (path / "log.key").write_bytes(before)
    with pytest.raises(KeystoreError, match="in force") as refused:
        DataFolder.open(path)
    assert "rotation" in refused.value.hint


def test_a_kept_checkpoint_by_a_replaced_key_is_not_trusted(path: Path) -> None:
    log = draw_log_keys(path, GENESIS_KEYS)
    with in_folder(path) as town:
        town.accept(town.update_registry(log=log))
        town.organization("Acme")
        head = town.site.store.head()
        assert head is not None
    forged = Checkpoint(ORIGIN, head.size, head.root).format()
    (path / "checkpoint").write_bytes(sign_note(forged, [log_pair(0)[0]], 0))
    with pytest.raises(InvalidCheckpoint):
        DataFolder.open(path)


def dated(town: Town) -> int:
    keys = LogKeys(tuple(map(VerifierKey.parse, GENESIS_KEYS)))
    ((_, time),) = keys.open(town.get("/checkpoint").content).times
    return time


def test_the_date_of_a_checkpoint_never_goes_back(path: Path) -> None:
    """Whatever the clock does while the service runs, or while it is down."""
    with in_folder(path, NOW + 500) as town:
        assert dated(town) == NOW + 500
        town.now = NOW + 300
        town.organization("Acme")
        assert dated(town) == NOW + 500
    with in_folder(path, NOW + 100) as town:
        assert dated(town) == NOW + 500
        town.now = NOW + 700
        town.organization("Beta")
        assert dated(town) == NOW + 700
