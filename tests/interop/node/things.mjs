// Thing Descriptions before what others check them with: the JSON Schema of the W3C's package
// wot-thing-description-types through ajv, and the parser of node-wot. Reads {things}, writes for
// each what the schema says against it and, with `check`, what the parser makes of it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { parseTD } from "@node-wot/td-tools";

const place = createRequire(import.meta.url).resolve(
  "wot-thing-description-types/schema/td-json-schema-validation.json",
);
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
const holds = ajv.compile(JSON.parse(readFileSync(place, "utf8")));

let text = "";
for await (const part of process.stdin) text += part;
const found = JSON.parse(text).things.map((thing) => {
  const errors = holds(thing) ? [] : holds.errors.map((one) => `${one.instancePath} ${one.message}`);
  if (process.argv[2] !== "check") return { errors };
  const parsed = parseTD(JSON.stringify(thing));
  return { errors, id: parsed.id, properties: Object.keys(parsed.properties ?? {}) };
});
process.stdout.write(JSON.stringify(found));
