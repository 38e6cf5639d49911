"""specs/vectors: what the generator writes, what our code says to each, and what Node.js says.

The files are the promise: they are read here as any other implementation would read them.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from identity.credentials.credential import verify_credential
from identity.credentials.presentation import verify_presentation
from identity.credentials.status_list import status_of
from identity.did import parse_tetrad_did, tetrad_did, tetrad_method
from identity.disclosure import open_disclosure
from identity.dpop import check_dpop
from identity.errors import InvalidToken, MalformedPolicy, QuorumMissing, TetradError, catalogue
from identity.jcs import canonicalize, parse
from identity.jwk import jwk_thumbprint
from identity.keys import kind_of, private_key, public_key
from identity.members import parse_time
from identity.methods import did_key_methods
from identity.multibase import base64url_decode
from identity.operation import operation_hash, read_operation
from identity.proof import create_proof, verify_proof
from identity.vrf import VrfKey, verify
from registry.checkpoint import open_checkpoint
from registry.entry import StateRoot, parse_any
from registry.map_proof import MapProof, check_absent, check_present
from registry.merkle import check_consistency, check_inclusion, leaf_hash
from registry.note import SignatureType, Signer, VerifierKey, sign_note
from registry.policy import Policy
from registry.state import FIRST_HISTORY, MemoryState, next_history, state_key
from registry.state_map import StateMap
from registry.store import Batch, Head, MemoryStore
from registry.uniqueness import HMAC, Uniqueness
from resolver.authentication import verify_authentication
from resolver.bundle import known_as, read_bundle
from resolver.challenges import read_challenge
from resolver.handles.encoding import digests_of
from resolver.handles.signing import unsigned
from resolver.handles.values import device_values, prefix_values
from resolver.histories import Step, device_history, number_history
from resolver.links import verify_links, verify_no_links
from resolver.path import verify_path
from resolver.pinned import Pinned
from resolver.trust import Trust
from resolver.verifier import verify_absence, verify_answer, verify_receipt
from resolver.witness.cosigning import Witness
from resolver.witness.store import WitnessStore
from tests.factory import RULES
from tests.generated import every_file, graded
from tests.generated.__main__ import FOLDERS, SPECS
from tests.generated.parts import whole
from tests.witnesses import secrets

VECTORS = SPECS / "vectors"
CHECKER = SPECS.parent / "tests" / "interop" / "node" / "check_vectors.mjs"
RULE_VECTORS = sorted((VECTORS / "rules").glob("*.json"))


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_bytes())


def identity(name: str) -> list[Any]:
    found: list[Any] = load(f"identity/{name}.json")["vectors"]
    return found


def refusal(run: Any) -> str | None:
    """The code of the error, or None."""
    try:
        run()
    except TetradError as error:
        return error.code
    return None


def test_the_files_are_what_the_generator_writes() -> None:
    made = every_file()
    found = {
        str(path.relative_to(SPECS)): path.read_bytes()
        for folder in FOLDERS
        for path in (SPECS / folder).glob("*.json")
    }
    assert sorted(found) == sorted(made), "run `python -m tests.generated`"
    for name, content in made.items():
        assert found[name] == content, f"{name}: run `python -m tests.generated`"


@pytest.mark.parametrize("path", RULE_VECTORS, ids=lambda path: path.stem)
def test_rules(path: Path) -> None:
    vector = json.loads(path.read_bytes())
    records = {tuple(key): record for key, record in vector["state"]["records"]}
    state = MemoryState(None, records)
    state._size = vector["state"]["size"]
    operation = read_operation(vector["operation"])
    assert operation_hash(vector["operation"]) == vector["hash"]
    now = parse_time(vector["now"])
    outcome: dict[str, Any]
    try:
        changes = RULES.apply(state, operation, vector["hash"], vector["unique"], now)
        outcome = {"changes": changes}
    except TetradError as error:
        outcome = {"error": {"code": error.code, "pointer": error.pointer}}
    if "changes" in vector:
        assert outcome == {"changes": {tuple(key): record for key, record in vector["changes"]}}
    else:
        assert outcome == {"error": vector["error"]}


def test_rules_cover_every_error_that_rules_have() -> None:
    vectors = [json.loads(path.read_bytes()) for path in RULE_VECTORS]
    shown = {vector["error"]["code"] for vector in vectors if "error" in vector}
    families = ("rule.", "conflict.", "right.")
    assert {error.code for error in catalogue() if error.code.startswith(families)} <= shown
    assert shown <= {error.code for error in catalogue()}


def test_jcs() -> None:
    for vector in identity("jcs"):
        data = bytes.fromhex(vector["hex"])
        assert refusal(lambda data=data: parse(data)) == vector.get("error"), vector["name"]
        if "canonical" in vector:
            assert canonicalize(parse(data)) == vector["canonical"].encode()


def test_keys() -> None:
    for vector in identity("keys"):
        multikey = vector["multikey"]
        code = refusal(lambda multikey=multikey: public_key(multikey))
        assert code == vector.get("error"), vector["name"]
        if code is None:
            found = public_key(multikey)
            shown = (found.algorithm, found.raw.hex(), found.thumbprint, kind_of(found.algorithm))
            assert shown == tuple(vector[n] for n in ("algorithm", "raw", "thumbprint", "kind"))


def test_dids() -> None:
    for vector in identity("dids"):
        if "genesis" in vector:
            assert tetrad_did(vector["genesis"], vector["operation"]) == vector["did"]
            assert parse_tetrad_did(vector["did"]) == (vector["label"], vector["operation"])
        elif "thumbprint" in vector:
            assert tetrad_method(vector["did"], vector["thumbprint"]) == vector["method"]
        elif "did" in vector:
            did = vector["did"]
            assert refusal(lambda did=did: parse_tetrad_did(did)) == vector["error"], did


def test_proofs() -> None:
    for vector in identity("proofs"):
        secured = vector["secured"]
        (proof,) = secured["proof"]
        signer = public_key(vector["multikey"])

        def verify(secured: Any = secured, proof: Any = proof, signer: Any = signer) -> None:
            verify_proof(secured, proof, signer, expected_purpose="capabilityInvocation")

        assert refusal(verify) == vector.get("error"), vector["name"]
        if "error" not in vector:
            key = private_key(signer.algorithm, bytes.fromhex(vector["secret"]))
            options = json.loads(vector["options"])
            made = create_proof(json.loads(vector["document"]), key, options)
            verify({**secured, "proof": [made]}, made)
            assert made == proof or kind_of(signer.algorithm) == "post-quantum"  # signs hedged


def test_credentials() -> None:
    whole = load("identity/credentials.json")
    now = whole["now"]
    for vector in whole["vectors"]:

        def verify(vector: Any = vector) -> None:
            if "credential" in vector:
                verify_credential(vector["credential"], did_key_methods, now=now)
                return
            asked = {name: whole[name] for name in ("challenge", "domain")}
            verify_presentation(vector["presentation"], did_key_methods, now=now, **asked)

        assert refusal(verify) == vector.get("error"), vector["name"]


def test_status_lists() -> None:
    whole = load("identity/status_lists.json")
    for vector in whole["vectors"]:
        run = partial(status_of, vector["entry"], vector["list"], issuer=whole["issuer"])
        assert refusal(run) == vector.get("error"), vector["name"]
        if "error" not in vector:
            said = run()
            assert (said.value, said.message) == (vector["value"], vector["message"])


def test_authentication() -> None:
    asked = read_challenge(load("identity/authentication.json")["challenge"])
    now = load("identity/authentication.json")["now"]
    for vector in identity("authentication"):
        shown, record = vector["presentation"], vector["record"]
        answered = {"challenge": asked.challenge, "domain": asked.domain, "now": now}
        verify_answered = partial(verify_authentication, shown, record, **answered)
        assert refusal(verify_answered) == vector.get("error"), vector["name"]
        if "error" not in vector:
            found = verify_answered()
            assert found.key.thumbprint == vector["key"]
            assert found.previous == vector.get("previous")


def test_dpop() -> None:
    for vector in identity("dpop"):
        asked = {name: vector[name] for name in ("method", "url", "token", "now", "window")}

        def possessed(
            proof: str = vector["proof"], asked: Any = asked, jkt: str = vector["jkt"]
        ) -> str:
            found = check_dpop(proof, **asked)
            if jwk_thumbprint(found.key) != jkt:
                raise InvalidToken("another key")
            return found.jti

        assert refusal(possessed) == vector.get("error"), vector["name"]
        if "error" not in vector:
            assert possessed() == vector["jti"]


def test_disclosures() -> None:
    for vector in identity("disclosures"):
        encoded = vector["encoded"]
        code = refusal(lambda encoded=encoded: open_disclosure(encoded))
        assert code == vector.get("error"), vector["name"]
        if code is None:
            assert open_disclosure(encoded).digest == vector["digest"]


def test_uniqueness() -> None:
    for vector in identity("uniqueness"):
        kind, scheme, value = json.loads(vector["message"])
        unique = Uniqueness.of(HMAC, bytes.fromhex(vector["key"])).hash
        assert unique(kind, scheme, value) == vector["unique"]


def test_vrf() -> None:
    for vector in identity("vrf"):
        public, alpha, proof = (bytes.fromhex(vector[n]) for n in ("public", "alpha", "proof"))
        code = refusal(lambda one=(public, alpha, proof): verify(*one))
        assert code == vector.get("error"), vector["name"]
        if code is None:
            beta = verify(public, alpha, proof)
            assert beta.hex() == vector["beta"]
            assert base64url_decode(vector["unique"]) == beta[:32]
        if "seed" in vector:
            key = VrfKey(bytes.fromhex(vector["seed"]))
            assert (key.public, key.prove(alpha)) == (public, proof)


def test_entries_and_tree() -> None:
    entries = [one["entry"].encode() for one in load("ledger/entries.json")["entries"]]
    leaves = [leaf_hash(entry) for entry in entries]
    for index, entry in enumerate(entries):
        parsed = parse_any(entry, index)
        assert parsed.previous == (leaves[index - 1].hex() if index else "0" * 64)
    tree = load("ledger/tree.json")
    roots = {one["size"]: bytes.fromhex(one["root"]) for one in tree["roots"]}
    for one in tree["inclusion"]:
        hashes = [bytes.fromhex(text) for text in one["hashes"]]
        leaf = leaves[one["index"]]
        check_inclusion(hashes, one["index"], one["size"], leaf, roots[one["size"]])
    for one in tree["consistency"]:
        hashes = [bytes.fromhex(text) for text in one["hashes"]]
        old, new = one["from"], one["to"]
        check_consistency(hashes, old, new, roots[old], roots[new])


def test_checkpoint() -> None:
    vector = load("ledger/checkpoint.json")
    opened = open_checkpoint(vector["note"].encode(), [VerifierKey.parse(vector["key"])])
    assert opened.checkpoint.format() == vector["body"]
    signer = Signer("sandbox.test", SignatureType.ED25519, bytes.fromhex(vector["seed"]))
    assert sign_note(vector["body"], [signer], 0).decode() == vector["note"]


def test_receipts() -> None:
    vectors = load("ledger/receipts.json")
    pinned = Pinned(vectors["genesis"], (VerifierKey.parse(vectors["key"]),))
    for one in vectors["receipts"]:
        verified = verify_receipt(one["receipt"].encode(), one["operation"], pinned)
        assert verified.index == one["index"]


def map_root(records: list[tuple[bytes, bytes]]) -> bytes:
    """The root of a new map over (key, record)."""
    store = MemoryStore()
    made = StateMap(store)
    written, buckets = made.put([(key, 0, record) for key, record in records], 0)
    head = Head(1, bytes(32), 0, b"", (), len(written))
    store.commit(Batch([b""], [], written, buckets, [], [], head, b""), None)
    return made.close()


def test_the_state_map() -> None:
    vectors = load("ledger/state_map.json")
    for one in vectors["maps"]:
        records = [(bytes.fromhex(key), record.encode()) for key, record in one["records"]]
        assert map_root(records).hex() == one["root"], one["name"]
    for one in vectors["proofs"]:

        def check(one: Any = one) -> None:
            proof = MapProof.parse(one["bucket"], one["path"])
            key, root = bytes.fromhex(one["key"]), bytes.fromhex(one["root"])
            if "record" in one:
                check_present(proof, key, one["record"].encode(), root)
            else:
                check_absent(proof, key, root)

        assert refusal(check) == one.get("error"), one["name"]
    shown = {("error" in one, "record" in one) for one in vectors["proofs"]}
    assert len(shown) == 4


def test_histories_and_roots_of_the_state() -> None:
    entries = [one["entry"].encode() for one in load("ledger/entries.json")["entries"]]
    records = load("ledger/history.json")["records"]
    for one in records:
        history = FIRST_HISTORY
        for version in one["versions"]:
            history = next_history(history, leaf_hash(entries[version["entry"]]))
            assert json.loads(version["record"])["history"] == history.hex()
    roots = [parse_any(entry, index) for index, entry in enumerate(entries)]
    closing = [one for one in roots if isinstance(one, StateRoot)]
    assert len(closing) == 2
    for root in closing:
        newest = {
            state_key(tuple(one["key"])): version["record"].encode()
            for one in records
            for version in one["versions"]
            if version["entry"] < root.index
        }
        assert map_root(list(newest.items())) == root.root


def test_log_keys() -> None:
    vectors = load("ledger/keys.json")
    trust = Trust.begin(vectors["genesis"])
    for item in vectors["updates"]:
        trust = trust.extend(item)
    for one in vectors["in force"]:
        assert [str(key) for key in trust.history.keys.at(one["size"])] == one["keys"]
    for one in vectors["checkpoints"]:
        note = one["note"].encode()
        assert refusal(lambda note=note: trust.open(note)) == one.get("error"), one["size"]


def test_answers() -> None:
    file = load("resolution/answers.json")
    pinned = Trust.begin(file["genesis"]).pinned
    for one in file["vectors"]:
        key = None if one["key"] is None else tuple(one["key"])
        run = partial(verify_answer, one["answer"], pinned, key=key)
        assert refusal(run) == one.get("error"), one["name"]


def test_absences() -> None:
    file = load("resolution/absences.json")
    pinned = Trust.begin(file["genesis"]).pinned
    for one in file["vectors"]:
        run = partial(verify_absence, one["proof"], pinned, tuple(one["key"]))
        assert refusal(run) == one.get("error"), one["name"]


def told(steps: list[Step]) -> list[dict[str, Any]]:
    """Steps as the vectors have them."""
    return [{"index": one.index, "what": one.what, "did": one.did} for one in steps]


def test_histories() -> None:
    file = load("resolution/histories.json")
    pinned = Trust.begin(file["genesis"]).pinned
    for one in file["vectors"]:
        key, answer = tuple(one["key"]), one["answer"]
        if key[0] == "number":
            run: Any = partial(number_history, answer["proof"], pinned, key)
        else:
            run = partial(device_history, answer, pinned, key=key)
        assert refusal(run) == one.get("error"), one["name"]
        if "steps" in one:
            assert told(run()[1]) == one["steps"]


def test_links() -> None:
    file = load("resolution/links.json")
    pinned = Trust.begin(file["genesis"]).pinned
    for one in file["vectors"]:
        key = tuple(one["key"])
        if "answer" in one:
            run: Any = partial(verify_links, one["answer"], pinned, key)
        else:
            run = partial(verify_no_links, one["absence"], pinned, key)
        assert refusal(run) == one.get("error"), one["name"]


def test_graded_data() -> None:
    found = load("resolution/graded_data.json")
    for one in found["decisions"]:
        said = {name: one[name] for name in ("grade", "outcome", "as") if name in one}
        assert graded.decided(one) == said, one["name"]
    assert {one["outcome"] for one in found["decisions"]} == {"shown", "authenticate", "withheld"}
    for one in found["logs"]:
        assert graded.read(one) == {n: one[n] for n in ("dropped", "error") if n in one}


def test_bundles() -> None:
    for one in load("resolution/bundles.json")["vectors"]:

        def run(one: Any = one) -> None:
            bundle = read_bundle(one["bundle"])
            bundle.verify(known_as(bundle, one["ledger"], None))

        assert refusal(run) == one.get("error"), one["name"]


def test_handles() -> None:
    for one in load("resolution/handles.json")["vectors"]:
        if "device" in one:
            made = device_values(one["handle"], one["scheme"], one["device"])
        else:
            made = prefix_values(one["handle"].removeprefix("0.NA/"), one["grant"], one["holder"])
        assert digests_of(made) == one["digests"], one["name"]
        shown = [*made, *unsigned(one["handle"], made)]
        assert [json.loads(value.json()) for value in shown] == one["values"], one["name"]


def test_paths() -> None:
    file = load("resolution/paths.json")
    trust = Trust.begin(file["genesis"])
    for one in file["vectors"]:
        now, answer = parse_time(one["now"]), whole(one["answer"], file["parts"])
        run = partial(verify_path, answer, trust, tuple(one["key"]), now)
        assert refusal(run) == one.get("error"), one["name"]


def test_policies() -> None:
    for vector in load("ledger/policies.json")["policies"]:
        if "error" in vector:
            with pytest.raises(MalformedPolicy) as caught:
                Policy.parse(vector["text"])
            assert caught.value.code == vector["error"]
            assert caught.value.members.get("line") == vector.get("line"), vector["name"]
            continue
        policy = Policy.parse(vector["text"])
        assert policy.quorum == vector["quorum"]
        assert [[w.name, w.key.name, w.url] for w in policy.witnesses] == vector["witnesses"]
        assert [[g.name, g.threshold, list(g.members)] for g in policy.groups] == vector["groups"]
        assert Policy.parse(policy.format()) == policy


def test_cosigned_checkpoints() -> None:
    file = load("ledger/cosigned.json")
    for vector in file["vectors"]:
        policy = Policy.parse(vector["policy"])
        log = VerifierKey.parse(file["log"])
        opened = open_checkpoint(vector["note"].encode(), [log], policy.keys)
        if "error" in vector:
            with pytest.raises(QuorumMissing) as caught:
                policy.cosigned_at(opened.times)
            assert caught.value.members["missing"] == vector["missing"], vector["name"]
        else:
            assert policy.cosigned_at(opened.times) == vector["time"], vector["name"]


def test_the_witness_of_the_vectors(tmp_path: Path) -> None:
    """Its Ed25519 lines and its refusals, by the witness that is served."""
    file = load("ledger/witness.json")
    now = itertools.count(file["time"])
    with closing(WitnessStore(tmp_path / "w.sqlite3", create=True)) as store:
        store.add_log(VerifierKey.parse(file["log"]))
        for step in file["steps"]:
            time = next(now)
            witness = Witness(secrets("w1"), store, partial(float, time))
            try:
                lines = witness.add_checkpoint(step["request"].encode()).decode()
                # Its line of ML-DSA-44 follows.
                outcome: tuple[int, str | None] = (200, lines.partition("\n")[0] + "\n")
            except TetradError as error:
                size = error.members.get("size")
                outcome = (error.status, None if size is None else f"{size}\n")
            assert outcome == (step["status"], step.get("answer")), step["name"]
    statuses = {step["status"] for step in file["steps"]}
    assert statuses == {200, 400, 403, 404, 409, 422}


def test_node_agrees() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the vectors are checked by our own code alone")
    command = [node, str(CHECKER), str(VECTORS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > len(RULE_VECTORS)


WRONG = [
    ("ledger/entries", "worn out", "worn off", "entry "),
    ("ledger/state_map", '"record": "7"', '"record": "8"', "proof in the state map: a hundred"),
    ("ledger/state_map", 'key", "records": [["5f', 'key", "records": [["5e', "map of one key"),
    ("ledger/history", "retired", "revoked", "the state before entry"),
    ("ledger/history", '"entry": 6', '"entry": 5', "history of"),
    ("resolution/answers", '"active"', '"suspended"', "by code (resolution)"),
    ("resolution/answers", "reported stolen", "reported st0len", "by code (resolution)"),
    ("resolution/links", "Meter, third", "Meter, fourth", "set anew, by a key"),
    (
        "resolution/graded_data",
        '"as": "party"',
        '"as": "maker"',
        "important, a party: beta (graded",
    ),
    ("resolution/graded_data", "09:03:00Z", "09:04:00Z", "whole (log of accesses)"),
    ("resolution/absences", "NOBODY", "SOMEBODY", "a code of nobody's (resolution)"),
    ("resolution/paths", '"below": 1', '"below": 2', "a code by way of ledgers, 2 of them (paths)"),
    ("resolution/codes", "123458/21/6789", "123458/21/6788", "gs1: SGTIN-96 (codes)"),
    ("identity/handshake", "read the meter", "open it", "in a context, initiator (handshake)"),
    ("identity/handshake", '"domain": "did:t', '"domain": "did:s', "a meeting, initiator"),
    ("identity/device_credentials", '"stars": 2', '"stars": 5', "NetworkSecurityLabel (form)"),
    ("resolution/handles", "dev0001", "dev0002", "under 88. (handles)"),
    ("resolution/accreditation", '"Office"', '"Offices"', "holds (accreditation)"),
    (
        "resolution/accreditation",
        '"credential.suspended"',
        '"credential.revoked"',
        "afterwards: the device is suspended (accreditation)",
    ),
]


@pytest.mark.parametrize(("file", "right", "wrong", "noticed"), WRONG)
def test_node_notices_a_wrong_vector(
    tmp_path: Path, file: str, right: str, wrong: str, noticed: str
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the vectors are checked by our own code alone")
    folder = tmp_path / "vectors"
    shutil.copytree(VECTORS, folder)
    shutil.copytree(SPECS / "schemas", tmp_path / "schemas")
    path = folder / f"{file}.json"
    text = path.read_text("utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), "utf-8")
    command = [node, str(CHECKER), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(noticed)
