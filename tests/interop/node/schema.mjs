// As much of JSON Schema 2020-12 as specs/schemas/credentials use; any other keyword is a mistake.

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const TYPES = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  integer: Number.isInteger,
};
const points = (text) => [...text].length;
const SILENT = ["$schema", "$id", "$defs", "title", "description", "default"];

// Throws with a JSON pointer to the first value that does not conform.
export function conforms(value, schema, root = schema, pointer = "") {
  const refuse = (where = pointer) => {
    throw Object.assign(new Error(`${where} does not conform`), { pointer: where });
  };
  const check = (holds) => holds || refuse();
  const each = (run) => Array.isArray(value) && value.forEach(run);
  const within = (inner, one, name) => conforms(inner, one, root, `${pointer}/${name}`);
  const members = schema.properties ?? {};
  const KEYWORDS = {
    type: (name) => check(TYPES[name](value)),
    const: (wanted) => check(isDeepStrictEqual(value, wanted)),
    enum: (wanted) => check(wanted.some((one) => isDeepStrictEqual(value, one))),
    pattern: (text) => check(typeof value !== "string" || new RegExp(text, "u").test(value)),
    minLength: (least) => check(typeof value !== "string" || points(value) >= least),
    maxLength: (most) => check(typeof value !== "string" || points(value) <= most),
    minimum: (least) => check(typeof value !== "number" || value >= least),
    maximum: (most) => check(typeof value !== "number" || value <= most),
    minItems: (least) => check(!Array.isArray(value) || value.length >= least),
    maxItems: (most) => check(!Array.isArray(value) || value.length <= most),
    prefixItems: (items) => each((one, place) => items[place] && within(one, items[place], place)),
    items: (item) => each((one, place) => within(one, item, place)),
    required: (names) => isObject(value) && names.forEach((name) => name in value || refuse(`${pointer}/${name}`)),
    properties: () =>
      isObject(value) &&
      Object.entries(value).forEach(([name, inner]) => members[name] && within(inner, members[name], name)),
    additionalProperties: (allowed) =>
      isObject(value) &&
      Object.keys(value).forEach((name) => allowed || name in members || refuse(`${pointer}/${name}`)),
    anyOf: (choices) => check(choices.some((one) => takes(value, one, root, pointer))),
    $ref: (name) => conforms(value, root.$defs[name.split("/").at(-1)], root, pointer),
  };
  for (const [keyword, wanted] of Object.entries(schema)) {
    if (SILENT.includes(keyword)) continue;
    assert.ok(keyword in KEYWORDS, `the keyword ${keyword} is not known here`);
    KEYWORDS[keyword](wanted);
  }
}

function takes(value, schema, root, pointer) {
  try {
    conforms(value, schema, root, pointer);
    return true;
  } catch (error) {
    if (error.pointer === undefined) throw error;
    return false;
  }
}
