// Device credentials, from the signature to the pinned genesis, with nothing but Node.js. Written from
// specs/1-identity.md, "Device credentials" and "Accreditation", whose numbers stand below, and from
// specs/schemas/credentials. Of codes it knows GS1 Digital Links under a prefix of GTINs, which is
// what the vectors have.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { conforms } from "./schema.mjs";

const STARS = { "cn-ccl": 3, "sg-cls": 4 };
const BOUND_TO_A_DEVICE = ["DeviceIdentity", "DataGradeFiling"];
const listOf = (value) => (Array.isArray(value) ? value : [value]);

class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}
const need = (holds, code) => {
  if (!holds) throw new Refusal(code);
};

export function checkAccreditations(load, holds, folder, tools) {
  const { jcs, thumbprint, proofHolds, operationHash, didIn, pin, stateOf, present } = tools;
  const schemaOf = (name) =>
    JSON.parse(readFileSync(join(folder, "..", "schemas", "credentials", `${name}.json`), "utf8"));

  // "Device credentials", 1 and 2
  function checkForm(credential) {
    const type = listOf(credential.type)[1];
    need(/^[A-Z][A-Za-z0-9]+$/.test(type ?? ""), "credential.malformed");
    try {
      conforms(credential, schemaOf(type));
    } catch {
      throw new Refusal("credential.malformed");
    }
    const { credentialSubject: subject, validFrom, validUntil } = credential;
    const [, maker, model] = /^(.*)\/models\/(.*)$/.exec(subject.id) ?? [];
    if (maker !== undefined) {
      const spelt = encodeURIComponent(subject.model).replace(
        /[!'()*]/g,
        (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
      );
      need(maker === subject.maker && model === spelt, "credential.malformed");
      need(!BOUND_TO_A_DEVICE.includes(type), "credential.malformed");
    }
    need(!(subject.stars > (STARS[subject.scheme] ?? 5)), "credential.malformed");
    for (const time of [validFrom, validUntil].filter((one) => one !== undefined)) {
      need(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time), "credential.malformed");
    }
    return type;
  }

  for (const one of load("identity/device_credentials.json").vectors) {
    holds(`${one.name} (form)`, () => {
      let code;
      try {
        checkForm(one.credential);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        code = error.code;
      }
      assert.equal(code, one.error);
    });
  }

  const encloses = (scope, code) => {
    if (scope.prefix === undefined) return true;
    assert.deepEqual([scope.prefix.scheme, code.scheme], ["gtin", "gs1"]);
    const [, number] = /\/01\/\d(\d{13})(?:\/|$)/.exec(code.value);
    return number.startsWith(scope.prefix.prefix.slice(1)); // the indicator is no part of it
  };

  // "Accreditation", 1 and 2.1: the records in their order, from the issuer to the authority
  function chainOf({ records }, read, issuer, authority) {
    const keys = records.map(({ key }) => key);
    const last = keys.length - 1;
    keys.forEach(([kind], place) =>
      need(kind === (place === last || place % 2 === 0 ? "did" : "grant"), "evidence.answer"));
    need(keys.length === 2 || keys.length % 2 === 1, "evidence.answer");
    need(keys[0][1] === issuer, "evidence.answer");
    need(keys.length > 2 || issuer === authority, "credential.accreditation");
    const chain = [];
    for (let place = 0; place + 2 < keys.length; place += 2) {
      const [holder, grant] = [read(keys[place]), read(keys[place + 1])];
      need(grant.to === holder.did && grant.grant === keys[place + 1][1], "evidence.answer");
      const below = chain.at(-1)?.grant;
      need(!below || (below.under === grant.grant && below.issuer === holder.did), "evidence.answer");
      chain.push({ grant, holder });
    }
    const top = chain.at(-1)?.grant;
    need(!top || (top.under === undefined && top.issuer === authority), "evidence.answer");
    return { chain, device: read(keys[last]) };
  }

  // 2.2
  function checkInForce(chain, type, code, now) {
    chain.forEach(({ grant, holder }, depth) =>
      need(
        grant.right === "credential" &&
          grant.status === "active" &&
          !(grant.notAfter < now) &&
          holder.status !== "revoked" &&
          (grant.scope.delegates ?? 0) >= depth &&
          grant.scope.types.includes(type) &&
          encloses(grant.scope, code),
        "credential.accreditation",
      ));
  }

  // 2.3, with "Device credentials", 3
  function checkAbout(subject, type, device) {
    need(subject.id.includes("/models/") || subject.id === device.did, "credential");
    const { maker, model } = device.object;
    need(subject.maker === maker && subject.model === model, "credential");
    need(type !== "DeviceIdentity" || jcs(subject.code) === jcs(device.code), "credential");
    need(type !== "DataGradeFiling" || subject.grade === device.data.grade, "credential");
  }

  // 2.5: by keys that the issuer's record has, all of them
  function checkProofs(document, party) {
    need(document.proof !== undefined, "proof.malformed");
    const keys = new Map(party.keys.map((key) => [`${party.did}#${thumbprint(key)}`, key]));
    for (const proof of listOf(document.proof)) {
      const key = keys.get(proof.verificationMethod);
      need(key !== undefined, "proof.unknown_method");
      need(proof.type === "DataIntegrityProof" && proof.proofPurpose === "assertionMethod", "proof.malformed");
      need(jcs(proof["@context"]) === jcs(document["@context"]), "proof.malformed");
      need(proofHolds(document, proof, key), "proof.invalid");
    }
  }

  // 2.6: each status list, the issuer's own, at hand and not over
  function checkLists(credential, lists, issuer, now) {
    for (const entry of credential.credentialStatus ?? []) {
      const list = lists.find(({ id }) => id === entry.statusListCredential);
      need(list !== undefined && list.issuer === issuer.did, "credential.status");
      need(!(now < list.validFrom) && !(now > list.validUntil), "credential.status");
      need(list.credentialSubject.statusPurpose === entry.statusPurpose, "credential.status");
      checkProofs(list, issuer);
      const bits = gunzipSync(Buffer.from(list.credentialSubject.encodedList.slice(1), "base64url"));
      const place = Number(entry.statusListIndex);
      const set = (bits[place >> 3] >> (7 - (place & 7))) & 1;
      need(!set, entry.statusPurpose === "revocation" ? "credential.revoked" : "credential.suspended");
    }
  }

  function run({ genesis, credentials, evidence }, one) {
    const { now, within, lists = [] } = one;
    const [credential, shown] = [credentials[one.credential], evidence[one.evidence]];
    const pinned = pin(genesis);
    const authority = didIn(pinned.ledger, operationHash(genesis));
    const type = checkForm(credential);
    const root = proved("evidence.state", () => stateOf(shown, pinned));
    need(within === undefined, "evidence.stale"); // no witness of the vectors dates a checkpoint
    const read = (key) => proved("evidence.state", () => present(shown, root, key));
    const { chain, device } = chainOf(shown, read, credential.issuer, authority);
    need(one.device === undefined || one.device === device.did, "evidence.answer");
    checkInForce(chain, type, device.code, now);
    checkAbout(credential.credentialSubject, type, device);
    need(!["revoked", "retired"].includes(device.status), "credential.revoked"); // 2.4
    need(device.status === "active", "credential.suspended");
    const issuer = read(["did", credential.issuer]);
    need(issuer.status === "active", "credential.accreditation");
    checkProofs(credential, issuer);
    need(!(now < credential.validFrom) && !(now > credential.validUntil), "credential.time");
    checkLists(credential, lists, issuer, now);
    const grants = chain.map(({ grant }) => grant.grant);
    return { authority, device: device.did, grants, issuer: issuer.did, stateRoot: shown.state.entry.index };
  }
  function proved(code, check) {
    try {
      return check();
    } catch (error) {
      if (error instanceof assert.AssertionError) throw new Refusal(code);
      throw error;
    }
  }

  const file = load("resolution/accreditation.json");
  for (const one of file.vectors) {
    holds(`${one.name} (accreditation)`, () => {
      let said;
      try {
        said = { proves: run(file, one) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        said = { error: error.code };
      }
      const { proves, error } = one;
      assert.deepEqual(said, error ? { error } : { proves });
    });
  }
}
