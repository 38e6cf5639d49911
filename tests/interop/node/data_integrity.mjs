// Signs and verifies Data Integrity proofs with Digital Bazaar's libraries, which share no line with
// ours. One JSON value comes in on standard input, one goes out on standard output:
//
//   node data_integrity.mjs verify   {"didDocuments": […], "documents": […]}
//                                    -> for each document, for each of its proofs, {verified, reason}
//   node data_integrity.mjs sign     [{"document", "cryptosuite", "key", "created", "withContext"}…]
//                                    -> the documents, each with one proof (capabilityInvocation)

import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import * as ecdsa from "@digitalbazaar/ecdsa-jcs-2019-cryptosuite";
import * as EcdsaMultikey from "@digitalbazaar/ecdsa-multikey";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import * as eddsa from "@digitalbazaar/eddsa-jcs-2022-cryptosuite";
import jsigs from "jsonld-signatures";
import { text } from "node:stream/consumers";

const SUITES = {
  "eddsa-jcs-2022": { suite: eddsa, multikey: Ed25519Multikey },
  "ecdsa-jcs-2019": { suite: ecdsa, multikey: EcdsaMultikey },
};
const purpose = new jsigs.purposes.ControllerProofPurpose({ term: "capabilityInvocation" });

// DID documents and their verification methods by name, and no network: what is not in it is refused.
function loaderOf(didDocuments) {
  const known = new Map();
  for (const document of didDocuments) {
    known.set(document.id, document);
    for (const method of document.verificationMethod) {
      known.set(method.id, { "@context": "https://w3id.org/security/multikey/v1", ...method });
    }
  }
  return async (url) => {
    if (!known.has(url)) throw new Error(`unknown: ${url}`);
    return { documentUrl: url, document: structuredClone(known.get(url)) };
  };
}

// One proof of a set at a time: of a whole set, the library says "verified" when one of them is.
async function verifyOne(document, proof, documentLoader) {
  const suite = Object.values(SUITES).map(
    (one) => new DataIntegrityProof({ cryptosuite: one.suite.createVerifyCryptosuite() }),
  );
  const secured = structuredClone({ ...document, proof });
  const { verified, error } = await jsigs.verify(secured, { suite, purpose, documentLoader });
  const reason = verified ? "" : String(error?.errors?.[0]?.message ?? error?.message ?? error);
  return { verified, reason };
}

async function verify({ didDocuments, documents }) {
  const documentLoader = loaderOf(didDocuments);
  return Promise.all(
    documents.map((document) =>
      Promise.all(document.proof.map((proof) => verifyOne(document, proof, documentLoader))),
    ),
  );
}

// Web Crypto signs with either s; Tetrad's rule is the lower one (specs/1-identity.md).
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
function lowS(signature) {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString("hex")}`);
  if (s <= ORDER / 2n) return signature;
  const low = (ORDER - s).toString(16).padStart(64, "0");
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(low, "hex")]);
}
function signerOf(key, cryptosuite) {
  const signer = key.signer();
  if (cryptosuite === "eddsa-jcs-2022") return signer;
  return { ...signer, sign: async (input) => lowS(await signer.sign(input)) };
}

async function signOne({ document, cryptosuite, key, created, withContext }) {
  const { suite: library, multikey } = SUITES[cryptosuite];
  const signer = signerOf(await multikey.from(key), cryptosuite);
  const options = { signer, date: created, cryptosuite: library.createSignCryptosuite() };
  const suite = new DataIntegrityProof(options);
  const documentLoader = loaderOf([]);
  // The front door adds its own @context to a document that has none; the suite itself does not.
  if (withContext) return jsigs.sign(document, { suite, purpose, documentLoader });
  const proof = await suite.createProof({ document, purpose, proofSet: [], documentLoader });
  return { ...document, proof };
}

const commands = { verify, sign: (tasks) => Promise.all(tasks.map(signOne)) };
const input = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(await commands[process.argv[2]](input)));
