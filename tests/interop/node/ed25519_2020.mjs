// Ed25519Signature2020 with Digital Bazaar's library, which shares no line with ours. One JSON value
// comes in on standard input, one goes out on standard output:
//
//   node ed25519_2020.mjs sign     {"key", "created", "documents": […]}  -> the documents, signed
//   node ed25519_2020.mjs verify   {"documents": […]}                    -> [{verified, reason}…]
//
// Keys are those of did:key; nothing is fetched.

import { contexts as credentialContexts } from "@digitalbazaar/credentials-context";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import { Ed25519Signature2020, suiteContext } from "@digitalbazaar/ed25519-signature-2020";
import jsigs from "jsonld-signatures";
import { text } from "node:stream/consumers";

const EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2";
const EXAMPLES_CONTEXT = { "@context": { "@vocab": "https://www.w3.org/ns/credentials/examples#" } };
const known = new Map([...credentialContexts, ...suiteContext.contexts]);
known.set(EXAMPLES, EXAMPLES_CONTEXT);

async function documentLoader(url) {
  if (known.has(url)) return { documentUrl: url, document: structuredClone(known.get(url)) };
  const [, did, multikey] = /^(did:key:(z[^#]+))(?:#\2)?$/.exec(url) ?? [];
  if (did === undefined) throw new Error(`unknown: ${url}`);
  const id = `${did}#${multikey}`;
  const key = { type: "Multikey", id, controller: did, publicKeyMultibase: multikey };
  const method = { "@context": "https://w3id.org/security/multikey/v1", ...key };
  const context = ["https://www.w3.org/ns/did/v1"];
  const document = { "@context": context, id: did, assertionMethod: [key] };
  return { documentUrl: url, document: url === did ? document : method };
}

const purpose = new jsigs.purposes.AssertionProofPurpose();

async function signOne(document, key, date) {
  const signer = (await Ed25519Multikey.from(key)).signer();
  const suite = new Ed25519Signature2020({ signer, date });
  return jsigs.sign(document, { suite, purpose, documentLoader });
}

async function verifyOne(document) {
  try {
    const suite = new Ed25519Signature2020();
    const result = await jsigs.verify(document, { suite, purpose, documentLoader });
    const error = result.error?.errors?.[0] ?? result.error;
    return { verified: result.verified, reason: String(error?.message ?? "") };
  } catch (error) {
    return { verified: false, reason: error.message };
  }
}

const commands = {
  sign: ({ key, created, documents }) =>
    Promise.all(documents.map((one) => signOne(one, key, created))),
  verify: ({ documents }) => Promise.all(documents.map(verifyOne)),
};
const input = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(await commands[process.argv[2]](input)));
