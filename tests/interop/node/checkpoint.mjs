// Verifies and makes the signature lines of a checkpoint with Node.js and @noble/post-quantum, neither
// of which shares a line with ours; from the pages of C2SP (signed-note, tlog-cosignature) alone.
// One JSON value comes in on standard input, one goes out on standard output:
//
//   node checkpoint.mjs verify   {"note", "vkeys": […]}        -> [{"verified", "time"}…], one per vkey
//   node checkpoint.mjs cosign   {"body", "name", "seed", "time"}   -> {"vkey", "line"}, ML-DSA-44

import { ml_dsa44 as mldsa } from "@noble/post-quantum/ml-dsa";
import { createHash, createPublicKey, verify as verifyEd25519 } from "node:crypto";
import { text } from "node:stream/consumers";

const ED25519 = 0x01;
const ML_DSA_44 = 0x06;
const SPKI = Buffer.from("302a300506032b6570032100", "hex"); // the DER head of an Ed25519 key

const uint64 = (number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
};
const short = (name) => Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name)]);
const keyId = (name, key) =>
  createHash("sha256").update(`${name}\n`).update(key).digest().subarray(0, 4);

// What an ML-DSA-44 cosigner signs for a whole tree, in the context string "".
function subtree(body, name, time) {
  const [origin, size, root] = body.split("\n");
  const tree = [uint64(0), uint64(size), Buffer.from(root, "base64")];
  return Buffer.concat([Buffer.from("subtree/v1\n\0"), short(name), uint64(time), short(origin), ...tree]);
}

function verifyOne(body, lines, vkey) {
  const [name, id] = vkey.split("+", 2);
  const key = Buffer.from(vkey.slice(name.length + id.length + 2), "base64");
  const blobs = lines
    .filter((line) => line.startsWith(`— ${name} `))
    .map((line) => Buffer.from(line.slice(name.length + 3), "base64"));
  const blob = blobs.find((one) => one.subarray(0, 4).toString("hex") === id);
  if (!blob || !keyId(name, key).equals(blob.subarray(0, 4))) return { verified: false, time: null };
  if (key[0] === ED25519) {
    const spki = Buffer.concat([SPKI, key.subarray(1)]);
    const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
    const verified = verifyEd25519(null, Buffer.from(body), publicKey, blob.subarray(4));
    return { verified, time: null };
  }
  if (key[0] !== ML_DSA_44 || blob.length !== 4 + 8 + 2420) return { verified: false, time: null };
  const time = Number(blob.readBigUInt64BE(4));
  return { verified: mldsa.verify(key.subarray(1), subtree(body, name, time), blob.subarray(12)), time };
}

function verify({ note, vkeys }) {
  const split = note.lastIndexOf("\n\n");
  const [body, lines] = [note.slice(0, split + 1), note.slice(split + 2).split("\n")];
  return vkeys.map((vkey) => verifyOne(body, lines, vkey));
}

function cosign({ body, name, seed, time }) {
  const { publicKey, secretKey } = mldsa.keygen(Buffer.from(seed, "hex"));
  const key = Buffer.concat([Buffer.from([ML_DSA_44]), publicKey]);
  const id = keyId(name, key);
  const signature = mldsa.sign(secretKey, subtree(body, name, time));
  const blob = Buffer.concat([id, uint64(time), signature]);
  const vkey = `${name}+${id.toString("hex")}+${key.toString("base64")}`;
  return { vkey, line: `— ${name} ${blob.toString("base64")}\n` };
}

const input = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify({ verify, cosign }[process.argv[2]](input)));
