// Meetings of two devices with nothing but Node.js, for check_vectors.mjs, whose functions are handed
// in. Written from specs/1-identity.md, "Device to device", and C2SP tlog-cosignature.

import assert from "node:assert/strict";
import { verify } from "node:crypto";

const LIFETIME = 60;
const MEMBERS = {
  1: ["bundle", "message", "nonce", "protocol"],
  2: ["bundle", "message", "nonce", "proof", "protocol"],
  3: ["message", "proof", "protocol"],
};
const PROOF = ["challenge", "cryptosuite", "domain", "proofPurpose", "proofValue", "type", "verificationMethod"];
const SUITES = { ed01: "eddsa-jcs-2022", 8024: "ecdsa-jcs-2019" };

export function checkMeetings(load, holds, tools) {
  const { sha256, jcs, multihash, thumbprint, operationHash, publicKey, proofHolds, checkBundle, ed25519 } = tools;
  const file = load("identity/handshake.json");
  const hashOf = (value) => multihash(sha256(Buffer.from(jcs(value))));
  const didOf = (bundle) => bundle.answer.device.did;
  const sideOf = (did, nonce, name) => ({ did, nonce, bundle: hashOf(file.bundles[name]) });

  function checkForm(message, number) {
    assert.equal(typeof message, "object", "not JSON");
    assert.equal(message.protocol, "tetrad-handshake-1");
    assert.deepEqual(Object.keys(message).sort(), MEMBERS[number]);
    assert.strictEqual(message.message, number);
    if (number < 3) assert.equal(Buffer.from(message.nonce, "base64url").length, 32);
  }

  // When the witness of the policy saw the checkpoint: base64(key id ‖ time ‖ signature) on its line
  function cosignedAt(note) {
    const [, name, encoded] = file.policy.match(/^witness \S+ ([^+]+)\+[0-9a-f]{8}\+(\S+)/m);
    const raw = Buffer.from(encoded, "base64");
    const key = ed25519(raw.subarray(1));
    const end = note.indexOf("\n\n") + 1;
    const line = note.slice(end + 1).split("\n").find((one) => one.startsWith(`— ${name} `));
    const blob = Buffer.from(line.split(" ")[2], "base64");
    const time = Number(blob.readBigUInt64BE(4));
    const signed = Buffer.from(`cosignature/v1\ntime ${time}\n${note.slice(0, end)}`);
    assert.ok(verify(null, signed, key, blob.subarray(12)), "the witness");
    return time;
  }

  function checkEvidence(bundle, one, now) {
    const { terms, did } = one;
    const ledger = operationHash(bundle.genesis);
    assert.ok(terms.ledgers.includes(ledger), "another ledger");
    checkBundle({ ledger, bundle });
    const { device, asOf } = bundle.answer;
    assert.equal(asOf, undefined, "the past");
    assert.equal(device.status, "active");
    assert.notEqual(device.did, did, "oneself");
    const age = now - cosignedAt(bundle.answer.proof.checkpoint);
    if (terms.maxAge !== null) assert.ok(age <= terms.maxAge, "stale");
    if (typeof terms.peer === "string") assert.equal(device.did, terms.peer);
    else if (terms.peer) assert.deepEqual(device.code, terms.peer);
    return device;
  }

  function checkProofs(proofs, document, device, one) {
    assert.equal(proofs.length, 1, "these devices have one key");
    const [proof] = proofs;
    assert.deepEqual(Object.keys(proof).sort(), PROOF);
    assert.equal(proof.type, "DataIntegrityProof");
    assert.equal(proof.proofPurpose, "authentication");
    assert.equal(proof.challenge, one.nonce);
    assert.equal(proof.domain, one.did);
    const key = device.keys.find((key) => `${device.did}#${thumbprint(key)}` === proof.verificationMethod);
    assert.ok(key, "not a key of its own");
    assert.equal(proof.cryptosuite, SUITES[publicKey(key).codec]);
    assert.ok(proofHolds(document, proof, key), "the signature");
    return proof.verificationMethod;
  }

  // Plays a vector as the machine that it is about; its answers were signed by that machine.
  function meet(one) {
    const own = sideOf(one.did, one.nonce, one.bundle);
    const begins = one.role === "initiator";
    const sides = { [one.role]: own };
    const extra = {};
    if (one.terms.channel) extra.channel = one.terms.channel;
    if (one.terms.context) extra.context = one.terms.context;
    let [device, began, next, done] = [undefined, undefined, 1, undefined];
    const members = () => ({ protocol: "tetrad-handshake-1", ...sides, ...extra });
    for (const { now, sent, received } of one.messages) {
      began ??= now;
      assert.ok(now - began <= LIFETIME, "too late");
      assert.ok(next <= 3, "nothing is due");
      const message = sent ?? received;
      checkForm(message, next);
      next += 1;
      if (sent) {
        if (!sent.proof) continue;
        const key = file.bundles[one.bundle].answer.device;
        const peer = sides[begins ? "responder" : "initiator"];
        checkProofs(sent.proof, { ...members(), signer: one.role }, key, peer);
        continue;
      }
      const role = begins ? "responder" : "initiator";
      if (message.bundle) {
        assert.notEqual(message.nonce, one.nonce, "our own");
        const bundle = file.bundles[message.bundle];
        device = checkEvidence(bundle, one, now);
        sides[role] = sideOf(didOf(bundle), message.nonce, message.bundle);
      }
      if (message.proof) {
        const document = { ...members(), signer: role };
        done = checkProofs(message.proof, document, device, one);
      }
    }
    assert.ok(done, "not finished");
    return { peer: device.did, methods: [done], transcript: hashOf(members()) };
  }

  for (const [name, bundle] of Object.entries(file.bundles)) {
    holds(`bundle of ${name} (handshake)`, () => assert.equal(hashOf(bundle), file.hashes[name]));
  }
  for (const one of file.vectors) {
    holds(`${one.name} (handshake)`, () => {
      if (one.error) assert.throws(() => meet(one), assert.AssertionError);
      else assert.deepEqual(meet(one), { peer: one.peer, methods: one.methods, transcript: one.transcript });
    });
  }
}
