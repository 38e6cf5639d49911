// Credentials and presentations with Digital Bazaar's libraries, which share no line with ours. One
// JSON value comes in on standard input, one goes out on standard output:
//
//   node credentials.mjs sign     {"didDocuments", "tasks": [{"library", "document", "cryptosuite",
//                                  "key", "created", "purpose", "challenge", "domain"}…]}
//                                 -> the documents, each with one more proof
//   node credentials.mjs verify   {"didDocuments", "tasks": [{"library", "document", "purpose",
//                                  "challenge", "domain", "lists"}…]}   -> [{verified, reason}…]
//   node credentials.mjs list     {"length", "set", "purpose", "id"}    -> an unsigned status list
//   node credentials.mjs bits     {"encodedList", "indexes"}            -> [true or false…]
//
// `library` is "@digitalbazaar/data-integrity" (by way of jsonld-signatures) or "@digitalbazaar/vc".
// Of a set of proofs each is verified by itself: of a whole set they say "verified" where one is.

import { contexts as credentialContexts } from "@digitalbazaar/credentials-context";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import integrityContext from "@digitalbazaar/data-integrity-context";
import * as ecdsaJcs from "@digitalbazaar/ecdsa-jcs-2019-cryptosuite";
import * as EcdsaMultikey from "@digitalbazaar/ecdsa-multikey";
import * as ecdsaRdfc from "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import * as eddsaJcs from "@digitalbazaar/eddsa-jcs-2022-cryptosuite";
import * as eddsaRdfc from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import * as statusList from "@digitalbazaar/vc-bitstring-status-list";
import jsigs from "jsonld-signatures";
import { text } from "node:stream/consumers";

const VC = "@digitalbazaar/vc";
// The jcs suites make their cryptosuites by calling a function, the rdfc suites export them.
const SIGNING = {
  "eddsa-jcs-2022": () => eddsaJcs.createSignCryptosuite(),
  "ecdsa-jcs-2019": () => ecdsaJcs.createSignCryptosuite(),
  "eddsa-rdfc-2022": () => eddsaRdfc.cryptosuite,
  "ecdsa-rdfc-2019": () => ecdsaRdfc.cryptosuite,
};
const verifying = () => [
  eddsaJcs.createVerifyCryptosuite(),
  ecdsaJcs.createVerifyCryptosuite(),
  eddsaRdfc.cryptosuite,
  ecdsaRdfc.cryptosuite,
];
const suites = () => verifying().map((cryptosuite) => new DataIntegrityProof({ cryptosuite }));

// The context of the W3C's examples: everything that it is asked for means something.
const EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2";
const EXAMPLES_CONTEXT = { "@context": { "@vocab": "https://www.w3.org/ns/credentials/examples#" } };

// Contexts, DID documents, their verification methods and status lists; no network.
function loaderOf(didDocuments, lists = {}) {
  const known = new Map([...credentialContexts, ...integrityContext.contexts]);
  known.set(EXAMPLES, EXAMPLES_CONTEXT);
  for (const document of didDocuments) {
    known.set(document.id, document);
    for (const method of document.verificationMethod) {
      known.set(method.id, { "@context": "https://w3id.org/security/multikey/v1", ...method });
    }
  }
  for (const [url, list] of Object.entries(lists)) known.set(url, list);
  return async (url) => {
    if (known.has(url)) return { documentUrl: url, document: structuredClone(known.get(url)) };
    return vc.defaultDocumentLoader(url);
  };
}

const isPresentation = (document) => [document.type].flat().includes("VerifiablePresentation");
const purposeOf = ({ purpose, challenge, domain }) =>
  purpose === "authentication"
    ? new jsigs.purposes.AuthenticationProofPurpose({ challenge, domain })
    : new jsigs.purposes.AssertionProofPurpose();

async function signOne(task, documentLoader) {
  const { library, document, cryptosuite, key, created, challenge, domain } = task;
  const multikey = cryptosuite.startsWith("eddsa") ? Ed25519Multikey : EcdsaMultikey;
  const signer = (await multikey.from(key)).signer();
  const options = { signer, date: created, cryptosuite: SIGNING[cryptosuite]() };
  const suite = new DataIntegrityProof(options);
  if (library === VC && isPresentation(document)) {
    const presentation = document;
    return vc.signPresentation({ presentation, suite, challenge, domain, documentLoader });
  }
  if (library === VC) return vc.issue({ credential: document, suite, documentLoader });
  return jsigs.sign(document, { suite, purpose: purposeOf(task), documentLoader });
}

// The innermost error says what is wrong.
function reasonOf(error) {
  const inner = error?.errors?.[0] ?? error?.cause;
  return inner ? reasonOf(inner) : String(error?.message ?? error);
}

async function verifyProof(task, document, documentLoader) {
  const { library, challenge, domain } = task;
  const suite = suites();
  if (library !== VC) {
    return jsigs.verify(document, { suite, purpose: purposeOf(task), documentLoader });
  }
  if (isPresentation(document)) {
    const presentation = document;
    return vc.verify({ presentation, suite, challenge, domain, documentLoader });
  }
  // "verified" says that the list holds; whether the credential is revoked stands beside it.
  const checkStatus = async ({ credential }) => {
    const result = await statusList.checkStatus({ credential, suite, documentLoader });
    const set = result.results?.find(({ status }) => status);
    if (!result.verified || !set) return result;
    return { verified: false, error: new Error(set.credentialStatus.statusPurpose) };
  };
  return vc.verifyCredential({ credential: document, suite, documentLoader, checkStatus });
}

async function verifyOne(task, didDocuments) {
  const documentLoader = loaderOf(didDocuments, task.lists);
  const proofs = [task.document.proof].flat();
  for (const proof of proofs) {
    let result;
    try {
      const document = structuredClone({ ...task.document, proof });
      result = await verifyProof(task, document, documentLoader);
    } catch (error) {
      result = { verified: false, error };
    }
    const { verified, error, statusResult } = result;
    if (verified !== true) {
      const status = statusResult?.verified === false ? "status " : "";
      return { verified: false, reason: status + reasonOf(statusResult?.error ?? error) };
    }
  }
  return { verified: proofs.length > 0, reason: "" };
}

const commands = {
  sign: ({ didDocuments, tasks }) =>
    Promise.all(tasks.map((task) => signOne(task, loaderOf(didDocuments)))),
  verify: ({ didDocuments, tasks }) =>
    Promise.all(tasks.map((task) => verifyOne(task, didDocuments))),
  list: async ({ length, set, purpose, id }) => {
    const list = await statusList.createList({ length });
    for (const index of set) list.setStatus(index, true);
    return statusList.createCredential({ id, list, statusPurpose: purpose });
  },
  bits: async ({ encodedList, indexes }) => {
    const list = await statusList.decodeList({ encodedList });
    return indexes.map((index) => list.getStatus(index));
  },
};
const input = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(await commands[process.argv[2]](input)));
