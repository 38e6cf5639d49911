// Policies and witnesses (C2SP tlog-policy, tlog-cosignature, tlog-witness) with nothing but
// Node.js, for check_vectors.mjs. Written from those pages; Ed25519 alone.

import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";

const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const node = (left, right) => sha256(Buffer.from([1]), left, right);
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

const strict64 = (text) => {
  const bytes = Buffer.from(text, "base64");
  assert.equal(bytes.toString("base64"), text);
  return bytes;
};

function readKey(vkey) {
  const [, name, id, encoded] = vkey.match(/^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/u);
  const material = strict64(encoded);
  const found = sha256(Buffer.from(`${name}\n`), material).subarray(0, 4).toString("hex");
  assert.equal(found, id);
  return { name, id, type: material[0], raw: material.subarray(1) };
}

function readPolicy(text) {
  const policy = { logs: [], witnesses: [], groups: [], quorum: undefined };
  let line = 0;
  try {
    assert.ok(text === "" || text.endsWith("\n"));
    assert.ok(!/[\x00-\x08\x0b-\x1f\x7f]/.test(text));
    for (const whole of text.split("\n").slice(0, -1)) {
      line += 1;
      const items = whole.split(/[ \t]+/).filter((item) => item);
      if (items.length && !items[0].startsWith("#")) readLine(policy, items);
    }
    line = undefined;
    assert.ok(policy.quorum !== undefined);
  } catch (error) {
    return { error, line: line || undefined };
  }
  return policy;
}

function readLine(policy, [keyword, ...rest]) {
  const names = ["none", ...policy.witnesses.map((one) => one.name), ...policy.groups.map((one) => one.name)];
  const defines = (name) => assert.ok(!names.includes(name));
  const keyOf = (vkey, types, known) => {
    const key = readKey(vkey);
    assert.ok(types.includes(key.type));
    assert.ok(!known.some((one) => one.key.raw.equals(key.raw)));
    return key;
  };
  if (keyword === "log") {
    assert.ok(rest.length === 1 || rest.length === 2);
    policy.logs.push({ key: keyOf(rest[0], [1, 6], policy.logs) });
  } else if (keyword === "witness") {
    assert.ok(rest.length === 2 || rest.length === 3);
    defines(rest[0]);
    policy.witnesses.push({ name: rest[0], key: keyOf(rest[1], [4, 6], policy.witnesses), url: rest[2] ?? null });
  } else if (keyword === "group") {
    const [name, word, ...members] = rest;
    defines(name);
    const placed = policy.groups.flatMap((one) => one.members);
    members.forEach((one, at) => {
      assert.ok(one !== "none" && names.includes(one) && !placed.includes(one));
      assert.equal(members.indexOf(one), at);
    });
    const threshold = { all: members.length, any: 1 }[word] ?? (/^[1-9][0-9]*$/.test(word) ? Number(word) : 0);
    assert.ok(threshold >= 1 && threshold <= members.length);
    policy.groups.push({ name, threshold, members });
  } else {
    assert.equal(keyword, "quorum");
    assert.ok(rest.length === 1 && policy.quorum === undefined && names.includes(rest[0]));
    [policy.quorum] = rest;
  }
}

// A signed note: its text, and its lines as [name, key ID, bytes behind it].
function readNote(note) {
  const end = note.lastIndexOf("\n\n") + 1;
  assert.ok(end > 0 && note.endsWith("\n"));
  const lines = note.slice(end + 1, -1).split("\n").map((line) => {
    const [, name, encoded] = line.match(/^— (\S+) (\S+)$/u);
    const blob = strict64(encoded);
    return { name, id: blob.subarray(0, 4).toString("hex"), signature: blob.subarray(4) };
  });
  const text = note.slice(0, end);
  const [origin, size, root] = text.split("\n");
  assert.ok(/^(0|[1-9][0-9]*)$/.test(size));
  return { text, lines, origin, size: Number(size), root: strict64(root) };
}

// The time that a line states if it is one of this key and holds; null for a plain signature.
function timeOf(key, text, { signature }) {
  const plain = key.type === 1;
  const time = plain ? null : signature.readBigUInt64BE(0);
  const message = plain ? text : `cosignature/v1\ntime ${time}\n${text}`;
  const spki = createPublicKey({ key: Buffer.concat([SPKI, key.raw]), format: "der", type: "spki" });
  assert.ok(verify(null, Buffer.from(message), spki, signature.subarray(plain ? 0 : 8)));
  return plain ? null : Number(time);
}
const linesOf = (key, { lines }) => lines.filter(({ name, id }) => name === key.name && id === key.id);

// Tries each time there is, the newest first: does the quorum hold with what is as new as that?
function cosignedAt(policy, times) {
  const holdsSince = (name, since) => {
    const group = policy.groups.find((one) => one.name === name);
    if (!group) return (times.get(name) ?? []).some((time) => time > 0 && time >= since);
    return group.members.filter((one) => holdsSince(one, since)).length >= group.threshold;
  };
  const all = [...times.values()].flat().filter((time) => time > 0).sort((a, b) => b - a);
  return all.find((since) => holdsSince(policy.quorum, since));
}

// RFC 9162, section 2.1.4.2
function consistent(proof, from, to, first, second) {
  if (from === 0) return proof.length === 0;
  if (from === to) return proof.length === 0 && first.equals(second);
  if (proof.length === 0) return false;
  const path = (from & (from - 1)) === 0 ? [first, ...proof] : [...proof];
  let [fn, sn] = [from - 1, to - 1];
  while (fn % 2) [fn, sn] = [fn >> 1, sn >> 1];
  let [fr, sr] = [path[0], path[0]];
  for (const other of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 || fn === sn) {
      [fr, sr] = [node(other, fr), node(other, sr)];
      while (fn % 2 === 0 && fn) [fn, sn] = [fn >> 1, sn >> 1];
    } else sr = node(sr, other);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return sn === 0 && fr.equals(first) && sr.equals(second);
}

// The status of one request, in the order of C2SP tlog-witness; `state` moves where it is 200.
function statusOf(request, log, state) {
  let old, proof, note;
  try {
    const blank = request.indexOf("\n\n");
    const [first, ...hashes] = request.slice(0, blank).split("\n");
    old = Number(first.match(/^old (0|[1-9][0-9]*)$/)[1]);
    proof = hashes.map(strict64);
    assert.ok(proof.every((hash) => hash.length === 32));
    note = readNote(request.slice(blank + 2));
  } catch {
    return 400;
  }
  if (note.origin !== log.name) return 404;
  const lines = linesOf(log, note);
  if (lines.length === 0) return 403;
  try {
    lines.forEach((line) => timeOf(log, note.text, line));
  } catch {
    return 403;
  }
  if (old > note.size) return 400;
  if (old !== state.size) return 409;
  if (!consistent(proof, old, note.size, state.root, note.root)) return 422;
  [state.size, state.root, state.text] = [note.size, note.root, note.text];
  return 200;
}

export function checkWitnesses(load, holds) {
  for (const one of load("ledger/policies.json").policies) {
    holds(`policy: ${one.name}`, () => {
      const read = readPolicy(one.text);
      assert.equal(read.error !== undefined, one.error !== undefined);
      if (one.error) return assert.equal(read.line, one.line);
      assert.equal(read.quorum, one.quorum);
      assert.deepEqual(read.logs.map((log) => log.key.name), one.logs);
      assert.deepEqual(read.witnesses.map(({ name, key, url }) => [name, key.name, url]), one.witnesses);
      assert.deepEqual(read.groups.map((group) => Object.values(group)), one.groups);
    });
  }
  const cosigned = load("ledger/cosigned.json");
  for (const one of cosigned.vectors) {
    holds(`cosigned: ${one.name}`, () => {
      const policy = readPolicy(one.policy);
      const note = readNote(one.note);
      const log = readKey(cosigned.log);
      linesOf(log, note).forEach((line) => timeOf(log, note.text, line));
      const times = new Map(
        policy.witnesses.map(({ name, key }) => [name, linesOf(key, note).map((line) => timeOf(key, note.text, line))]),
      );
      assert.equal(cosignedAt(policy, times) ?? null, one.time ?? null);
      for (const name of one.missing ?? []) assert.ok(times.get(name).every((time) => !time));
    });
  }
  const talk = load("ledger/witness.json");
  const [log, witness] = [readKey(talk.log), readKey(talk.witness)];
  const state = { size: 0, root: sha256(Buffer.alloc(0)) };
  talk.steps.forEach((step, at) => {
    holds(`witness: ${step.name}`, () => {
      assert.equal(statusOf(step.request, log, state), step.status);
      if (step.status === 409) assert.equal(step.answer, `${state.size}\n`);
      if (step.status !== 200) return;
      const [line] = readNote(`${state.text}\n${step.answer}`).lines;
      assert.deepEqual([line.name, line.id], [witness.name, witness.id]);
      assert.equal(timeOf(witness, state.text, line), talk.time + at);
    });
  });
}
