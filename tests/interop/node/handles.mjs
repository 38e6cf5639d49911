// specs/vectors/resolution/handles.json: values out of records, their bytes (RFC 3651, 3.1 and 3.2.1)
// and digests, as specs/3-resolution.md, "Handles", has them.

import assert from "node:assert/strict";

export function checkHandles(load, holds, { sha256, jcs }) {
  const four = (number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    return bytes;
  };
  const counted = (bytes) => Buffer.concat([four(bytes.length), bytes]);
  const data = ({ format, value }) => {
    if (format === "string") return Buffer.from(value);
    const rights = Buffer.alloc(2);
    rights.writeUInt16BE(parseInt(value.permissions, 2));
    return Buffer.concat([rights, counted(Buffer.from(value.handle)), four(value.index)]);
  };
  const digest = (value) =>
    sha256(
      Buffer.from([0]),
      four(value.ttl),
      Buffer.from([parseInt(value.permissions, 2)]),
      counted(Buffer.from(value.type)),
      counted(data(value.data)),
      four(0),
    ).toString("base64");

  const ofDevice = (handle, scheme, device) => {
    const rows = [];
    const ended = ["revoked", "retired"].includes(device.status);
    if (device.data !== "none" && !ended) {
      device.data.endpoints.forEach(({ url }, place) => rows.push([place + 1, "URL", url]));
    }
    rows.push([20, "TETRAD.DID", device.did], [21, "TETRAD.STATUS", device.status]);
    rows.push([22, "TETRAD.CONTROLLER", device.controller]);
    rows.push([23, "TETRAD.MAKER", device.object.maker], [24, "TETRAD.MODEL", device.object.model]);
    if (device.object.sector) rows.push([25, "TETRAD.SECTOR", jcs(device.object.sector)]);
    if (device.data !== "none") {
      const { endpoints, ...described } = device.data;
      rows.push([26, "TETRAD.DATA", jcs(described)]);
    }
    rows.push([27, "TETRAD.ENTRY", String(device.updated.entry)]);
    if (device.reason && device.status !== "active") rows.push([28, "TETRAD.REASON", device.reason]);
    const own = device.code ?? { scheme, value: handle };
    if (device.aliases && (own.scheme !== scheme || own.value !== handle)) {
      rows.push([29, "TETRAD.CODE", jcs(own)]);
    }
    const code = encodeURIComponent(handle);
    const way = `/v1/resolve?code=${code}&scheme=${scheme}&proof=1`;
    return { rows, way, prefix: `0.NA/${handle.split("/")[0]}`, time: device.updated.time };
  };
  const ofPrefix = (handle, grant, holder) => {
    const rows = [[20, "TETRAD.GRANT", grant.grant], [21, "TETRAD.STATUS", grant.status]];
    rows.push([22, "TETRAD.HOLDER", grant.to], [23, "TETRAD.NAME", holder.name]);
    if (grant.notAfter) rows.push([24, "TETRAD.UNTIL", grant.notAfter]);
    if (grant.scope.node) rows.push([25, "TETRAD.NODE", jcs(grant.scope.node)]);
    return { rows, way: `/v1/grants/${grant.grant}`, prefix: handle, time: grant.issued.time };
  };

  for (const one of load("resolution/handles.json").vectors) {
    holds(`${one.name} (handles)`, () => {
      const made = one.device
        ? ofDevice(one.handle, one.scheme, one.device)
        : ofPrefix(one.handle, one.grant, one.holder);
      const text = (value) => ({ format: "string", value });
      const admin = { handle: made.prefix, index: 22, permissions: "000000000000" };
      const rows = made.rows.map(([index, type, value]) => [index, type, text(value)]);
      rows.push([100, "HS_ADMIN", { format: "admin", value: admin }]);
      rows.push([300, "TETRAD.PROOF", text(made.way)]);
      const whole = ([index, type, data]) => ({
        index, type, data, permissions: "1010", ttl: 60, timestamp: made.time,
      });
      const values = rows.map(whole);
      const digests = {
        alg: "SHA-256",
        digests: values.map((value) => ({ index: value.index, digest: digest(value) })),
      };
      assert.deepEqual(one.digests, digests);
      const claims = text(jcs({ sub: one.handle, digests }));
      values.push(whole([400, "TETRAD.DIGESTS", claims]));
      assert.deepEqual(one.values, values);
    });
  }
}
