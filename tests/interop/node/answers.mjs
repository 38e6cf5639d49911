// Answers, absences and bundles with nothing but Node.js, for check_vectors.mjs, whose functions
// are handed in. Written from specs/3-resolution.md, "Verification"; steps 1 to 8, and of step 9
// that the operations follow one another, but not the effects of each.

import assert from "node:assert/strict";

// What only whoever applies the effects of each operation can refuse.
const EFFECTS = ["the past is the present", "the past of another time"];

export function checkAnswers(load, holds, tools) {
  const { sha256, hex, jcs, leafHash, rootFromInclusion, opened, checkMapProof } = tools;
  const { operationHash, thumbprint, proofHolds, didIn } = tools;

  function pin(genesis) {
    const own = new Map(genesis.body.keys.map((key) => [`did:key:${key}#${key}`, key]));
    assert.equal(genesis.proof.length, own.size);
    for (const proof of genesis.proof) assert.ok(proofHolds(genesis, proof, own.get(proof.verificationMethod)));
    return { genesis, ledger: operationHash(genesis), vkey: () => genesis.body.log[0] };
  }

  // Steps 1 and 2: the checkpoint, and the root of the state that ends its tree
  function stateOf(proof, pinned) {
    const lines = proof.checkpoint.split("\n");
    const tree = opened(proof.checkpoint, pinned.vkey(Number(lines[1])));
    const { entry, hashes } = proof.state;
    assert.equal(entry.index, tree.size - 1);
    assert.deepEqual(Object.keys(entry).sort(), ["index", "previous", "state_root", "time"]);
    const path = hashes.map((hash) => Buffer.from(hash, "base64"));
    assert.equal(hex(rootFromInclusion(entry.index, tree.size, leafHash(jcs(entry)), path)), tree.root);
    return entry.state_root;
  }

  // Step 3: a record below that root
  function itemOf(proof, key) {
    const item = proof.records.find((one) => jcs(one.key) === jcs(key));
    assert.ok(item, `nothing of ${jcs(key)}`);
    return item;
  }
  function present(proof, root, key, instead) {
    const { record = instead, bucket, path } = itemOf(proof, key);
    assert.ok(record, "no record");
    checkMapProof({ root, key: hex(sha256(Buffer.from(jcs(key)))), record: jcs(record), bucket, path });
    return record;
  }

  function absent(proof, root, key) {
    const { bucket, path } = itemOf(proof, key);
    checkMapProof({ root, key: hex(sha256(Buffer.from(jcs(key)))), bucket, path });
  }

  // Step 6: each operation is signed by keys that those before it, or the genesis, establish
  function checkSigned(operations, pinned) {
    const authority = didIn(pinned.ledger, pinned.ledger);
    const keys = new Map();
    const committed = new Map();
    function establish(did, { keys: new_, next }) {
      for (const key of new_) keys.set(`${did}#${thumbprint(key)}`, key);
      committed.set(did, next);
    }
    establish(authority, pinned.genesis.body);
    for (const operation of operations) {
      const { type, subject, body } = operation;
      if (type.endsWith(".register")) establish(didIn(pinned.ledger, operationHash(operation)), body);
      else if (body.keys) {
        for (const key of body.keys) assert.ok(committed.get(subject)?.includes(thumbprint(key)));
        establish(subject, body);
      }
    }
    for (const operation of operations) {
      for (const proof of operation.proof) {
        const { verificationMethod: method } = proof;
        const key = method.startsWith("did:key:") ? method.split("#")[1] : keys.get(method);
        assert.ok(key && proofHolds(operation, proof, key), `not signed: ${operation.type}`);
      }
    }
  }

  // Steps 6 to 8: the operations are all there are, and each is signed
  function checkOperations(proof, current, pinned) {
    const { entries, signers } = proof;
    checkSigned([...signers, ...entries.map(({ operation }) => operation)], pinned);
    let [history, last, sequence, previous] = [Buffer.alloc(32), -1, 0, undefined];
    entries.forEach((entry, place) => {
      const { index, operation } = entry;
      assert.ok(index > last);
      last = index;
      if (place === 0) {
        assert.equal(operation.type, "device.register");
        assert.equal(didIn(pinned.ledger, operationHash(operation)), current.did);
      } else if (operation.sequence !== undefined && operation.subject === current.did) {
        assert.deepEqual([operation.sequence, operation.previous], [sequence + 1, previous]);
        sequence = operation.sequence;
      }
      const own = place === 0 || operation.subject === current.did; // else it took the number away
      if (place === 0 || (own && operation.sequence !== undefined)) previous = operationHash(operation);
      history = sha256(history, leafHash(jcs(entry)));
    });
    assert.equal(hex(history), current.history);
  }

  function checkAnswer({ key, answer }, pinned) {
    const { device, proof, asOf } = answer;
    const root = stateOf(proof, pinned);
    const current = present(proof, root, ["did", device.did], asOf ? undefined : device);
    assert.deepEqual([current.kind, current.did], ["device", device.did]);
    if (key && key[0] === "did") assert.equal(key[1], device.did);
    else if (key) assert.equal(present(proof, root, key).did, device.did);
    if (proof.entries) checkOperations(proof, current, pinned);
    else assert.ok(!asOf, "the past of many changes");
  }

  // "Links", 4
  function checkLinks({ key, answer, absence }, pinned) {
    const proof = absence ?? answer.proof;
    const root = stateOf(proof, pinned);
    if (absence) {
      const { bucket, path } = itemOf(proof, key);
      checkMapProof({ root, key: hex(sha256(Buffer.from(jcs(key)))), bucket, path });
      return;
    }
    assert.equal(proof.records.length, 1);
    const record = present(proof, root, key, answer.links);
    const { entry, before, signers } = proof;
    const { operation } = entry;
    assert.deepEqual([operation.type, operation.ledger], ["links.set", pinned.ledger]);
    checkSigned([...signers, operation], pinned);
    const parties = operation.proof.map(({ verificationMethod }) => verificationMethod.split("#")[0]);
    assert.deepEqual([...new Set(parties)], [operation.subject]);
    assert.match(before, /^[0-9a-f]{64}$/);
    const made = {
      ...operation.body,
      by: operation.subject,
      updated: { entry: entry.index, time: entry.time },
      history: hex(sha256(Buffer.from(before, "hex"), leafHash(jcs(entry)))),
    };
    assert.equal(jcs(made), jcs(record));
    assert.deepEqual(key, ["links", made.anchor.scheme, made.anchor.value]);
  }

  // "Histories": of a number its steps, of a code the entry that gave it, of a device its answer
  function checkHistory({ key, answer, steps }, pinned) {
    if (key[0] === "number") return checkNumber(key, answer.proof, steps, pinned);
    checkAnswer({ key, answer }, pinned);
    if (key[0] !== "code") return undefined;
    const { entries } = answer.proof;
    const record = present(answer.proof, stateOf(answer.proof, pinned), key);
    const given = entries.find(({ operation: { body } }) => body.code?.value === key[2]);
    assert.equal(hex(sha256(Buffer.alloc(32), leafHash(jcs(given)))), record.history);
    if (steps) {
      const since = entries.slice(entries.indexOf(given)).map(({ index }) => index);
      assert.deepEqual(steps.map(({ index }) => index), since);
    }
    return undefined;
  }

  function checkNumber(key, proof, steps, pinned) {
    const record = present(proof, stateOf(proof, pinned), key);
    const { entries, signers } = proof;
    checkSigned([...signers, ...entries.map(({ operation }) => operation)], pinned);
    let [history, holder, last] = [Buffer.alloc(32), undefined, -1];
    const found = entries.map((entry) => {
      const { index, operation, unique } = entry;
      const { type, subject, body } = operation;
      assert.ok(index > last);
      last = index;
      history = sha256(history, leafHash(jcs(entry)));
      if (type === "number.rebind") {
        assert.ok(operation.proof.some(({ verificationMethod: by }) => by.startsWith(`${subject}#`)));
      }
      const bound = ["device.register", "number.rebind"].includes(type) && body.number.scheme === key[1];
      if (bound && unique["/body/number/commitment"] === key[2]) {
        holder = subject ?? didIn(pinned.ledger, operationHash(operation));
        return { index, what: "bound", did: holder };
      }
      assert.ok(["number.rebind", "status.retire"].includes(type) && subject === holder);
      holder = undefined;
      return { index, what: "freed", did: subject };
    });
    const made = { history: hex(history), since: entries.at(-1).time, ...(holder && { did: holder }) };
    assert.equal(jcs(made), jcs(record));
    if (steps) assert.deepEqual(found, steps);
  }

  function checkAbsence({ key, proof }, pinned) {
    const root = stateOf(proof, pinned);
    const item = itemOf(proof, key);
    if (key[0] === "number" && item.record) assert.ok(!("did" in present(proof, root, key)), "active");
    else if (key[0] === "did" && item.record) {
      assert.notEqual(present(proof, root, key).kind, "device");
    } else {
      absent(proof, root, key);
    }
  }

  function checkBundle({ ledger, bundle }) {
    assert.deepEqual(Object.keys(bundle).sort(), ["answer", "bundle", "genesis", "key", "updates"]);
    assert.strictEqual(bundle.bundle, 1);
    assert.ok(bundle.key === null || bundle.key.length > 1);
    const pinned = pin(bundle.genesis);
    assert.equal(pinned.ledger, ledger);
    // How an update is proved is checked in keys.json; here, which key it leads to.
    const periods = bundle.updates.map(({ entries }) => entries.at(-1).entry);
    pinned.vkey = (size) => {
      const before = periods.filter(({ index }) => index + 1 < size);
      return (before.at(-1)?.operation ?? bundle.genesis).body.log[0];
    };
    checkAnswer(bundle, pinned);
  }

  function check(file, run) {
    for (const one of file.vectors) {
      if (EFFECTS.includes(one.name)) continue;
      holds(`${one.name} (resolution)`, () => {
        if (one.error) assert.throws(() => run(one));
        else run(one);
      });
    }
  }
  for (const [name, run] of [["answers", checkAnswer], ["absences", checkAbsence], ["links", checkLinks],
    ["histories", checkHistory]]) {
    const file = load(`resolution/${name}.json`);
    const pinned = pin(file.genesis);
    check(file, (one) => run(one, pinned));
  }
  check(load("resolution/bundles.json"), checkBundle);
  return { checkBundle, checkAnswer, checkAbsence, pin, stateOf, present, absent };
}
