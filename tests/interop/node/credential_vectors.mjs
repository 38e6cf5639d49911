// Credentials, presentations and status lists, with nothing but Node.js: which bytes each proof of a
// set or a chain signs, and what a bit string says. What JSON-LD and the data model refuse is not
// decided here, and RDF canonicalization is taken from the vectors.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";

const SIGNED_OTHERWISE = [
  "another document",
  "another time of the proof",
  "another forged in the set",
  "the chain with its link cut",
  "the chain over another proof",
];

export function checkCredentials(load, holds, tools) {
  const { HASHES, LACKING, codecOf, jcs, unmultibase, verifies, without } = tools;
  const listOf = (value) => (Array.isArray(value) ? value : [value]);
  const keyOf = (proof) => proof.verificationMethod.split("#")[1];

  // VC Data Integrity 1.0, 4.5: the document of a proof that covers others holds these.
  function signedDocument(secured, proof) {
    const document = { ...without(secured, "proof"), "@context": proof["@context"] };
    const names = proof.previousProof === undefined ? [] : listOf(proof.previousProof);
    const previous = names.map((name) => secured.proof.find((one) => one.id === name));
    assert.ok(previous.every((one) => one !== undefined));
    return previous.length ? { ...document, proof: previous } : document;
  }
  const ofProof = (secured, proof) => [jcs(without(proof, "proofValue")), jcs(signedDocument(secured, proof))];
  function proofHolds(canonical, proof) {
    const multikey = keyOf(proof);
    const hash = HASHES[codecOf(multikey)] ?? "sha256";
    const digests = canonical.map((text) => createHash(hash).update(text).digest());
    return verifies(multikey, Buffer.concat(digests), unmultibase(proof.proofValue));
  }

  for (const one of load("identity/credentials.json").vectors) {
    const secured = one.credential ?? one.presentation;
    if (one.error && !SIGNED_OTHERWISE.includes(one.name)) continue;
    holds(one.name, () => {
      const verdicts = listOf(secured.proof).map((proof, place) => {
        const isJcs = proof.cryptosuite.includes("-jcs-");
        const canonical = isJcs ? ofProof(secured, proof) : one.canonical[place];
        if (!one.error) assert.deepEqual(canonical, one.canonical[place]);
        return LACKING.includes(codecOf(keyOf(proof))) || proofHolds(canonical, proof);
      });
      assert.equal(verdicts.every(Boolean), !one.error);
    });
  }

  for (const one of load("identity/status_lists.json").vectors) {
    if (one.error) continue;
    holds(one.name, () => {
      const { encodedList } = one.list.credentialSubject;
      assert.equal(encodedList[0], "u");
      const bytes = gunzipSync(Buffer.from(encodedList.slice(1), "base64url"));
      const size = one.entry.statusSize ?? 1;
      assert.ok((bytes.length * 8) / size >= 131072);
      let value = 0;
      for (let place = 0; place < size; place += 1) {
        const bit = Number(one.entry.statusListIndex) * size + place;
        value = value * 2 + ((bytes[bit >> 3] >> (7 - (bit & 7))) & 1);
      }
      assert.equal(value, one.value);
      const messages = one.entry.statusMessage ?? [{ message: "unset" }, { message: "set" }];
      assert.equal(messages[value].message, one.message);
    });
  }
}
