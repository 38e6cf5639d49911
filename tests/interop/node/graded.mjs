// Graded data (specs/3-resolution.md, "Graded data"): who is shown a content, and whether a log of
// accesses is one chain.

import assert from "node:assert/strict";

const GRADES = ["general", "important", "core"];

function decide({ device, data, asker, credentials }) {
  const present = device.data === "none" ? { grade: "general" } : device.data;
  const stricter = Math.max(...[present, data ?? present].map(({ grade }) => GRADES.indexOf(grade)));
  const grade = GRADES[stricter];
  if (grade === "general") return { grade, outcome: "shown" };
  if (grade === "core") return { grade, outcome: "withheld" };
  if (asker === null) return { grade, outcome: "authenticate" };
  const { parties = [], credentials: wanted = [] } = present.policy ?? {};
  const satisfied = credentials.some((held) =>
    wanted.some(({ type, issuer }) => type === held.type && (issuer ?? held.issuer) === held.issuer));
  const reasons = {
    controller: asker === device.controller,
    maker: asker === device.object.maker,
    party: parties.includes(asker),
    credential: satisfied,
  };
  const as = Object.keys(reasons).find((reason) => reasons[reason]);
  return as ? { grade, outcome: "shown", as } : { grade, outcome: "withheld" };
}

function unbroken({ device, records, head }, { sha256, hex, jcs }) {
  let last = records.length ? { n: records[0].n - 1, hash: records[0].previous } : null;
  for (const record of records) {
    if (record.device !== device || record.chain !== "shown") return false;
    if (record.n !== last.n + 1 || record.previous !== last.hash) return false;
    last = { n: record.n, hash: hex(sha256(Buffer.from(jcs(record)))) };
  }
  last ??= { n: 0, hash: "0".repeat(64) };
  return last.n === head.n && last.hash === head.hash;
}

export function checkGraded(load, holds, tools) {
  const { decisions, logs } = load("resolution/graded_data.json");
  for (const one of decisions) {
    holds(`${one.name} (graded data)`, () => {
      const { grade, outcome, as } = one;
      assert.deepEqual(decide(one), { grade, outcome, ...(as ? { as } : {}) });
    });
  }
  for (const one of logs) {
    holds(`${one.name} (log of accesses)`, () => {
      assert.equal(unbroken(one, tools), !one.error);
      if (!one.error) assert.equal(one.dropped, one.records.length ? one.records[0].n - 1 : 0);
    });
  }
}
