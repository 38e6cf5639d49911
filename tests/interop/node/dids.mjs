// npm did-resolver over our service: `resolve` answers a list of {url, options} through a Resolver
// whose methods ask the service, as a Universal Resolver's client does.

import { Resolver } from "did-resolver";

const read = async () => {
  let text = "";
  for await (const part of process.stdin) text += part;
  return JSON.parse(text);
};

function methodOf(endpoint) {
  return async (did, parsed, _resolver, options) => {
    const accept = options.accept ?? "application/did-resolution";
    const query = parsed.query ? `?${parsed.query}` : "";
    const response = await fetch(`${endpoint}${did}${query}`, { headers: { accept } });
    return response.json();
  };
}

const { endpoint, asked } = await read();
const method = methodOf(endpoint);
const resolver = new Resolver({ tetrad: method, key: method }, { cache: true });
const found = [];
for (const url of asked) found.push(await resolver.resolve(url, {}));
process.stdout.write(JSON.stringify(found));
