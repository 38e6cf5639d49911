// GS1 Digital Links by digital-link.js, a library of others.
//
//   node digital_links.mjs read < ["https://…", …]        -> [{"valid", "identifier", "qualifiers"}, …]
//   node digital_links.mjs compress < ["https://…", …]    -> ["https://…", …]
//   node digital_links.mjs decompress < ["https://…", …]  -> ["https://…" or null where it throws, …]

import { readFileSync } from "node:fs";
import library from "digital-link.js";

const { DigitalLink, Utils } = library;

function read(uri) {
  const link = DigitalLink(uri);
  return { valid: link.isValid(), identifier: link.getIdentifier(), qualifiers: link.getKeyQualifiers() };
}

function decompress(uri) {
  try {
    return Utils.decompressWebUri(uri);
  } catch {
    return null;
  }
}

const asked = JSON.parse(readFileSync(0, "utf8"));
const commands = { read, compress: (uri) => Utils.compressWebUri(uri), decompress };
process.stdout.write(JSON.stringify(asked.map(commands[process.argv[2]])));
