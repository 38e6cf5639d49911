// Checks specs/vectors with nothing but Node.js: an implementation that shares no line with ours.
//
//   node tests/interop/node/check_vectors.mjs specs/vectors
//
// Written from specs/1-identity.md to specs/3-resolution.md and the standards they name; exits with
// 1 at the first vector that does not hold.

import assert from "node:assert/strict";
import { createHash, createHmac, createPublicKey, verify } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkAccreditations } from "./accreditations.mjs";
import { checkAnswers } from "./answers.mjs";
import { checkCredentials } from "./credential_vectors.mjs";
import { checkCodes } from "./codes.mjs";
import { checkAuthentications } from "./authentication.mjs";
import { enrolledKey } from "./enrolments.mjs";
import { checkGraded } from "./graded.mjs";
import { checkHandles } from "./handles.mjs";
import { checkMeetings } from "./meetings.mjs";
import { checkPaths } from "./paths.mjs";
import { checkWitnesses } from "./witnesses.mjs";

const folder = process.argv[2];
const load = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const hex = (buffer) => buffer.toString("hex");
const unhex = (text) => Buffer.from(text, "hex");
let checked = 0;
const holds = (name, run) => {
  try {
    run();
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exit(1);
  }
  checked += 1;
};

// RFC 8785: JSON.stringify writes numbers and strings as it says; members sort by UTF-16 units.
function jcs(value) {
  if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${jcs(value[name])}`).join(",")}}`;
}

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
function base58(bytes) {
  let number = BigInt(`0x${hex(bytes) || "0"}`);
  let text = "";
  for (; number > 0n; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
  for (const byte of bytes) {
    if (byte !== 0) break;
    text = `1${text}`;
  }
  return text;
}
function unbase58(text) {
  let number = 0n;
  for (const letter of text) number = number * 58n + BigInt(ALPHABET.indexOf(letter));
  let digits = number === 0n ? "" : number.toString(16);
  if (digits.length % 2) digits = `0${digits}`;
  const zeros = text.match(/^1*/)[0].length;
  return Buffer.concat([Buffer.alloc(zeros), unhex(digits)]);
}
const multihash = (digest) => `z${base58(Buffer.concat([Buffer.from([0x12, 0x20]), digest]))}`;
const thumbprint = (multikey) => multihash(sha256(Buffer.from(multikey)));
function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.match(/.{5}/g).map((five) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(five, 2)]).join("");
}

// A Multikey as a key of node:crypto: the raw bytes behind the DER head of their algorithm.
const HEADS = {
  ed01: unhex("302a300506032b6570032100"),
  8024: unhex("3039301306072a8648ce3d020106082a8648ce3d030107032200"),
  8124: unhex("3046301006072a8648ce3d020106052b81040022033200"),
};
const CODECS = { Ed25519: "ed01", "P-256": "8024", "P-384": "8124", "ML-DSA-44": "9024", "ML-DSA-65": "9124", SM2: "8624" };
// Node.js 20 has no ML-DSA (tests/interop asks @noble/post-quantum), nor SM2 with an identifier
// (there, openssl): of their vectors it checks the spelling and what is signed.
const LACKING = ["9024", "9124", "8624"];
const unmultibase = (text) =>
  text[0] === "u" ? Buffer.from(text.slice(1), "base64url") : unbase58(text.slice(1));
function publicKey(multikey) {
  const bytes = unmultibase(multikey);
  const codec = hex(bytes.subarray(0, 2));
  const der = Buffer.concat([HEADS[codec], bytes.subarray(2)]);
  return { codec, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
}
function verifies(multikey, message, signature) {
  const { codec, key } = publicKey(multikey);
  if (codec === "ed01") return verify(null, message, key, signature);
  const hash = codec === "8124" ? "sha384" : "sha256";
  return verify(hash, message, { key, dsaEncoding: "ieee-p1363" }, signature);
}
const without = (object, name) =>
  Object.fromEntries(Object.entries(object).filter(([member]) => member !== name));
const operationHash = (operation) => multihash(sha256(Buffer.from(jcs(without(operation, "proof")))));
const HASHES = { 8124: "sha384", 9124: "sha384", 8624: "sm3" };
const codecOf = (multikey) => hex(unmultibase(multikey).subarray(0, 2));
function signingInput(document, proof, multikey) {
  const hash = (value) =>
    createHash(HASHES[codecOf(multikey)] ?? "sha256").update(jcs(value)).digest();
  return Buffer.concat([hash(without(proof, "proofValue")), hash(without(document, "proof"))]);
}
const proofHolds = (document, proof, multikey) =>
  verifies(multikey, signingInput(document, proof, multikey), unmultibase(proof.proofValue));

// identity
for (const one of load("identity/jcs.json").vectors) {
  if (one.error) continue;
  holds(one.name, () => assert.equal(jcs(JSON.parse(unhex(one.hex).toString("utf8"))), one.canonical));
}
for (const one of load("identity/keys.json").vectors) {
  if (one.error) continue;
  holds(one.name, () => {
    assert.equal(thumbprint(one.multikey), one.thumbprint);
    assert.equal(hex(unmultibase(one.multikey).subarray(2)), one.raw);
    assert.equal(one.kind, one.multikey[0] === "u" ? "post-quantum" : "classical");
    assert.equal(`did:key:${one.multikey}#${one.multikey}`, one["did:key method"]);
    assert.equal(codecOf(one.multikey), CODECS[one.algorithm]);
    if (!LACKING.includes(codecOf(one.multikey))) publicKey(one.multikey);
  });
}
for (const one of load("identity/dids.json").vectors) {
  if (one.error || !one.genesis) continue;
  holds(one.name, () => {
    assert.equal(base32(unbase58(one.genesis.slice(1)).subarray(2, 12)), one.label);
    assert.equal(`did:tetrad:${one.label}:${one.operation}`, one.did);
  });
}
for (const one of load("identity/operations.json").vectors) {
  holds(one.name, () => {
    assert.equal(jcs(without(one.operation, "proof")), one.canonical);
    assert.equal(operationHash(one.operation), one.hash);
  });
}
// Node.js accepts a high s, and knows no purpose: what it refuses as well is checked here.
const REFUSED_BY_ALL = ["another document", "another signature", "a signature too short", "S above the order", "another document under P-384", "P-384 with SHA-256"];
for (const one of load("identity/proofs.json").vectors) {
  const [proof] = one.secured.proof;
  if (one.error && !REFUSED_BY_ALL.includes(one.name)) continue;
  holds(one.name, () => {
    const input = () => hex(signingInput(one.secured, proof, one.multikey));
    if (!one.error) assert.equal(input(), one["signing input"]);
    if (LACKING.includes(codecOf(one.multikey))) return;
    assert.equal(proofHolds(one.secured, proof, one.multikey), !one.error);
  });
}
checkCredentials(load, holds, { HASHES, LACKING, codecOf, jcs, unmultibase, verifies, without });
checkAuthentications(load, holds, { sha256, hex, thumbprint, proofHolds, unbase58 });
for (const one of load("identity/disclosures.json").vectors) {
  if (one.error) continue;
  holds(one.name, () => {
    assert.equal(Buffer.from(one.content).toString("base64url"), one.encoded);
    assert.equal(sha256(Buffer.from(one.encoded)).toString("base64url"), one.digest);
  });
}
for (const one of load("identity/uniqueness.json").vectors) {
  const mac = createHmac("sha256", unhex(one.key)).update(one.message);
  holds(one.name, () => assert.equal(mac.digest("base64url"), one.unique));
}

// ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381), in extended coordinates (X : Y : Z : XY/Z)
const sha512 = (...parts) => createHash("sha512").update(Buffer.concat(parts)).digest();
const [P, L] = [2n ** 255n - 19n, 2n ** 252n + 27742317777372353535851937790883648493n];
const mod = (number, by = P) => ((number % by) + by) % by;
function power(base, exponent) {
  let result = 1n;
  for (; exponent; exponent >>= 1n, base = (base * base) % P) {
    if (exponent & 1n) result = (result * base) % P;
  }
  return result;
}
const inverse = (number) => power(mod(number), P - 2n);
const D = mod(-121665n * inverse(121666n));
const little = (bytes) => BigInt(`0x${hex(Buffer.from(bytes).reverse()) || "0"}`);
const bytesOf = (number) => unhex(number.toString(16).padStart(64, "0")).reverse();
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const [a, b, c, d] = [(y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2), 2n * D * t1 * t2, 2n * z1 * z2];
  const [e, f, g, h] = [b - a, d - c, d + c, b + a].map((one) => mod(one));
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}
const negative = ([x, y, z, t]) => [mod(-x), y, z, mod(-t)];
const NEUTRAL = [0n, 1n, 1n, 0n];
function times(point, scalar) {
  let result = NEUTRAL;
  for (; scalar; scalar >>= 1n, point = add(point, point)) if (scalar & 1n) result = add(result, point);
  return result;
}
function encodePoint([x, y, z]) {
  const over = inverse(z);
  return bytesOf(mod(y * over) | ((mod(x * over) & 1n) << 255n));
}
function decodePoint(bytes) { // RFC 8032, section 5.1.3
  const [sign, y] = [little(bytes) >> 255n, little(bytes) & (2n ** 255n - 1n)];
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * power(2n, (P - 1n) / 4n));
  if (y >= P || mod(x * x) !== square || (x === 0n && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}
const isNeutral = (point) => hex(encodePoint(point)) === hex(encodePoint(NEUTRAL));
const inGroup = (point) => point && !isNeutral(point) && isNeutral(times(point, L));
const BASE = decodePoint(bytesOf(mod(4n * inverse(5n))));
const tag = (number) => Buffer.from([number]);
function toCurve(salt, alpha) { // section 5.4.1.1
  for (let counter = 0; ; counter += 1) {
    const data = sha512(tag(3), tag(1), salt, alpha, tag(counter), tag(0)).subarray(0, 32);
    const point = decodePoint(data);
    if (point && !isNeutral(times(point, 8n))) return times(point, 8n);
  }
}
function vrfOutput(key, alpha, proof) { // section 5.3; null where it is refused
  if (key.length !== 32 || proof.length !== 80) return null;
  const [y, gamma] = [decodePoint(key), decodePoint(proof.subarray(0, 32))];
  const [c, s] = [little(proof.subarray(32, 48)), little(proof.subarray(48))];
  if (!inGroup(y) || !inGroup(gamma) || s >= L) return null;
  const h = toCurve(key, alpha);
  const u = add(times(BASE, s), negative(times(y, c)));
  const v = add(times(h, s), negative(times(gamma, c)));
  const points = [key, ...[h, gamma, u, v].map(encodePoint)];
  const found = sha512(tag(3), tag(2), ...points, tag(0)).subarray(0, 16);
  if (hex(found) !== hex(proof.subarray(32, 48))) return null;
  return sha512(tag(3), tag(3), encodePoint(times(gamma, 8n)), tag(0));
}
for (const one of load("identity/vrf.json").vectors) {
  holds(one.name, () => {
    const beta = vrfOutput(...[one.public, one.alpha, one.proof].map(unhex));
    assert.equal(beta && hex(beta), one.beta ?? null);
    if (beta) assert.equal(beta.subarray(0, 32).toString("base64url"), one.unique);
  });
}

// ledger (RFC 6962, section 2.1)
const leafHash = (entry) => sha256(Buffer.from([0]), Buffer.from(entry));
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);
function treeHash(leaves) {
  if (leaves.length < 2) return leaves[0] ?? sha256(Buffer.alloc(0));
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return nodeHash(treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}
function rootFromInclusion(index, size, leaf, hashes) {
  let [node, last, hash] = [index, size - 1, leaf];
  for (const other of hashes) {
    assert.ok(last > 0);
    if (node % 2 || node === last) {
      hash = nodeHash(other, hash);
      while (node % 2 === 0 && node) [node, last] = [node >> 1, last >> 1];
    } else hash = nodeHash(hash, other);
    [node, last] = [node >> 1, last >> 1];
  }
  assert.equal(last, 0);
  return hash;
}
function rootsFromConsistency(from, hashes) {
  const path = [...hashes];
  return (to, oldRoot) => {
    if (from === to) return [oldRoot, oldRoot];
    if ((from & (from - 1)) === 0) path.unshift(oldRoot);
    let [node, last] = [from - 1, to - 1];
    while (node % 2) [node, last] = [node >> 1, last >> 1];
    let [first, second] = [path[0], path[0]];
    for (const other of path.slice(1)) {
      if (node % 2 || node === last) {
        [first, second] = [nodeHash(other, first), nodeHash(other, second)];
        while (node % 2 === 0 && node) [node, last] = [node >> 1, last >> 1];
      } else second = nodeHash(second, other);
      [node, last] = [node >> 1, last >> 1];
    }
    return [first, second];
  };
}

const { entries } = load("ledger/entries.json");
const stateRoots = new Map();
let previous = "0".repeat(64);
const leaves = entries.map((one) => {
  const entry = JSON.parse(one.entry);
  holds(`entry ${one.index}`, () => {
    assert.equal(jcs(entry), one.entry);
    assert.equal(entry.index, one.index);
    assert.equal(entry.previous, previous);
    if (entry.operation) {
      assert.equal(operationHash(entry.operation), one["operation hash"]);
      assert.equal(jcs(without(entry, "operation")), one.context);
    } else {
      assert.deepEqual(Object.keys(entry), ["index", "previous", "state_root", "time"]);
      stateRoots.set(entry.index, entry.state_root);
    }
    assert.equal(hex(leafHash(one.entry)), one["leaf hash"]);
  });
  previous = one["leaf hash"];
  return leafHash(one.entry);
});
const tree = load("ledger/tree.json");
const roots = new Map(tree.roots.map(({ size, root }) => [size, root]));
holds("the empty root", () => assert.equal(hex(treeHash([])), tree["empty root"]));
for (const [size, root] of roots) {
  holds(`root of ${size}`, () => assert.equal(hex(treeHash(leaves.slice(0, size))), root));
}
for (const { index, size, hashes } of tree.inclusion) {
  holds(`inclusion of ${index} in ${size}`, () =>
    assert.equal(hex(rootFromInclusion(index, size, leaves[index], hashes.map(unhex))), roots.get(size)));
}
for (const { from, to, hashes } of tree.consistency) {
  holds(`consistency of ${from} and ${to}`, () => {
    const [first, second] = rootsFromConsistency(from, hashes.map(unhex))(to, unhex(roots.get(from)));
    assert.deepEqual([hex(first), hex(second)], [roots.get(from), roots.get(to)]);
  });
}

// C2SP signed-note and tlog-checkpoint
function opened(note, vkey) {
  const [name, id, key] = vkey.split("+", 2).concat(vkey.slice(vkey.indexOf("+", vkey.indexOf("+") + 1) + 1));
  const raw = Buffer.from(key, "base64");
  assert.equal(raw[0], 1);
  const end = note.indexOf("\n\n— ") + 1;
  const text = note.slice(0, end);
  const line = note.slice(end + 1).split("\n").find((one) => one.startsWith(`— ${name} `));
  const signature = Buffer.from(line.split(" ")[2], "base64");
  assert.equal(hex(signature.subarray(0, 4)), id);
  const der = Buffer.concat([HEADS.ed01, raw.subarray(1)]);
  const ed25519 = createPublicKey({ key: der, format: "der", type: "spki" });
  assert.ok(verify(null, Buffer.from(text), ed25519, signature.subarray(4)));
  const [origin, size, root] = text.split("\n");
  assert.equal(origin, name);
  return { size: Number(size), root: hex(Buffer.from(root, "base64")) };
}
const checkpoint = load("ledger/checkpoint.json");
holds("checkpoint", () => {
  const { size, root } = opened(checkpoint.note, checkpoint.key);
  assert.equal(root, roots.get(size));
});
const receipts = load("ledger/receipts.json");
receipts.receipts.forEach(({ index: at, operation, receipt }) => {
  holds(`receipt ${at}`, () => {
    const end = receipt.indexOf("\n\n");
    const [header, extra, index, ...hashes] = receipt.slice(0, end).split("\n");
    assert.equal(header, "c2sp.org/tlog-proof@v1");
    const context = JSON.parse(Buffer.from(extra.slice("extra ".length), "base64").toString("utf8"));
    const leaf = leafHash(jcs({ ...context, operation }));
    const { size, root } = opened(receipt.slice(end + 2), receipts.key);
    const path = hashes.map((hash) => Buffer.from(hash, "base64"));
    assert.equal(hex(rootFromInclusion(Number(index.slice(6)), size, leaf, path)), root);
    assert.equal(context.index, at);
  });
});

// Log keys: who may sign which tree, and the chain from the genesis that proves it
const rotated = load("ledger/keys.json");
const inForce = [];
const ledger = operationHash(rotated.genesis);
const label = base32(unbase58(ledger.slice(1)).subarray(2, 12));
const authority = `did:tetrad:${label}:${ledger}`;
let committed = rotated.genesis.body.next;
let [vkeys, since, lastSequence] = [rotated.genesis.body.log, 1, 0];
rotated.updates.forEach(({ checkpoint: note, entries }, at) => {
  holds(`update ${at} of the log's keys`, () => {
    const { size, root } = opened(note, vkeys[0]);
    entries.forEach(({ entry, hashes }, place) => {
      const { index, operation } = entry;
      const path = hashes.map((hash) => Buffer.from(hash, "base64"));
      assert.equal(hex(rootFromInclusion(index, size, leafHash(jcs(entry)), path)), root);
      assert.equal(operation.subject, authority);
      assert.ok(operation.sequence > lastSequence);
      const own = new Map(operation.body.keys.map((key) => [`${authority}#${thumbprint(key)}`, key]));
      for (const key of own.values()) assert.ok(committed.includes(thumbprint(key)));
      assert.deepEqual([...own.keys()].sort(), operation.proof.map((one) => one.verificationMethod).sort());
      for (const proof of operation.proof) {
        assert.ok(proofHolds(operation, proof, own.get(proof.verificationMethod)));
      }
      [committed, lastSequence] = [operation.body.next, operation.sequence];
      assert.equal(place === entries.length - 1, "log" in operation.body);
      assert.equal(index === size - 1, "log" in operation.body);
    });
    for (; since <= size; since += 1) inForce[since] = vkeys;
    vkeys = entries.at(-1).entry.operation.body.log;
  });
});
for (const { size, keys } of rotated["in force"]) {
  holds(`log keys for ${size}`, () => assert.deepEqual(keys, inForce[size] ?? vkeys));
}
for (const { size, note, error } of rotated.checkpoints) {
  holds(`checkpoint of ${size} by some key`, () => {
    const open = () => opened(note, (inForce[size] ?? vkeys)[0]);
    if (error) assert.throws(open);
    else assert.equal(open().size, size);
  });
}
checkWitnesses(load, holds);
// The state map and the histories (specs/2-registry.md, "State map" and "State")
const valueHash = (record) => leafHash(record); // the same prefix
function mapRoot(records, depth = 0) {
  if (records.length <= 16) {
    const sorted = [...records].sort(([one], [other]) => Buffer.compare(one, other));
    return leafHash(Buffer.concat(sorted.flatMap(([key, record]) => [key, valueHash(record)])));
  }
  const bit = (key) => (key[depth >> 3] >> (7 - (depth & 7))) & 1;
  const side = (wanted) => mapRoot(records.filter(([key]) => bit(key) === wanted), depth + 1);
  return nodeHash(side(0), side(1));
}
function cut(text, size) {
  const bytes = Buffer.from(text, "base64");
  assert.equal(bytes.toString("base64"), text, "base64 in another form");
  assert.equal(bytes.length % size, 0, "cut short");
  return Array.from({ length: bytes.length / size }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}
function checkMapProof({ root, key: named, record, bucket, path }) {
  const key = unhex(named);
  const slots = cut(bucket, 64);
  assert.ok(slots.every((slot) => !slot.subarray(0, 32).equals(key)), "its own entry");
  if (record !== undefined) {
    const place = slots.filter((slot) => Buffer.compare(slot.subarray(0, 32), key) < 0).length;
    slots.splice(place, 0, Buffer.concat([key, valueHash(record)]));
  }
  assert.ok(slots.length <= 16, "too many keys");
  slots.slice(1).forEach((slot, n) =>
    assert.ok(Buffer.compare(slots[n].subarray(0, 32), slot.subarray(0, 32)) < 0, "in disorder"));
  const siblings = cut(path, 32);
  assert.ok(siblings.length <= 63, "too long");
  let node = leafHash(Buffer.concat(slots));
  siblings.forEach((sibling, n) => {
    const depth = siblings.length - 1 - n;
    const right = (key[depth >> 3] >> (7 - (depth & 7))) & 1;
    node = right ? nodeHash(sibling, node) : nodeHash(node, sibling);
  });
  assert.equal(hex(node), root);
}
const map = load("ledger/state_map.json");
for (const { name, records, root } of map.maps) {
  holds(`map of ${name}`, () =>
    assert.equal(hex(mapRoot(records.map(([key, record]) => [unhex(key), record]))), root));
}
for (const one of map.proofs) {
  holds(`proof in the state map: ${one.name}`, () => {
    if (one.error) assert.throws(() => checkMapProof(one), assert.AssertionError);
    else checkMapProof(one);
  });
}
const { records: histories } = load("ledger/history.json");
for (const { key, versions } of histories) {
  holds(`history of ${jcs(key)}`, () => {
    let history = Buffer.alloc(32);
    for (const { entry, record } of versions) {
      history = sha256(history, leaves[entry]);
      assert.equal(JSON.parse(record).history, hex(history));
      assert.equal(jcs(JSON.parse(record)), record);
    }
  });
}
assert.ok(stateRoots.size > 1);
for (const [index, root] of stateRoots) {
  holds(`the state before entry ${index}`, () => {
    const newest = histories.flatMap(({ key, versions }) => {
      const last = versions.filter(({ entry }) => entry < index).pop();
      return last ? [[sha256(Buffer.from(jcs(key))), last.record]] : [];
    });
    assert.equal(hex(mapRoot(newest)), root);
  });
}

const didIn = (ledger, operation) =>
  `did:tetrad:${base32(unbase58(ledger.slice(1)).subarray(2, 12))}:${operation}`;
const { checkBundle, ...answering } = checkAnswers(load, holds, {
  sha256, hex, jcs, leafHash, rootFromInclusion, opened, checkMapProof,
  operationHash, thumbprint, proofHolds, didIn,
});
checkAccreditations(load, holds, folder, {
  jcs, thumbprint, proofHolds, operationHash, didIn, ...answering,
});
checkCodes(load, holds);
checkPaths(load, holds, { jcs, didIn }, answering);
checkHandles(load, holds, { sha256, jcs });
checkMeetings(load, holds, {
  sha256, jcs, multihash, thumbprint, operationHash, publicKey, proofHolds, checkBundle,
  ed25519: (raw) => publicKey(`z${base58(Buffer.concat([unhex("ed01"), raw]))}`).key,
});

checkGraded(load, holds, { sha256, hex, jcs });

// rules: the hash of every operation, and every signature of those that are accepted
for (const name of readdirSync(join(folder, "rules")).sort()) {
  const one = load(join("rules", name));
  holds(name, () => {
    assert.equal(operationHash(one.operation), one.hash);
    if (one.error) return;
    const keys = [...(one.operation.body.keys ?? []), ...(one.operation.body.quorum ?? [])];
    if (one.operation.body.enrolment) {
      keys.push(enrolledKey(one.operation.body, one.state.records, { base58, unhex }));
    }
    const known = new Map(keys.map((key) => [`${one.operation.subject}#${thumbprint(key)}`, key]));
    for (const key of keys) known.set(`did:key:${key}#${key}`, key);
    for (const [[kind], record] of one.state.records) {
      if (kind !== "did") continue;
      for (const key of [...record.keys, ...(record.recovering?.keys ?? [])]) known.set(`${record.did}#${thumbprint(key)}`, key);
    }
    for (const proof of one.operation.proof) {
      const key = known.get(proof.verificationMethod);
      assert.ok(key);
      if (!LACKING.includes(codecOf(key))) assert.ok(proofHolds(one.operation, proof, key));
    }
  });
}
console.log(`${checked} vectors hold`);
