// Certificates of the vectors, read and verified by node's own X.509: the key of a device out of
// its certificate, and the path from there up to the anchor of the grant.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";

const PREFIXES = { ed25519: "ed01", prime256v1: "8024", secp384r1: "8124" };

// The Multikey of a certificate's key.
function multikeyOf(certificate, { base58, unhex }) {
  const key = certificate.publicKey;
  const { x, y } = key.export({ format: "jwk" });
  const point = Buffer.from(x, "base64url");
  const curve = key.asymmetricKeyType === "ed25519" ? "ed25519" : key.asymmetricKeyDetails.namedCurve;
  const odd = y === undefined ? [] : [2 + (Buffer.from(y, "base64url").at(-1) & 1)];
  return `z${base58(Buffer.concat([unhex(PREFIXES[curve]), Buffer.from(odd), point]))}`;
}

// The key that signs an enrolled registration, after the path from it to the grant's anchor held.
export function enrolledKey(body, records, tools) {
  const read = (text) => new X509Certificate(Buffer.from(text, "base64"));
  const leaf = read(body.enrolment.certificate);
  const found = records.find(([[kind, id]]) => kind === "grant" && id === body.enrolment.grant);
  const { anchor, intermediates, scheme, template } = found[1].scope;
  const authorities = [anchor, ...intermediates].map(read);
  for (let below = leaf; below.raw !== authorities[0].raw; ) {
    const above = authorities.find((one) => below.checkIssued(one));
    assert.ok(above.ca && below.verify(above.publicKey));
    below = above;
  }
  const serial = /^serialNumber=(.*)$/m.exec(leaf.subject)?.[1] ?? leaf.serialNumber;
  assert.deepEqual(body.code, { scheme, value: template.replace("{serial}", serial) });
  return multikeyOf(leaf, tools);
}
