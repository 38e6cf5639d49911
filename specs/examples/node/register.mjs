// Registers an organization, takes a code prefix, registers a device, resolves it by its code and by
// its number, and checks its receipt offline. Node.js 18 or newer, nothing to install:
//
//     node register.mjs http://127.0.0.1:8000
//
// The service prepares each operation; the keys stay here. What is signed is computed from the
// operation that was read, never taken from the service: specs/2-registry.md, "Prepare".

import { createHash, createPublicKey, generateKeyPairSync, randomInt, sign, verify } from 'node:crypto'

const SERVICE = process.argv[2] ?? 'http://127.0.0.1:8000'
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest()
const check = (holds, what) => { if (!holds) throw new Error(`not as it should be: ${what}`) }

// ---- Bytes as text (specs/1-identity.md) --------------------------------------------------------

// JCS (RFC 8785); this short because operations hold only strings, integers, lists and objects.
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.keys(value).sort().map((k) => `${JSON.stringify(k)}:${canonical(value[k])}`).join()}}`
}
const hashOf = (value) => sha256(Buffer.from(canonical(value)))

const multibase = (bytes) => {
  const digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let text = ''
  for (let n = BigInt(`0x${bytes.toString('hex')}`); n > 0n; n /= 58n) text = digits[Number(n % 58n)] + text
  for (const byte of bytes) { if (byte) break; text = `1${text}` }
  return `z${text}`
}
const multihash = (digest) => multibase(Buffer.concat([Buffer.from([0x12, 0x20]), digest]))

const newKey = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url')
  return { privateKey, multikey: multibase(Buffer.concat([Buffer.from([0xed, 0x01]), raw])) }
}

// ---- The service --------------------------------------------------------------------------------

async function call(path, body) {
  const request = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(SERVICE + path, request || {})
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.code}: ${answer.detail} (${answer.hint ?? 'no hint'})`)
  return answer
}

// Prepares, reads, signs with each key, sends. `meant` are members that the operation must show.
async function operate(description, keys, meant) {
  const prepared = await call('/v1/operations/prepare', description)
  const { operation } = prepared
  check(operation.type === description.type, 'the type')
  for (const [name, value] of Object.entries(meant)) {
    check(canonical(operation.body[name]) === canonical(value), `the ${name} of the operation`)
  }
  operation.proof = prepared.signing.map(({ verificationMethod, proof }, place) => {
    const unsigned = { ...operation }
    delete unsigned.proof
    const input = Buffer.concat([hashOf(proof), hashOf(unsigned)]) // VC Data Integrity, eddsa-jcs-2022
    check(proof.verificationMethod === verificationMethod && keys[place], 'who signs')
    return { ...proof, proofValue: multibase(sign(null, input, keys[place].privateKey)) }
  })
  const answer = await call('/v1/operations', { operation, disclosures: prepared.disclosures })
  return { ...answer, signed: operation, disclosures: prepared.disclosures }
}

// ---- Receipts (specs/2-registry.md, "Receipts") -------------------------------------------------

// RFC 9162, 2.1.3.2.
function rootOf(leaf, index, size, hashes) {
  let [fn, sn, root] = [index, size - 1, leaf]
  for (const hash of hashes) {
    check(sn > 0, 'the length of the inclusion proof')
    if (fn % 2 || fn === sn) {
      root = sha256(Buffer.from([1]), hash, root)
      while (fn % 2 === 0 && fn > 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)]
    } else root = sha256(Buffer.from([1]), root, hash)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  check(sn === 0, 'the length of the inclusion proof')
  return root
}

function checkReceipt(receipt, operation, vkey) {
  const blank = receipt.indexOf('\n\n')
  const [, extra, index, ...hashes] = receipt.slice(0, blank).split('\n')
  const [text, signatures] = receipt.slice(blank + 2).split('\n\n')
  const [origin, size, root] = text.split('\n')
  const context = Buffer.from(extra.slice('extra '.length), 'base64').toString()
  const entry = context.replace(',"previous":', () => `,"operation":${canonical(operation)},"previous":`)
  const leaf = sha256(Buffer.from([0]), Buffer.from(entry))
  const proof = hashes.map((hash) => Buffer.from(hash, 'base64'))
  const computed = rootOf(leaf, Number(index.slice('index '.length)), Number(size), proof)
  check(computed.toString('base64') === root, 'the root')

  const [name, id, ...encoded] = vkey.split('+') // base64 may hold plus signs
  const x = Buffer.from(encoded.join('+'), 'base64').subarray(1).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const line = signatures.split('\n').find((one) => one.startsWith(`— ${name} `) &&
    Buffer.from(one.split(' ')[2], 'base64').subarray(0, 4).toString('hex') === id)
  check(line && origin === name, 'a line of the log under its checkpoint')
  const signature = Buffer.from(line.split(' ')[2], 'base64').subarray(4)
  check(verify(null, Buffer.from(`${text}\n`), key, signature), 'the signature of the log')
}

// ---- The main job -------------------------------------------------------------------------------

const { genesis, ledger, log } = await call('/.well-known/tetrad')
const { proof: _, ...unsignedGenesis } = genesis
check(multihash(hashOf(unsignedGenesis)) === ledger, 'the hash of the genesis') // pin this, once
check(genesis.body.log[0] === log.vkey, 'the key of the log')

const [owner, ownerNext, device, deviceNext] = [newKey(), newKey(), newKey(), newKey()]
const acme = await operate({
  type: 'organization.register',
  body: { name: 'Acme Meters', keys: [owner.multikey], next: [ownerNext.multikey] },
}, [owner], { name: 'Acme Meters', keys: [owner.multikey] })
console.log(`organization  ${acme.did}`)

const prefix = `09${String(randomInt(1e6)).padStart(6, '0')}`
const grant = { right: 'prefix', to: acme.did, scope: { scheme: 'gtin', prefix } }
await operate({
  type: 'grant.issue', subject: acme.did, body: grant, signers: [{ key: owner.multikey }],
}, [owner], grant)
console.log(`prefix        gtin:${prefix}`)

const digits = `${prefix}01234`
const sum = [...digits].reverse().reduce((total, digit, place) => total + digit * (place % 2 ? 1 : 3), 0)
const code = `https://id.gs1.org/01/${digits}${(10 - sum % 10) % 10}/21/M-0001`
const number = { scheme: 'msisdn-cn-iot', value: `14400${String(randomInt(1e8)).padStart(8, '0')}` }
const meter = await operate({
  type: 'device.register',
  body: {
    object: {
      maker: acme.did, model: 'M1', serial: 'SN-0001', ipv6: 'enabled',
      sector: { domain: 'production', field: 'industry', category: 'C4016' },
    },
    code, number, keys: [device.multikey], next: [deviceNext.multikey], controller: acme.did,
  },
  signers: [{ key: owner.multikey }],
}, [device, owner], { code: { scheme: 'gs1', value: code }, controller: acme.did, keys: [device.multikey] })
console.log(`device        ${meter.did}, entry ${meter.index}`)

checkReceipt(meter.receipt, meter.signed, log.vkey)
console.log('receipt       holds: the entry is in the tree that the log has signed')

const byCode = await call(`/v1/resolve?code=${encodeURIComponent(code)}`)
check(byCode.device.did === meter.did && byCode.device.status === 'active', 'the answer by code')
console.log(`resolved      ${code}`)

const disclosure = meter.disclosures.find((one) => JSON.parse(Buffer.from(one, 'base64url'))[1] === '/body/number/commitment')
const byNumber = await call('/v1/resolve', { disclosure, scheme: number.scheme })
check(byNumber.device.did === meter.did, 'the answer by number')
console.log('resolved      its number, for whoever holds the disclosure')
