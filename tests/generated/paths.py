"""specs/vectors/resolution/paths.json: answers by way of other ledgers, and every lie on the way.

A root, a nation and Acme, each with its log, and beside them who would like to be asked. The
genesis of the root is always the same. Checkpoints are signed by Ed25519 keys alone, which sign
alike at every making, and are of unknown age.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from identity.members import format_time
from registry.state import Key, state_key
from tests.factory import NOW, log_pair
from tests.generated import file
from tests.generated.parts import parted
from tests.resolver.federating import BASE, Authoritative, Tree, code, path

Value = dict[str, Any]
Make = Callable[[Value], object]
METER = code("M-1")
TOLD, STATE, NOTE = "evidence.answer", "evidence.state", "evidence.checkpoint"
HOUR = 3600


def tree(happens: Callable[[Tree], object] = lambda _: None) -> Tree:
    """The tree after something has happened in it."""
    return Tree(dated=False, happens=happens)


def vector(name: str, key: Key, answer: Value, error: str | None = None, now: int = NOW) -> Value:
    """One vector."""
    made: Value = {"name": name, "key": list(key), "now": format_time(now), "answer": answer}
    return made if error is None else {**made, "error": error}


def changed(value: Value, *makes: Make) -> Value:
    """A copy with changes."""
    made = copy.deepcopy(value)
    for make in makes:
        make(made)
    return made


def records(answer: Value, place: int = 0) -> list[Value]:
    """The records of a referral."""
    found: list[Value] = answer["path"][place]["referral"]["proof"]["records"]
    return found


def holding() -> list[Value]:
    """Paths of one, two and three ledgers, and what they do not find."""
    grown = tree()
    root, nation, acme = grown.ledgers
    devices = ((grown.above, [root]), (grown.between, [root, nation]),
               (grown.meter, [root, nation, acme]))  # fmt: skip
    made = []
    for device, ledgers in devices:
        names = f"{len(ledgers)} of them"
        key: Key = ("did", device.did)
        found = path(code(device.name), ledgers)
        made.append(vector(f"a code by way of ledgers, {names}", code(device.name), found))
        made.append(vector(f"a DID by way of ledgers, {names}", key, path(key, ledgers)))
    elsewhere: Key = ("code", "gs1", "https://id.gs1.org/01/09506001000007/21/X")
    nobody: Key = ("code", "gs1", "https://id.gs1.org/01/04012345123456/21/X")
    unknown: Key = ("did", f"did:tetrad:{acme.city.authority.did.split(':')[2]}:{nation.hash}")
    return [
        *made,
        vector("no such code, by who would know", code("X"), path(code("X"), grown.ledgers)),
        vector("no such code, under no longer prefix", elsewhere, path(elsewhere, [root, nation])),
        vector("no such code, under no prefix", nobody, path(nobody, [root])),
        vector("no such DID, by who would know", unknown, path(unknown, grown.ledgers)),
        *_living(),
    ]


def _living() -> list[Value]:
    """Trees in which something has happened."""

    def expires(one: Tree) -> None:
        until = format_time(NOW + HOUR)
        other = one.root.company("Other")
        one.root.delegate(other, "gtin:09506000", Authoritative("other.test"), notAfter=until)

    def ends(one: Tree) -> None:
        other = one.root.company("Other")
        one.root.delegate(other, "gtin:09506000", Authoritative("other.test"))
        one.root.revoke(other)

    def withdrawn(one: Tree) -> None:
        other = one.root.company("Other")
        one.root.withdraw(one.root.delegate(other, "gtin:09506000", Authoritative("other.test")))

    def suspended(one: Tree) -> None:
        city = one.root.city
        city.accept(city.supervise(one.holder, "status.suspend", "a doubt", city.authority))

    def tombstone(one: Tree) -> None:
        one.root.revoke(one.above)

    def keys(one: Tree) -> None:
        for ledger in (one.root, one.nation):
            city = ledger.city
            vkeys = [str(signer.key) for signer in log_pair(1, city.origin)]
            city.accept(city.update_registry(log=vkeys))

    def both(one: Tree) -> None:
        one.nation.give(one.nation.company("Other"), "gtin:0950600013435")

    rolled = tree(keys)
    own = tree(tombstone)
    overruled = tree(both)
    later = tree(expires)
    later.root.city.now += HOUR + 1
    return [
        vector("a longer prefix is over", METER, path(METER, later.ledgers),
               now=NOW + HOUR + 1),
        vector("the holder of a longer prefix is revoked", METER, path(METER, tree(ends).ledgers)),
        vector("a longer prefix was withdrawn", METER, path(METER, tree(withdrawn).ledgers)),
        vector("the holder of the prefix is suspended", METER,
               path(METER, tree(suspended).ledgers)),
        vector("a tombstone of the root", code("R-1"), path(code("R-1"), [own.root])),
        vector("logs whose keys were replaced", METER, path(METER, rolled.ledgers)),
        vector("no such code, under a longer prefix without a node", METER,
               path(METER, overruled.ledgers[:2])),
        vector("an update of the log's keys left out", METER,
               changed(path(METER, rolled.ledgers), lambda v: v["path"][1].update(updates=[])),
               NOTE),
    ]  # fmt: skip


def refused() -> list[Value]:
    """What is made of an honest path by who passes it on."""
    grown = tree()
    honest = path(METER, grown.ledgers)
    did: Key = ("did", grown.meter.did)
    by_did = path(did, grown.ledgers)
    foreign = Authoritative("nation.test", NOW + 1)
    second = code("M-2")

    def wrong(name: str, error: str, *makes: Make) -> Value:
        return vector(name, METER, changed(honest, *makes), error)

    def node(**members: Any) -> Make:
        return lambda v: v["path"][0]["referral"]["node"].update(members)

    def item(place: int, **members: Any) -> Make:
        return lambda v: v["path"][place].update(members)

    signature = honest["path"][1]["referral"]["proof"]["checkpoint"]
    return [
        wrong("an empty path", TOLD, lambda v: v.update(path=[])),
        wrong("a path that begins below the root", TOLD, lambda v: v["path"].pop(0)),
        wrong("a path that leaves a ledger out", TOLD, lambda v: v["path"].pop(1)),
        wrong("a path that ends above who answers", NOTE, lambda v: v["path"].pop(),
              lambda v: v["path"][-1].pop("referral")),
        wrong("a path of nine", TOLD,
              lambda v: v["path"].extend([copy.deepcopy(v["path"][2])] * 6)),
        wrong("a genesis of the root's own", TOLD,
              item(0, genesis=grown.root.city.genesis.operation)),
        wrong("a ledger without its genesis", TOLD, lambda v: v["path"][2].pop("genesis")),
        wrong("another genesis of the same name", TOLD,
              item(1, genesis=foreign.city.genesis.operation)),
        wrong("another genesis, and its hash", TOLD,
              item(1, genesis=foreign.city.genesis.operation, ledger=foreign.hash)),
        wrong("a genesis with another key", "proof.invalid",
              lambda v: v["path"][1]["genesis"]["body"].update(authority="Another")),
        wrong("another ledger's hash", TOLD, item(2, ledger=grown.nation.hash)),
        wrong("a node of another ledger", TOLD, node(ledger=grown.acme.hash)),
        wrong("a node at another address", TOLD, node(urls=["https://elsewhere.test"])),
        wrong("a node of another origin", TOLD, node(origin="elsewhere.test")),
        wrong("a grant of another hash", TOLD,
              lambda v: v["path"][0]["referral"].update(grant=grown.to_acme)),
        wrong("a referral without proof", TOLD,
              lambda v: v["path"][0]["referral"].pop("proof")),
        wrong("a referral of another ledger's log", NOTE,
              lambda v: v["path"][0]["referral"]["proof"].update(checkpoint=signature)),
        wrong("the absence of the code is not shown", TOLD, lambda v: records(v).pop(0)),
        wrong("the depths are not shown", TOLD, lambda v: records(v).pop(1)),
        wrong("the grant is not shown", TOLD, lambda v: records(v).pop(3)),
        wrong("the holder is not shown", TOLD, lambda v: records(v).pop()),
        wrong("a record twice", TOLD, lambda v: records(v).append(records(v)[0])),
        wrong("a record that says nothing", TOLD,
              lambda v: records(v).append(records(v, 1)[0] | {"key": ["registry"]})),
        wrong("other depths", STATE, lambda v: records(v)[1]["record"].update(depths=[3])),
        wrong("another grant in the record", STATE,
              lambda v: records(v)[2]["record"].update(grant=grown.to_acme)),
        wrong("another node in the grant", STATE,
              lambda v: records(v)[3]["record"]["scope"].update(node=grown.acme.city.node),
              lambda v: v["path"][0]["referral"].update(node=grown.acme.city.node)),
        wrong("read as another code", TOLD,
              lambda v: v.update(readAs={"scheme": "gs1", "value": second[2]})),
        wrong("not said as what it was read", TOLD, lambda v: v.pop("readAs")),
        vector("the answer about another code", second, changed(
            honest, lambda v: v.update(readAs={"scheme": "gs1", "value": second[2]})), TOLD),
        vector("a DID that was read as a code", did,
               changed(by_did, lambda v: v.update(readAs=honest["readAs"])), TOLD),
        vector("a DID of another ledger than the last", did,
               {**path(did, grown.ledgers[:2])}, TOLD),
        vector("a DID by way of codes", did,
               changed(honest, lambda v: v.pop("readAs")), TOLD),
        vector("a committed code", ("code", "vin", BASE), honest, TOLD),
    ]  # fmt: skip


def _hide(answer: Value, key: Key, *, whole: bool, place: int = 0) -> Value:
    """A referral in which a record is said not to be, or is left out."""

    def make(value: Value) -> None:
        shown = records(value, place)
        (found,) = (one for one in shown if one["key"] == list(key))
        if whole:
            shown.remove(found)
        else:
            found.pop("record")

    return changed(answer, make)


def _shown(grown: Tree, place: int, keys: Sequence[Key], answer: Value) -> Value:
    """A path whose referral shows the records under these keys, and grant and node of before."""
    answering = grown.ledgers[place].answering
    proof = orjson.loads(answering.evidence.of_records(keys, answering.size, answering.note))
    return changed(answer, lambda v: v["path"][place]["referral"].update(proof=proof))


def hostile() -> list[Value]:
    """Ledgers, and who passes their answers on, that hide what they know."""
    return [*_hidden(), *_over(), *_elsewhere()]


def _hidden() -> list[Value]:
    """What comes first is hidden: the code, its tombstone, a longer prefix."""
    honest = path(METER, tree().ledgers)
    keys = [tuple(one["key"]) for one in records(honest)]

    def device(one: Tree) -> None:
        one.root.city.device("M-1", one.holder)

    def tombstone(one: Tree) -> None:
        one.root.revoke(one.root.city.device("M-1", one.holder))

    longer: Key = ("prefix", "gtin", *"950600013435")

    def delegated(one: Tree) -> None:
        other = one.root.company("Other")
        one.root.delegate(other, "gtin:0950600013435", Authoritative("other.test"))

    made = []
    for what, happens in (("the code", device), ("a tombstone", tombstone)):
        grown = tree(happens)
        shown = _with(grown, keys, honest)
        made += [
            vector(f"{what} of the root is shown, and passed over", METER, shown, TOLD),
            vector(f"{what} of the root is hidden", METER,
                   _hide(shown, METER, whole=False), STATE),
            vector(f"{what} of the root is left out", METER,
                   _hide(shown, METER, whole=True), TOLD),
        ]  # fmt: skip
    grown = tree(delegated)
    shown = _with(grown, [*keys, longer], honest)
    return [
        *made,
        vector("a longer prefix is shown, and passed over", METER, shown, TOLD),
        vector("a longer prefix is hidden", METER, _hide(shown, longer, whole=False), STATE),
        vector("a longer prefix is left out", METER, _hide(shown, longer, whole=True), TOLD),
    ]


def _with(grown: Tree, keys: Sequence[Key], honest: Value) -> Value:
    """The honest path through a tree whose root's referral shows these records."""
    items = [one.place(first=not at) for at, one in enumerate(grown.ledgers)]
    old = [item.get("referral") for item in honest["path"]]
    items[0]["referral"] = {"grant": old[0]["grant"], "node": grown.nation.city.node}
    items[1]["referral"] = grown.nation.refers(METER, grown.acme)
    return _shown(grown, 0, keys, {**grown.acme.says(METER), "path": items})


def _over() -> list[Value]:
    """Grants that count no longer."""
    honest = path(METER, tree().ledgers)
    keys = [tuple(one["key"]) for one in records(honest)]
    did: Key = ("did", tree().meter.did)
    by_label = [tuple(one["key"]) for one in records(path(did, tree().ledgers))]

    def withdrawn(one: Tree) -> None:
        one.root.withdraw(one.to_nation)

    def revoked(one: Tree) -> None:
        one.root.revoke(one.holder)

    def until(one: Tree) -> None:
        one.root.withdraw(one.to_nation)
        ends = format_time(NOW + HOUR)
        one.to_nation = one.root.delegate(one.holder, "gtin:09506", one.nation, notAfter=ends)

    limited = tree(until)
    dated = path(METER, limited.ledgers)
    found = [
        vector("a grant until later", METER, dated, now=NOW + HOUR),
        vector("a grant that is over", METER, dated, TOLD, now=NOW + HOUR + 1),
    ]
    for name, happens in (("withdrawn", withdrawn), ("whose holder is revoked", revoked)):
        grown = tree(happens)
        found.append(vector(f"a grant {name}", METER, _with(grown, keys, honest), TOLD))
        label = path(did, tree().ledgers)
        shown = {
            **label,
            "path": [{**grown.root.place(first=True), "referral": label["path"][0]["referral"]},
                     *label["path"][1:]],
        }  # fmt: skip
        found.append(
            vector(f"a node by a grant {name}", did, _shown(grown, 0, by_label, shown), TOLD)
        )
    return found


def _elsewhere() -> list[Value]:
    """Children that answer what is not theirs, or lead astray."""
    sibling = Authoritative("sibling.test")
    company = sibling.company("Sibling")
    sibling.give(company, "gtin:09506000")
    sibling.city.device("M-1", company)
    sibling.publish(dated=False)

    def beside(one: Tree) -> None:
        one.root.delegate(one.root.company("Sibling"), "gtin:04012345", sibling)

    grown = tree(beside)
    honest = path(METER, [grown.root, grown.nation])
    mine: Key = ("prefix", "gtin", *"4012345")
    (record,) = grown.root.city.store.records([state_key(mine)])
    grant = orjson.loads(record or b"{}")["grant"]
    claimed = {"grant": grant, "node": sibling.city.node,
               "proof": honest["path"][0]["referral"]["proof"]}  # fmt: skip
    root = grown.root.place(first=True)
    referring = {**root, "referral": honest["path"][0]["referral"]}
    answer = {**sibling.says(METER), "path": [referring, sibling.place(first=False)]}

    def back(one: Tree) -> None:
        one.acme.delegate(one.maker, "gtin:0950600013435", one.root)

    looped = tree(back)
    lost = code("LOST")
    loop = path(lost, [*looped.ledgers, looped.root])
    return [
        vector("a sibling answers", METER, answer, TOLD),
        vector("a sibling answers by its own grant", METER,
               changed(answer, lambda v: v["path"][0].update(referral=claimed)), TOLD),
        vector("a path that leads back", lost, loop, TOLD),
        vector("who refers says that there is none", METER, {
            "readAs": answer["readAs"], "path": [root],
            "proof": honest["path"][0]["referral"]["proof"]}, TOLD),
        vector("a shorter prefix than the one that led there", METER, *_shorter()),
        vector("a node whose ledger bears another name", METER, *_renamed()),
    ]  # fmt: skip


def _shorter() -> tuple[Value, str]:
    def happens(one: Tree) -> None:
        one.root.withdraw(one.to_nation)
        one.root.delegate(one.holder, "gtin:0950600", one.nation)
        one.nation.withdraw(one.to_acme)
        one.nation.delegate(one.company, "gtin:09506", one.acme)

    return path(METER, tree(happens).ledgers), TOLD


def _renamed() -> tuple[Value, str]:
    def happens(one: Tree) -> None:
        one.root.withdraw(one.to_nation)
        node = {**one.nation.city.node, "origin": "elsewhere.test"}
        one.root.give(one.holder, "gtin:09506", node=node)

    return path(METER, tree(happens).ledgers), TOLD


def files() -> dict[str, bytes]:
    """One file about one root's genesis."""
    parts, vectors = parted([*holding(), *refused(), *hostile()])
    made = {
        "description": "Answers by way of other ledgers, checked at `now` against the pinned"
        " `genesis` of the root, for the `key` of the state that was asked for. Where there is no"
        ' `device`, that there is none is what is proved. {"part": NAME} stands for that one of'
        " `parts`, in which others may stand.",
        "genesis": tree().root.city.genesis.operation,
        "parts": parts,
        "vectors": vectors,
    }
    return {"vectors/resolution/paths.json": file(made)}
