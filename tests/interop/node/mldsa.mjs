// ML-DSA proofs by @noble/post-quantum: verified, and made, from the specification's words alone.
//
//   node mldsa.mjs verify < [{"document", "proof", "multikey"}, …]   -> [true, …]
//   node mldsa.mjs sign < [{"algorithm", "seed", "document", "purpose"}, …] -> [{"proof", "multikey"}, …]

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ml_dsa44, ml_dsa65 } from "@noble/post-quantum/ml-dsa";

const SUITES = {
  "mldsa44-jcs-2024": { codec: [0x90, 0x24], hash: "sha256", mldsa: ml_dsa44, algorithm: "ML-DSA-44" },
  "mldsa65-jcs-2024": { codec: [0x91, 0x24], hash: "sha384", mldsa: ml_dsa65, algorithm: "ML-DSA-65" },
};

function jcs(value) {
  if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${jcs(value[name])}`).join(",")}}`;
}

function signingInput(document, proof, hash) {
  const digest = (value) => createHash(hash).update(jcs(value)).digest();
  const { proof: _proof, ...unsecured } = document;
  const { proofValue: _value, ...options } = proof;
  return Buffer.concat([digest(options), digest(unsecured)]);
}

function bytes(text) {
  if (!/^u[A-Za-z0-9_-]+$/.test(text)) throw new Error("not base64url with the header u");
  return Buffer.from(text.slice(1), "base64url");
}

function verified({ document, proof, multikey }) {
  const suite = SUITES[proof.cryptosuite];
  if (!suite || proof.type !== "DataIntegrityProof") return false;
  try {
    const key = bytes(multikey);
    if (key[0] !== suite.codec[0] || key[1] !== suite.codec[1]) return false;
    const input = signingInput(document, proof, suite.hash);
    return suite.mldsa.verify(key.subarray(2), input, bytes(proof.proofValue));
  } catch {
    return false; // a length that is not one of the algorithm
  }
}

function signed({ algorithm, seed, document, purpose }) {
  const [name, suite] = Object.entries(SUITES).find(([, one]) => one.algorithm === algorithm);
  const { publicKey, secretKey } = suite.mldsa.keygen(Buffer.from(seed, "hex"));
  const key = Buffer.concat([Buffer.from(suite.codec), Buffer.from(publicKey)]);
  const multikey = `u${key.toString("base64url")}`;
  const proof = {
    type: "DataIntegrityProof",
    cryptosuite: name,
    verificationMethod: `did:key:${multikey}#${multikey}`,
    proofPurpose: purpose,
  };
  const signature = suite.mldsa.sign(secretKey, signingInput(document, proof, suite.hash));
  return { multikey, proof: { ...proof, proofValue: `u${Buffer.from(signature).toString("base64url")}` } };
}

const input = JSON.parse(readFileSync(0, "utf8"));
const run = { verify: verified, sign: signed }[process.argv[2]];
console.log(JSON.stringify(input.map(run)));
