// specs/vectors/resolution/codes.json, with nothing but Node.js: GS1 keys in every spelling, tags,
// EUIs, OIDs and UUIDs, handles, and the door that look-alikes do not pass. Texts of other schemes
// are left to their own rules. Written from specs/3-resolution.md.

import assert from "node:assert/strict";

const GS = "\x1d";
class Refused extends Error {}
const refuse = (code) => {
  throw new Refused(code);
};
const MALFORMED = "code.malformed";

// "Reading a code", 1 and 2: white space, control characters, everything beyond ASCII.
function plain(text) {
  for (const character of text) {
    if (character < "!" || character === "\x7f") refuse(MALFORMED);
    if (character > "~") refuse("code.look_alike");
  }
  return text;
}
const unescaped = (text) => {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) refuse(MALFORMED);
  return plain(decodeURIComponent(text));
};
const escaped = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

// GS1: modulo 10, weights 3 and 1 from the right.
const checkDigit = (digits) =>
  String((10 - ([...digits].reverse().reduce((sum, d, i) => sum + Number(d) * (i % 2 ? 1 : 3), 0) % 10)) % 10);
const checked = (digits) => {
  if (checkDigit(digits.slice(0, -1)) !== digits.at(-1)) refuse("code.check_digit");
  return digits;
};
const SET_82 = /^[!"%-?A-Z_a-z]+$/;
const LENGTHS = { 10: 20, 21: 20, 22: 20, 235: 28 };
// What the vectors have beside a key: fixed lengths, and the longest of those that vary.
const FIXED = { "00": 18, "01": 14, 11: 6, 17: 6, 3103: 6 };
const DATE = /^\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])$/;

function code(elements) {
  const keys = elements.filter(([ai]) => ["01", "8003", "8004"].includes(ai));
  if (keys.length !== 1 || elements.some(([ai]) => ai === "00")) refuse(MALFORMED);
  const seen = new Map();
  for (const [ai, value] of elements) {
    if (seen.has(ai)) refuse(MALFORMED);
    if (ai in LENGTHS && (!SET_82.test(value) || value.length > LENGTHS[ai])) refuse(MALFORMED);
    if ((ai === "17" || ai === "11") && !DATE.test(value)) refuse(MALFORMED);
    seen.set(ai, value);
  }
  const [[ai, value]] = keys;
  if (ai === "8003") {
    if (!/^0\d{13}/.test(value)) refuse(MALFORMED);
    checked(value.slice(1, 14));
    return { scheme: "grai", value: `https://id.gs1.org/8003/${escaped(value)}` };
  }
  if (ai === "8004") return { scheme: "giai", value: `https://id.gs1.org/8004/${escaped(value)}` };
  if (!/^\d{14}$/.test(value)) refuse(MALFORMED);
  checked(value);
  const names = seen.has("21") ? ["21"] : ["22", "10", "235"].filter((name) => seen.has(name));
  if (!names.length) return { scheme: "gtin", value };
  const path = names.map((name) => `/${name}/${escaped(seen.get(name))}`).join("");
  return { scheme: "gs1", value: `https://id.gs1.org/01/${value}${path}` };
}

function separated(text) {
  const elements = [];
  while (text) {
    const ai = [2, 3, 4].map((n) => text.slice(0, n)).find(
      (start) => start in FIXED || start in LENGTHS || ["8003", "8004"].includes(start));
    if (!ai) refuse(MALFORMED);
    const rest = text.slice(ai.length);
    const at = ai in FIXED ? FIXED[ai] : (rest + GS).indexOf(GS);
    elements.push([ai, rest.slice(0, at)]);
    text = rest.slice(at).replace(/^\x1d/, "");
  }
  return elements;
}

// Every way to read a joined text if separators were lost; those of one code count once.
function readings(text, before = []) {
  if (!text) return [before];
  const ai = ["01", "8003", "10", "21", "22", "17", "235"].find((one) => text.startsWith(one));
  if (!ai || before.some(([other]) => other === ai)) return [];
  const rest = text.slice(ai.length);
  const longest = FIXED[ai] ?? LENGTHS[ai] ?? 30;
  const found = [];
  for (let end = Math.min(rest.length, longest); end >= (FIXED[ai] ?? 1); end -= 1) {
    if (end < longest && ai in FIXED) break;
    found.push(...readings(rest.slice(end), [...before, [ai, rest.slice(0, end)]]));
  }
  return found;
}

// The EPC Tag Data Standard, 14: header, filter, partition, company prefix, reference, serial.
const COMPANY_BITS = [40, 37, 34, 30, 27, 24, 20];
const TAGS = {
  30: ["sgtin", 96, 13, 0], 36: ["sgtin", 198, 13, 20], 33: ["grai", 96, 12, 0],
  37: ["grai", 170, 12, 16], 34: ["giai", 96, 0, 0], 38: ["giai", 202, 0, 99],
};
function tag(text) {
  const [kind, size, digits, characters] = TAGS[text.slice(0, 2)];
  const bits = [...text].map((digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
  if (bits.slice(size).includes("1")) refuse(MALFORMED);
  let at = 8 + 3;
  const take = (width) => BigInt(`0b${bits.slice(at, (at += width))}`);
  const partition = Number(take(3));
  if (partition > 6) refuse(MALFORMED);
  const parts = [String(take(COMPANY_BITS[partition])).padStart(12 - partition, "0")];
  if (digits) {
    const width = digits - 12 + partition;
    const number = String(take(44 - COMPANY_BITS[partition]));
    parts.push(width ? number.padStart(width, "0") : "");
  }
  let serial = "";
  if (!characters) serial = String(take(size - at));
  else while (at + 7 <= size) serial += String.fromCharCode(Number(take(7)));
  return urn(kind, [...parts, serial.replace(/\0*$/, "")]);
}
function urn(kind, [company, ...rest]) {
  if (kind === "giai") return code([["8004", company + rest[0]]]);
  const [reference, serial] = rest;
  if ((company + reference).length !== (kind === "grai" ? 12 : 13)) refuse(MALFORMED);
  if (kind === "grai") {
    const asset = company + reference;
    return code([["8003", `0${asset}${checkDigit(asset)}${serial}`]]);
  }
  const item = reference[0] + company + reference.slice(1);
  const key = ["01", item + checkDigit(item)];
  return code(serial === "*" ? [key] : [key, [kind === "lgtin" ? "10" : "21", serial]]);
}

function gs1(text) {
  const symbology = /^\](.)(.)/.exec(text);
  if (symbology && ["C1", "d2", "Q3", "e0", "J1"].includes(symbology[1] + symbology[2])) {
    const data = text.slice(3).replace(/^\x1d|\x1d$/g, "");
    plain(data.replaceAll(GS, "-"));
    return code(separated(data));
  }
  if (symbology && ["E0", "E4", "I1"].includes(symbology[1] + symbology[2])) {
    return code([["01", plain(text.slice(3)).padStart(14, "0")]]);
  }
  if (symbology || text.startsWith("]")) return text.includes(GS) || !symbology ? refuse(MALFORMED) : undefined;
  if (text.includes(GS)) return code(separated(text.replace(/^\x1d|\x1d$/g, "")));
  if (/^\(\d{2,4}\)/.test(text)) {
    const pieces = text.split(/\((\d{2,4})\)/).slice(1);
    return code(pieces.flatMap((ai, i) => (i % 2 ? [] : [[ai, pieces[i + 1]]])));
  }
  const link = /^https?:\/\/[^/]+\/(?:[^?#]*\/)??((?:01\/\d{8,14}|8003\/|8004\/)[^?#]*)/i.exec(text);
  if (link) {
    const parts = link[1].split("/");
    const elements = parts.flatMap((ai, i) => (i % 2 ? [] : [[ai, unescaped(parts[i + 1])]]));
    const order = ["01", "8003", "8004", "22", "10", "21", "235"];
    const places = elements.map(([ai]) => order.indexOf(ai));
    if (places.some((place, i) => i && place <= places[i - 1])) refuse(MALFORMED);
    return code(elements);
  }
  const epc = /^urn:epc:(?:id|tag|class|idpat):([a-z]+)(-\d+)?:(.*)$/.exec(text);
  if (epc) {
    if (!["sgtin", "grai", "giai", "lgtin"].includes(epc[1])) refuse(MALFORMED);
    const fields = (epc[2] ? epc[3].slice(2) : epc[3]).split(".");
    return urn(epc[1], fields.map(unescaped));
  }
  if (/^3[034678][0-9A-F]{22,50}$/i.test(text)) return tag(text);
  if (/^(?:01\d{14}|80030\d{13})/.test(text)) {
    const codes = new Map();
    for (const one of readings(text)) {
      try {
        const found = code(one);
        codes.set(found.value, found);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    }
    const whole = code(separated(text));
    return codes.size > 1 ? [...codes.values()] : whole;
  }
  if (/^(?:\d{8}|\d{12,14})$/.test(text)) return { scheme: "gtin", value: checked(text.padStart(14, "0")) };
  return undefined;
}

function eui(text) {
  const urn = /^urn:dev:mac:([0-9a-f]{16})$/i.exec(text);
  const shape = /^(?:[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?:(?:\1[0-9a-f]{2}){2})?|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2,3})$/i;
  if (!urn && !shape.test(text)) return undefined;
  const digits = (urn ? urn[1] : text.replace(/[:.-]/g, "")).toLowerCase();
  if (parseInt(digits[1], 16) & 1 || /^0+$/.test(digits)) refuse(MALFORMED);
  if (digits.length === 12) return { scheme: "eui48", value: digits };
  if (/^.{6}fff[ef]/.test(digits)) return { scheme: "eui48", value: digits.slice(0, 6) + digits.slice(10) };
  return { scheme: "eui64", value: digits };
}

function uuidOrOid(text) {
  const uuid = /^(?:urn:uuid:)?\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i.exec(text);
  const oid = /^(?:urn:oid:|oid:)?(\d+(?:\.\d+)+)$/i.exec(text);
  let digits = uuid?.[1].toLowerCase();
  if (oid) {
    if (/(?:^|\.)0\d/.test(oid[1])) refuse(MALFORMED);
    const number = /^2\.25\.(\d+)$/.exec(oid[1]);
    if (!number) return { scheme: "oid", value: `urn:oid:${oid[1]}` };
    if (BigInt(number[1]) >> 128n) refuse(MALFORMED);
    const hex = BigInt(number[1]).toString(16).padStart(32, "0");
    digits = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }
  if (!digits) return undefined;
  if (/^(?:0|-)+$|^(?:f|-)+$/.test(digits)) refuse(MALFORMED);
  return { scheme: "uuid", value: `urn:uuid:${digits}` };
}

function handle(text) {
  const url = /^(?:https?:\/\/(?:hdl\.handle\.net|(?:www\.|dx\.)?doi\.org)\/|(?:info:)?(?:hdl|doi)[:/])([^?#]+)/i.exec(text);
  const bare = url ? unescaped(url[1]) : text;
  if (!/^\d+(?:\.[0-9A-Za-z_-]+)*\/[!-~]+$/.test(bare)) return undefined;
  const scheme = /^88\.\d{2,4}\.\d{1,10}(?:\.\d+)*\//.test(bare) ? "idis" : "handle";
  return { scheme, value: bare.toLowerCase() };
}

function read(text) {
  const outside = text.startsWith("]") || text.includes(GS);
  if (!outside) plain(text);
  const found = [];
  let fault;
  for (const reader of outside ? [gs1] : [gs1, handle, uuidOrOid, eui]) {
    try {
      found.push(...[reader(text) ?? []].flat());
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      fault ??= error;
    }
  }
  if (outside && !found.length && !fault) return read(text.slice(3));
  if (!found.length && fault) throw fault;
  return found;
}

const DECIDED = new Set(["gtin", "gs1", "grai", "giai", "idis", "handle", "oid", "uuid", "eui48", "eui64"]);

/** Returns how many vectors it decided. */
export function checkCodes(load, holds) {
  let decided = 0;
  for (const one of load("resolution/codes.json").vectors) {
    if (one.scheme || (one.code && !DECIDED.has(one.code.scheme))) continue;
    let found;
    let error;
    try {
      found = read(one.text);
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal;
      error = refusal.message;
    }
    // Of schemes that are not read here there is nothing to say.
    if (one.error && !error && !found.length) continue;
    decided += 1;
    holds(`${one.name} (codes)`, () => {
      if (one.code) assert.deepEqual(found, [one.code]);
      else if (one.candidates) {
        const values = (codes) => codes.map((each) => `${each.scheme} ${each.value}`).sort();
        assert.deepEqual(values(found), values(one.candidates));
      } else assert.equal(error, one.error);
    });
  }
  return decided;
}
