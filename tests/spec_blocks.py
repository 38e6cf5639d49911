"""The generated parts of the specification.

    python -m tests.spec_blocks        writes them, and specs/examples/*, anew

A part stands in a Markdown file between `<!-- generated: NAME -->` and `<!-- end -->`;
tests/test_specs.py compares each with what the code gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from identity.did import ledger_label
from identity.disclosure import CODE, NUMBER, SERIAL, open_disclosure
from identity.document import tetrad_document
from identity.errors import catalogue
from identity.jcs import canonicalize, parse
from identity.keys import public_key
from identity.multibase import base64url_decode, base64url_encode
from identity.proof import signing_input
from registry.entry import split_entry
from registry.links import links_key
from registry.map_proof import SLOT, bucket_hash, check_present, value_hash
from registry.merkle import leaf_hash
from registry.policy import Policy
from registry.receipt import TlogProof
from registry.state import state_key
from resolver import settings
from resolver.cli import COMMANDS
from resolver.delegations import Delegations, delegated
from resolver.evidence import Evidence
from resolver.handshake import Transcript
from resolver.links import links_bytes, verify_links
from resolver.referral import shown_referral as shown_referral_of
from resolver.referral import verify_referral, verify_unregistered
from resolver.resolution import Asked, Resolver, answer_bytes
from resolver.schemes import SCHEMES, Code, Description
from resolver.simulator.encounters import ENCOUNTERS, opened, side
from resolver.simulator.lying.lies import LIES
from resolver.simulator.lying.stage import table
from resolver.simulator.lying.watching import WATCHERS
from resolver.trust import Trust
from resolver.verifier import verify_answer
from tests.example_ledger import NODE, example
from tests.factory import LOG, UNIQUE, key
from tests.generated import accreditation, authentication, handles
from tests.generated.credentials import CREDENTIALS, status_cases
from tests.generated.handshake import Cosigned, watched
from tests.witnesses import cosigner, lines_of

SPECS = Path(__file__).parent.parent / "specs"
BLOCK = re.compile(r"(<!-- generated: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
WIDTH = 100
WITNESSES = ("w1", "w2", "w3")


def layout(value: Any, indent: int = 0, lead: int = 0) -> str:
    """JSON for people: what fits on a line stands on one."""
    flat = orjson.dumps(value).decode()
    spaced = _spaced(value)
    if not isinstance(value, dict | list) or not value or indent + lead + len(spaced) <= WIDTH:
        return spaced if isinstance(value, dict | list) else flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        rows = []
        for name, member in value.items():
            label = f'"{name}": '
            rows.append(inner + label + layout(member, indent + 2, len(label)))
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    rows = [inner + layout(member, indent + 2) for member in value]
    return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"


def _spaced(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{n}": {_spaced(m)}' for n, m in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_spaced, value)) + "]"
    return orjson.dumps(value).decode()


def fenced(text: str, language: str = "") -> str:
    """A code block."""
    return f"```{language}\n{text}\n```\n"


def entry(name: str) -> dict[str, Any]:
    """An entry of the example ledger."""
    parsed: dict[str, Any] = orjson.loads(example().entries[example().named[name]])
    return parsed


ORDER = ("type", "ledger", "created", "subject", "sequence", "previous", "body", "proof")


def operation(name: str) -> dict[str, Any]:
    """An operation, its members in the order in which one reads them."""
    found = entry(name)["operation"]
    return {member: found[member] for member in ORDER if member in found}


def shortened(value: Any) -> Any:
    """A value in which long keys of the log are cut short: for the eye, not for machines."""
    if isinstance(value, dict):
        return {name: shortened(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shortened(member) for member in value]
    return value[:60] + "…" if isinstance(value, str) and len(value) > 400 else value


def shown_operation(name: str) -> str:
    """As it is posted, with its proofs."""
    return fenced(layout(shortened(operation(name))), "json")


def shown_unsigned(name: str) -> str:
    """Without `proof`, and without the three members that all operations have."""
    left = {"proof", "ledger", "created"}
    shown = {n: m for n, m in operation(name).items() if n not in left}
    return fenced(layout(shortened(shown)), "json")


def shown_proof() -> str:
    """How one signature of the example comes about, step by step."""
    signed = operation("organization.update")
    (proof,) = signed["proof"]
    options = {name: member for name, member in proof.items() if name != "proofValue"}
    unsigned = {name: member for name, member in signed.items() if name != "proof"}
    rows = [
        "operation without proof, canonical:",
        canonicalize(unsigned).decode(),
        "",
        "proof without proofValue, canonical:",
        canonicalize(options).decode(),
        "",
        f"SHA-256 of the proof:      {sha256(canonicalize(options)).hexdigest()}",
        f"SHA-256 of the operation:  {sha256(canonicalize(unsigned)).hexdigest()}",
        "what is signed (64 bytes): the first, then the second",
        f"  base64url:               {base64url_encode(signing_input(unsigned, options))}",
        f"proofValue:                {proof['proofValue']}",
    ]
    return fenced("\n".join(rows))


def shown_key(name: str, algorithm: str) -> str:
    """A key in every form."""
    found = key(name, algorithm).public
    rows = [
        f"algorithm   {found.algorithm}",
        f"raw         {found.raw.hex()}",
        f"Multikey    {found.multikey}",
        f"thumbprint  {found.thumbprint}",
        f"did:key     did:key:{found.multikey}",
    ]
    return fenced("\n".join(rows))


def shown_credential() -> str:
    """A credential, and what its proof signs."""
    name = "eddsa-jcs-2022"
    whole = CREDENTIALS[name]()
    signed = {member: value for member, value in whole.items() if member != "proof"}
    options = {member: value for member, value in whole["proof"].items() if member != "proofValue"}
    rows = [
        f"SHA-256 of the proof without proofValue:  {sha256(canonicalize(options)).hexdigest()}",
        f"SHA-256 of the credential without proof:  {sha256(canonicalize(signed)).hexdigest()}",
    ]
    return fenced(layout(whole), "json") + "\n" + fenced("\n".join(rows))


def shown_status() -> str:
    """An entry, and the list that it points into."""
    wanted, held = status_cases()["one in the middle"]
    shown = {"credentialStatus": wanted}, {"the list": held}
    return fenced("\n".join(layout(one) for one in shown), "json")


def shown_challenge() -> str:
    """A question for a challenge, and the answer."""
    given = authentication.CHALLENGE
    asked = {"did": given.did, "domain": given.domain, "purpose": "authentication"}
    rows = ["POST /v1/challenges", layout(asked), "", "201", layout(given.value())]
    return fenced("\n".join(rows))


def shown_token() -> str:
    """A token, and a request that it is presented with."""
    header, claims, signature = authentication.dpop().split(".")
    rows = [
        f"GET {authentication.PATH}",
        f"Authorization: DPoP {authentication.TOKEN}",
        f"DPoP: {header[:32]}…{claims[:24]}…{signature[:24]}…",
        "",
        *(layout(parse(base64url_decode(part))) for part in (header, claims)),
    ]
    return fenced("\n".join(rows))


def shown_disclosure() -> str:
    """The meter's serial, opened and hashed."""
    first = example().meter.first
    assert first is not None
    opened = open_disclosure(first.disclosures[0])
    assert opened.name == SERIAL
    rows = [
        f"JSON        {base64url_decode(opened.encoded).decode()}",
        f"disclosure  {opened.encoded}",
        f"commitment  {opened.digest}",
    ]
    return fenced("\n".join(rows))


def shown_document() -> str:
    """The DID document of the meter after its registration."""
    meter = example().meter
    registered = operation("device.register")["body"]
    shown = tetrad_document(meter.did, registered["keys"], registered["controller"])
    return fenced(layout(shown), "json")


def shown_entry() -> str:
    """A short entry, as the bytes that are hashed."""
    found = example().entries[example().named["status.suspend"]]
    return fenced(found.decode(), "json")


def shown_state_root() -> str:
    """The last entry, which closes the tree."""
    return fenced(example().entries[-1].decode(), "json")


def shown_state_map() -> str:
    """The proof of the meter's code, step by step."""
    value = operation("device.register")["body"]["code"]["value"]
    named = ("code", "gs1", value)
    place = state_key(named)
    (record,) = example().city.store.records([place])
    assert record is not None
    proof = example().city.ledger.state_map.prove(place)
    root = orjson.loads(example().entries[-1])["state_root"]
    check_present(proof, place, record, bytes.fromhex(root))
    bucket, path = proof.texts()
    slots = [proof.others[at : at + SLOT] for at in range(0, len(proof.others), SLOT)]
    entries = sorted([*slots, place + value_hash(record)])
    depth, node = len(proof.path), bucket_hash(b"".join(entries))
    bits = format(int.from_bytes(place), "0256b")[:depth]
    rows = [
        f"key        SHA-256({canonicalize(list(named)).decode()})",
        f"           {place.hex()}",
        f"record     {record.decode()}",
        "value      SHA-256(00 ‖ record)",
        f"           {value_hash(record).hex()}",
        f"bucket     {bucket}",
        f"path       {path}",
        "",
        f"the way    {bits}, the first {depth} bits of the key",
        f"bucket     SHA-256(00 ‖ {len(entries)} keys and values)",
        f"           {node.hex()}",
    ]
    for at, sibling in enumerate(proof.path):
        right = bits[depth - 1 - at] == "1"
        pair = sibling + node if right else node + sibling
        node = sha256(b"\x01" + pair).digest()
        told = "the sibling ‖ this" if right else "this ‖ the sibling"
        rows += [
            f"{'node' if at < depth - 1 else 'root':10} SHA-256(01 ‖ {told})",
            f"           {node.hex()}",
        ]
    assert node.hex() == root
    return fenced("\n".join(rows))


def shown_chain() -> str:
    """Following the chain with a shell."""
    leaf = leaf_hash(example().entries[0]).hex()
    rows = [
        "$ cd specs/examples",
        "$ { printf '\\0'; sed -n 1p ledger.ndjson | tr -d '\\n'; } | sha256sum",
        f"{leaf}  -",
        '$ sed -n 2p ledger.ndjson | grep -o \'"previous":"[0-9a-f]*"\' | tail -n 1',
        f'"previous":"{leaf}"',
    ]
    return fenced("\n".join(rows), "console")


def shown_receipt() -> str:
    """The receipt of the meter's registration."""
    return fenced(example().receipt.decode().rstrip("\n"))


def shown_policy() -> str:
    """A policy for the log of the example ledger."""
    lines = [f"log {LOG.key}"]
    lines += [f"witness {n} {cosigner(n).key} https://{n}.example" for n in WITNESSES]
    lines += [f"group two 2 {' '.join(WITNESSES)}", "quorum two"]
    text = "".join(f"{line}\n" for line in lines)
    assert Policy.parse(text).format() == text
    return fenced(text.rstrip("\n"))


def shown_cosigned() -> str:
    """The checkpoint of the example's receipt, cosigned by two witnesses of that policy."""
    note = TlogProof.parse(example().receipt).checkpoint
    times = zip(WITNESSES[:2], (1_795_335_360, 1_795_335_361), strict=True)
    note += b"".join(lines_of(cosigner(n), note=note, time=time) for n, time in times)
    return fenced(note.decode().rstrip("\n"))


def shown_extra() -> str:
    """The `extra` of that receipt, decoded."""
    index = example().named["device.register"]
    context, _ = split_entry(example().entries[index], index)
    return fenced(context.decode(), "json")


def shown_state() -> str:
    """Keys and records after the example ledger's last entry."""
    city, meter = example().city, example().meter
    registered = operation("device.register")
    unique = entry("device.register")["unique"]
    keys: list[tuple[str, ...]] = [
        ("code", "gs1", registered["body"]["code"]["value"]),
        ("object", unique[SERIAL]),
        ("number", "msisdn-cn-iot", unique[NUMBER]),
        ("key", public_key(registered["body"]["keys"][0]).thumbprint),
        ("prefix", *SCHEMES.prefix_segments("gtin", "09506000")),
        ("code", "vin", entry("device.register vin")["unique"][CODE]),
        ("node", ledger_label(NODE["ledger"])),
        ("did", meter.did),
    ]
    rows = []
    for place in keys:
        (record,) = city.store.records([state_key(place)])
        assert record is not None
        rows += [canonicalize(list(place)).decode(), "  " + layout(orjson.loads(record), 2), ""]
    return fenced("\n".join(rows).rstrip("\n"))


ENCLOSED = {
    ("gtin", "09506000"): [
        ("gs1", "https://id.gs1.org/01/09506000134352/21/M-0017"),
        ("gtin", "19506000134359"),
        ("gtin", "09506001000007"),
    ],
    ("idis", "88.118.1"): [("idis", "88.118.1.7/x"), ("idis", "88.118.10/x")],
}


def shown_enclosure() -> str:
    """What two prefixes hold and do not hold, in segments."""
    rows = []
    for (scheme, prefix), codes in ENCLOSED.items():
        outer = SCHEMES.prefix_segments(scheme, prefix)
        rows.append(f"{scheme}:{prefix}".ljust(65) + " ".join(outer))
        for inner_scheme, value in codes:
            inner = SCHEMES.segments(inner_scheme, value)
            verb = "holds" if inner[: len(outer)] == outer else "does not hold"
            rows.append(f"  {verb:14} {value}".ljust(65) + " ".join(inner))
    return fenced("\n".join(rows))


def shown_schemes() -> str:
    """The table of schemes, codes first."""
    head = [
        "| scheme | what it is | check | canonical form | trust | kept | namespace | least |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows = sorted(SCHEMES.describe(), key=lambda row: row.number)
    return "\n".join([*head, *map(_scheme_row, rows)]) + "\n"


def _scheme_row(row: Description) -> str:
    kept = "committed" if row.committed else "in clear"
    cells = (
        f"`{row.name}`",
        f"{row.title}<br>`{row.example}`",
        row.check,
        row.canonical,
        row.trust,
        f"number, {kept}" if row.number else kept,
        f"`{row.namespace}`",
        str(row.minimal_prefix_depth),
    )
    return "| " + " | ".join(cells) + " |"


def shown_segments() -> str:
    """The examples of the table above, as segments."""
    rows = []
    for row in sorted(SCHEMES.describe(), key=lambda row: row.number):
        value = SCHEMES.canonical(row.name, row.example)
        rows.append(f"{row.name:14} " + " ".join(SCHEMES.segments(row.name, value)))
    return fenced("\n".join(rows))


def shown_answer() -> str:
    """The meter's code, asked as of a time before it was retired."""
    city = example().city
    resolver = Resolver(city.store, city.reader, SCHEMES, UNIQUE)
    asked = resolver.code("(01)09506000134352(21)M-0017")
    found = resolver.find(asked, at="2026-11-22T08:06:30Z")
    return fenced(layout(orjson.loads(answer_bytes(found))), "json")


def shown_handle() -> str:
    """The values of a handle, those in the middle left out, and what one digest covers."""
    one = handles.of_device("", "88.100.9999/dev0001", "idis", handles.device())
    values = one["values"]
    left = [value for value in values if value["index"] in (1, 21, 100, 300)]
    digests = orjson.loads(values[-1]["data"]["value"])["digests"]["digests"]
    cut = {"sub": one["handle"], "digests": {"alg": "SHA-256", "digests": [digests[0], "…"]}}
    last = {**values[-1], "data": {"format": "string", "value": orjson.dumps(cut).decode()}}
    answer = {"responseCode": 1, "handle": one["handle"], "values": [*left, last]}
    return fenced(f"GET /api/handles/{one['handle']}\n\n{layout(answer)}")


def _evidence() -> Evidence:
    city = example().city
    return Evidence(city.store, city.reader, city.ledger.state_map)


def shown_evidence() -> str:
    """The proof of the meter's code after the last entry, its long parts cut short."""
    city = example().city
    resolver = Resolver(city.store, city.reader, SCHEMES, UNIQUE)
    size = city.reader.head().size
    found = resolver.find(resolver.code("(01)09506000134352(21)M-0017"), within=size)
    proof = orjson.loads(_evidence().of(found, size, city.reader.checkpoint()))
    pinned = Trust.begin(city.genesis.operation).pinned
    answer = orjson.loads(answer_bytes(found, canonicalize(proof)))
    assert verify_answer(answer, pinned, key=found.asked.key).did == example().meter.did
    for one in proof["entries"]:
        del one["time"], one["previous"]
        one.pop("unique", None)
        one["operation"] = {"type": one["operation"]["type"], "…": "…"}
        one["…"] = "…"
    proof["signers"] = [{"type": one["type"], "…": "…"} for one in proof["signers"]]
    return fenced(_cut(layout(proof)), "json")


def shown_absence() -> str:
    """The proof that nobody bears another code, its long parts cut short."""
    city = example().city
    size = city.reader.head().size
    key = ("code", "gs1", "https://id.gs1.org/01/09506000134352/21/M-9999")
    read = Delegations(city.store, "").read_for(key, city.now, size)
    proof = orjson.loads(_evidence().of_records(read.keys, size, city.reader.checkpoint()))
    verify_unregistered(proof, Trust.begin(city.genesis.operation).pinned, key, city.now)
    del proof["checkpoint"], proof["state"]
    return fenced(_cut(layout({"checkpoint": "…", "state": {"…": "…"}, **proof})), "json")


def shown_referral() -> str:
    """The answer about a code that another node knows, without what is common to all problems."""
    city = example().city
    size = city.reader.head().size
    key = ("code", "gs1", "https://id.gs1.org/01/09506000912349/21/B-1")
    read = Delegations(city.store, "").read_for(key, city.now, size)
    assert read.grant is not None
    error = delegated(read.grant, Asked(key, Code(key[1], key[2])))
    proof = orjson.loads(_evidence().of_records(read.keys, size, city.reader.checkpoint()))
    pinned = Trust.begin(city.genesis.operation).pinned
    verify_referral(shown_referral_of({**error.members, "proof": proof}), pinned, key, city.now)
    del proof["checkpoint"], proof["state"]
    problem = error.problem()
    shown = {name: problem[name] for name in ("type", "status", "code", "detail", "readAs")}
    shown["referral"] = problem["referral"]
    shown["proof"] = {"checkpoint": "…", "state": {"…": "…"}, **proof}
    return fenced(_cut(layout(shown)), "json")


def shown_links() -> str:
    """The newest links of the meter's class of products, proved, the long parts cut short."""
    city = example().city
    code = SCHEMES.read("09506000134352")
    size = city.reader.head().size
    record, proof = _evidence().of_links(links_key(*code), size, city.reader.checkpoint())
    assert record is not None
    answer = orjson.loads(links_bytes(record, code, proof))
    pinned = Trust.begin(city.genesis.operation).pinned
    assert verify_links(answer, pinned, links_key(*code)).by == example().acme.did
    shown = answer["proof"]
    shown |= {"checkpoint": "…", "state": {"…": "…"}}
    shown["entry"] = {
        "index": shown["entry"]["index"],
        "operation": {"type": "links.set", "…": "…"},
    }
    shown["signers"] = [{"type": one["type"], "…": "…"} for one in shown["signers"]]
    return fenced(_cut(layout(answer)), "json")


def _cut(text: str) -> str:
    """JSON with what is long in it cut short: for the eye, not for machines."""
    text = text.replace('"…": "…"', "…")
    return re.sub(r'("(?:bucket|path)": "[^"]{40})[^"]{20,}"', r'\1…"', text)


def shown_errors() -> str:
    """The catalogue, the root first."""
    head = ["| code | status | class | when | section |", "| --- | --- | --- | --- | --- |"]
    rows = []
    for error in catalogue():
        if not error.__module__.startswith("identity."):
            continue
        when = (error.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip().rstrip(".")
        target = error.section.removeprefix("specs/")
        label = target.split("#")[-1] if "#" in target else "–"
        link = f"[{label}]({target})" if "#" in target else label
        cells = (f"`{error.code}`", str(error.status), error.__name__, when, link)
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join([*head, *rows]) + "\n"


def shown_commands() -> str:
    """The commands, in the order of `tetrad --help`."""
    rows = [f"| `tetrad {name}` | {line} |" for name, (_, line) in COMMANDS.items()]
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows]) + "\n"


def shown_label() -> str:
    """A label, as it is signed."""
    label, _ = accreditation.example()
    order = (
        "@context", "type", "issuer", "validFrom", "validUntil", "credentialSubject",
        "credentialSchema", "credentialStatus", "proof",
    )  # fmt: skip
    return fenced(layout({name: label[name] for name in order}), "json")


def shown_accreditation() -> str:
    """The keys of the records that its evidence shows, and the record of a grant."""
    _, evidence = accreditation.example()
    keys = "\n".join(layout(one["key"]) for one in evidence["records"])
    grant = {k: v for k, v in evidence["records"][1]["record"].items() if k != "history"}
    return fenced(f"{keys}\n\n{layout(grant)}")


def shown_watchers() -> str:
    """Those who must catch a lie."""
    rows = [f"| {name} | {what} |" for name, what in WATCHERS.items()]
    return "\n".join(["| watcher | what it is |", "| --- | --- |", *rows]) + "\n"


def shown_enrolment() -> str:
    """A grant to enrol, and what a device of that factory shows; certificates cut short."""
    parts = {
        "grant.issue": operation("grant.issue enrol")["body"],
        "device.register": {
            "enrolment": operation("device.register enrolment")["body"]["enrolment"]
        },
    }
    shown = [f"{type_}\n{layout(shortened(body))}" for type_, body in parts.items()]
    return fenced("\n\n".join(shown))


def shown_meeting() -> str:
    """Three messages, and what the responder has signed."""
    scene = watched(Cosigned().scene(), "a meeting")
    messages = scene.meet(scene.initiator(), scene.responder())
    rows = []
    for number, message in enumerate(messages, 1):
        value = opened(message)
        order = ("protocol", "message", "nonce", "bundle", "proof")
        shown = {name: value[name] for name in order if name in value}
        text = _spaced({**shown, **{one: "…" for one in ("bundle", "proof") if one in shown}})
        text = text.replace('"bundle": "…"', '"bundle": {…}').replace(
            '"proof": "…"', '"proof": […]'
        )
        rows += [f"{number}  {text}", f"   {len(message):,} bytes"]
    first, second = side(scene.one, messages[0]), side(scene.other, messages[1])
    transcript = Transcript(first, second)
    document = {**transcript.document("responder"), "proof": opened(messages[1])["proof"]}
    texts = [fenced("\n".join(rows)), "\nWhat the responder has signed, and its proof:\n\n"]
    texts += [fenced(layout(document), "json"), f"\nThe meeting: `{transcript.hash}`\n"]
    return "".join(texts)


def shown_encounters() -> str:
    """The attacks on two devices that meet."""
    rows = [
        f"| {one.name} | {' '.join(one.says.split())} | `{one.expected}` |" for one in ENCOUNTERS
    ]
    return (
        "\n".join(["| attack | what is tried | refused as |", "| --- | --- | --- |", *rows]) + "\n"
    )


BLOCKS: dict[str, Callable[[], str]] = {
    "key Ed25519": lambda: shown_key("Acme Meters/0", "Ed25519"),
    "key P-256": lambda: shown_key("car-1/0", "P-256"),
    "key P-384": lambda: shown_key("gateway-1/0", "P-384"),
    "key SM2": lambda: shown_key("meter-1/0", "SM2"),
    "proof": shown_proof,
    "credential": shown_credential,
    "status": shown_status,
    "challenge": shown_challenge,
    "presentation": lambda: fenced(layout(authentication.answer()), "json"),
    "token": shown_token,
    "disclosure": shown_disclosure,
    "document": shown_document,
    "entry": shown_entry,
    "state root": shown_state_root,
    "state map": shown_state_map,
    "chain": shown_chain,
    "receipt": shown_receipt,
    "extra": shown_extra,
    "policy": shown_policy,
    "cosigned": shown_cosigned,
    "enclosure": shown_enclosure,
    "enrolment": shown_enrolment,
    "state": shown_state,
    "schemes": shown_schemes,
    "segments": shown_segments,
    "answer": shown_answer,
    "handle": shown_handle,
    "evidence": shown_evidence,
    "absence": shown_absence,
    "referral": shown_referral,
    "links": shown_links,
    "device credential": shown_label,
    "accreditation": shown_accreditation,
    "meeting": shown_meeting,
    "encounters": shown_encounters,
    "errors": shown_errors,
    "commands": shown_commands,
    "settings": settings.table,
    "lies": lambda: table(LIES),
    "watchers": shown_watchers,
}


def block(name: str) -> str:
    """What belongs between the marks of that name. Raises KeyError."""
    if name in BLOCKS:
        return BLOCKS[name]()
    form, _, which = name.partition(" ")
    return {"operation": shown_operation, "body": shown_unsigned}[form](which)


def files() -> dict[str, bytes]:
    """What is kept in specs/examples, by name."""
    return {
        "ledger.ndjson": b"".join(line + b"\n" for line in example().entries),
        "receipt.txt": example().receipt,
        "checkpoint.txt": example().city.reader.checkpoint(),
    }


def renewed(text: str) -> str:
    """A Markdown file with its generated parts made anew."""
    return BLOCK.sub(lambda found: found[1] + block(found[2]) + found[4], text)


if __name__ == "__main__":
    for path in [*sorted(SPECS.glob("*.md")), SPECS.parent / "README.md"]:
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    for file_name, data in files().items():
        (SPECS / "examples" / file_name).write_bytes(data)
