// Answers to challenges and DPoP proofs: the rules of specs/1-identity.md, "Authentication", and of
// RFC 9449, section 4.3, once more and without a line of ours.

import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";

const HALF = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n;
const SUITES = { z6Mk: "eddsa-jcs-2022", zDn: "ecdsa-jcs-2019" };
const seconds = (text) => Math.floor(Date.parse(text) / 1000);

export function checkAuthentications(load, holds, tools) {
  const { hex, thumbprint, proofHolds, unbase58 } = tools;
  const { challenge, now, vectors } = load("identity/authentication.json");

  const suiteOf = (multikey) => SUITES[Object.keys(SUITES).find((head) => multikey.startsWith(head))];
  const lowS = (proof) =>
    proof.cryptosuite !== "ecdsa-jcs-2019" ||
    BigInt(`0x${hex(unbase58(proof.proofValue.slice(1)).subarray(32))}`) <= HALF;

  function proofIsGood(presentation, proof, record) {
    const method = proof.verificationMethod ?? "";
    const key = record.keys.find((one) => method === `${record.did}#${thumbprint(one)}`);
    return (
      key !== undefined &&
      proof.type === "DataIntegrityProof" &&
      proof.cryptosuite === suiteOf(key) &&
      proof.proofPurpose === "authentication" &&
      proof.challenge === challenge.challenge &&
      proof.domain === challenge.domain &&
      !(seconds(proof.created) > now + 300) &&
      !(seconds(proof.expires) <= now) &&
      lowS(proof) &&
      proofHolds(presentation, proof, key)
    );
  }

  function accepted(presentation, record) {
    const proofs = [presentation.proof ?? []].flat();
    const methods = new Set(proofs.map((proof) => proof.verificationMethod));
    const kinds = new Set(record.keys.map((key) => key[0])); // z classical, u post-quantum
    return (
      [presentation.type].flat().includes("VerifiablePresentation") &&
      presentation.holder === record.did &&
      record.status === "active" &&
      proofs.length >= 1 &&
      proofs.length <= 2 &&
      methods.size === proofs.length &&
      kinds.size === proofs.length &&
      proofs.every((proof) => proofIsGood(presentation, proof, record))
    );
  }

  for (const one of vectors) {
    holds(`authentication: ${one.name}`, () => {
      assert.equal(accepted(one.presentation, one.record), !one.error);
    });
  }

  const decoded = (part) => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  const sha256url = (text) => tools.sha256(Buffer.from(text)).toString("base64url");
  const ALGORITHMS = { OKP: ["EdDSA", "Ed25519"], EC: ["ES256"] };
  const jktOf = ({ crv, kty, x, y }) => sha256url(JSON.stringify({ crv, kty, x, ...(y ? { y } : {}) }));

  function possessed({ proof, method, url, token, now: asked, window, jkt }) {
    const [head, body, signature] = proof.split(".");
    const [header, claims] = [decoded(head), decoded(body)];
    const { jwk } = header;
    if (header.typ !== "dpop+jwt" || header.crit || jwk.d) return false;
    if (!ALGORITHMS[jwk.kty].includes(header.alg)) return false;
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const kind = jwk.kty === "EC" ? { key, dsaEncoding: "ieee-p1363" } : key;
    const hash = jwk.kty === "EC" ? "sha256" : null;
    const signed = Buffer.from(`${head}.${body}`);
    return (
      verify(hash, signed, kind, Buffer.from(signature, "base64url")) &&
      typeof claims.jti === "string" &&
      claims.jti.length > 0 &&
      claims.htm === method &&
      claims.htu === url.split("?")[0] &&
      Number.isInteger(claims.iat) &&
      Math.abs(asked - claims.iat) <= window &&
      claims.ath === sha256url(token) &&
      jktOf(jwk) === jkt
    );
  }

  for (const one of load("identity/dpop.json").vectors) {
    holds(`dpop: ${one.name}`, () => assert.equal(possessed(one), !one.error));
  }
}
