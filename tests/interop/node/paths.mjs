// Answers by way of other ledgers, for check_vectors.mjs. Written from specs/3-resolution.md,
// "Delegation" and "Recursion"; codes of the scheme gs1 and prefixes of gtin alone. How the update of
// a log's keys is proved is checked in keys.json; here, which key it leads to.

import assert from "node:assert/strict";

export function checkPaths(load, holds, tools, answers) {
  const { jcs, didIn } = tools;
  const { pin, stateOf, present, absent, checkAnswer, checkAbsence } = answers;
  const labelOf = (ledger) => didIn(ledger, "").split(":")[2];
  const members = (value, names) => assert.deepEqual(Object.keys(value).sort(), names);

  function whole(value, parts) {
    if (Array.isArray(value)) return value.map((one) => whole(one, parts));
    if (value === null || typeof value !== "object") return value;
    if (Object.keys(value).join() === "part") return whole(parts[value.part], parts);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, whole(one, parts)]));
  }

  function segmentsOf([, scheme, value]) {
    assert.equal(scheme, "gs1");
    const [, gtin, rest] = value.match(/^https:\/\/id\.gs1\.org\/01\/(\d{14})\/(.+)$/);
    return ["gtin", ...gtin.slice(1), rest];
  }

  // The grant that counts: over records each of which is proved, and all of which are needed.
  function decided(proof, pinned, key, now) {
    members(proof, ["checkpoint", "records", "state"]);
    const root = stateOf(proof, pinned);
    const unread = new Set(proof.records.map(({ key: one }) => jcs(one)));
    assert.equal(unread.size, proof.records.length, "a record twice");
    function get(...one) {
      const shown = proof.records.find(({ key: other }) => jcs(other) === jcs(one));
      assert.ok(shown, `nothing of ${jcs(one)}`);
      unread.delete(jcs(one));
      if (shown.record) return present(proof, root, one);
      absent(proof, root, one);
      return null;
    }
    function inForce(hash) {
      const grant = get("grant", hash);
      if (grant?.status !== "active" || (grant.notAfter && now > grant.notAfter)) return null;
      const holder = get("did", grant.to);
      return holder && holder.status !== "revoked" ? grant : null;
    }
    function ofCode() {
      assert.equal(get(...key), null, "the ledger has it itself");
      const segments = segmentsOf(key);
      const { depths = [] } = get("prefix", segments[0]) ?? {};
      for (const depth of depths.toReversed().filter((one) => one <= segments.length)) {
        const { grant } = get("prefix", ...segments.slice(0, depth)) ?? {};
        const found = grant && inForce(grant);
        if (found) return found;
      }
      return null;
    }
    function ofLabel() {
      const { ledger, grants } = get("node", key[1]);
      for (const one of grants) {
        const found = inForce(one);
        if (!found) continue;
        assert.equal(found.scope.node.ledger, ledger);
        return found;
      }
      return null;
    }
    const grant = key[0] === "code" ? ofCode() : ofLabel();
    assert.equal(unread.size, 0, "records on which nothing rests");
    return grant;
  }

  function checkReferral(referral, pinned, key, now) {
    members(referral, ["grant", "node", "proof"]);
    const grant = decided(referral.proof, pinned, key, now);
    assert.ok(grant?.scope.node, "no node");
    assert.equal(grant.grant, referral.grant);
    assert.equal(jcs(grant.scope.node), jcs(referral.node));
    assert.equal(grant.scope.scheme, "gtin");
    const segments = ["gtin", ...grant.scope.prefix.slice(1)];
    if (key[0] === "code") assert.deepEqual(segmentsOf(key).slice(0, segments.length), segments);
    else assert.equal(labelOf(grant.scope.node.ledger), key[1]);
    return segments.length;
  }

  function grown(pinned, updates) {
    const periods = updates.map(({ entries }) => entries.at(-1).entry);
    pinned.vkey = (size) => {
      const before = periods.filter(({ index }) => index + 1 < size);
      return (before.at(-1)?.operation ?? pinned.genesis).body.log[0];
    };
    return pinned;
  }

  function checkPath({ key, now, answer }, genesis) {
    const { path, readAs } = answer;
    assert.ok(key[0] === "did" || key[1] === "gs1");
    assert.deepEqual(readAs, key[0] === "code" ? { scheme: key[1], value: key[2] } : undefined);
    assert.ok(path.length >= 1 && path.length <= 8);
    path.forEach((item, place) => {
      const more = [...(place ? ["genesis"] : []), "ledger", ...(place < path.length - 1 ? ["referral"] : [])];
      members(item, [...more, "updates"]);
    });
    let pinned = grown(pin(genesis), path[0].updates);
    const ledgers = [pinned.ledger];
    assert.equal(path[0].ledger, pinned.ledger);
    let least = 0;
    for (let place = 0; place < path.length - 1; place += 1) {
      const following = path[place + 1];
      const asked = key[0] === "code" ? key : ["node", labelOf(following.ledger)];
      const length = checkReferral(path[place].referral, pinned, asked, now);
      if (key[0] === "code") assert.ok(length >= least);
      least = length;
      pinned = grown(pin(following.genesis), following.updates);
      const { node } = path[place].referral;
      assert.deepEqual([pinned.ledger, pinned.ledger], [following.ledger, node.ledger]);
      assert.equal(pinned.genesis.body.origin, node.origin);
      assert.ok(!ledgers.includes(pinned.ledger), "a loop");
      ledgers.push(pinned.ledger);
    }
    if (key[0] === "did") assert.equal(key[1].split(":")[2], labelOf(pinned.ledger));
    if (answer.device) checkAnswer({ key, answer }, pinned);
    else if (key[0] === "did") checkAbsence({ key, proof: answer.proof }, pinned);
    else assert.ok(!decided(answer.proof, pinned, key, now)?.scope.node, "another node");
  }

  const { genesis, parts, vectors } = load("resolution/paths.json");
  for (const one of vectors) {
    holds(`${one.name} (paths)`, () => {
      const run = () => checkPath({ ...one, answer: whole(one.answer, parts) }, genesis);
      if (one.error) assert.throws(run);
      else run();
    });
  }
}
