// A payer that knows nothing of claimgate's code: xrpl.js makes the keys and signs the claims, an
// ordinary UDP socket sends them, and the verdicts are checked against what the ledger would say.
//
//   node client.mjs channels FILE            writes what rippled's account_channels would answer
//   node client.mjs send ADDRESS [ADDRESS…]  sends claims to each address, checks every verdict
//   node client.mjs vectors FILE ADDRESS     sends the published-format vectors of tests/vectors
//
// Exit code 0 only if every verdict is right. Last line: "N passed, N failed".
import dgram from 'node:dgram'
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createHash } from 'node:crypto'
import xrpl from 'xrpl'

const CLAIM_BYTES = 93
const VERDICT_BYTES = 33
const PORT_ANY = 9300
const PORT_SHARD_FIRST = 9301
const FUNDED_DROPS = 5_000_000n
const CODES = ['ACCEPTED', 'DUPLICATE', 'STALE', 'UNKNOWN_CHANNEL', 'BAD_SIGNATURE', 'OVER_FUNDS',
  'CLOSED', 'BUSY', 'MALFORMED', 'COVERED', 'MOVED']
const ORDER_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141n
const ORDER_L = 0x1000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3EDn

export function walletFrom(text, algorithm) {
  const entropy = createHash('sha256').update(text).digest().subarray(0, 16)
  return xrpl.Wallet.fromEntropy(entropy, { algorithm })
}

const destination = walletFrom('claimgate interop payee', 'ed25519').classicAddress

const payers = [0, 1, 2, 3].map((i) => {
  const algorithm = i % 2 === 0 ? 'ecdsa-secp256k1' : 'ed25519'
  const wallet = walletFrom(`claimgate interop payer ${i}`, algorithm)
  const id = xrpl.hashes.hashPaymentChannel(wallet.classicAddress, destination, 7000 + i)
  return { wallet, id, algorithm }
})

// ---- forms -------------------------------------------------------------------------------------

function big(bytes) { return BigInt('0x' + Buffer.from(bytes).toString('hex')) }
function bytes32(value) { return Buffer.from(value.toString(16).padStart(64, '0'), 'hex') }

// DER's two integers -> r‖s, 32 bytes each.
function compactFromDer(der) {
  let at = 2
  const integers = []
  for (let i = 0; i < 2; i++) {
    if (der[at] !== 0x02) throw new Error('not DER')
    const length = der[at + 1]
    integers.push(big(der.subarray(at + 2, at + 2 + length)))
    at += 2 + length
  }
  return Buffer.concat(integers.map(bytes32))
}

// What a frame carries: an Ed25519 signature as it is, an ECDSA signature taken out of its DER.
export function compact(signatureHex, publicKeyHex) {
  const raw = Buffer.from(signatureHex, 'hex')
  return publicKeyHex.startsWith('ED') ? raw : compactFromDer(raw)
}

function sign(payer, drops) {
  const hex = xrpl.signPaymentChannelClaim(payer.id, xrpl.dropsToXrp(drops.toString()),
    payer.wallet.privateKey)
  const key = payer.wallet.publicKey
  if (!xrpl.verifyPaymentChannelClaim(payer.id, xrpl.dropsToXrp(drops.toString()), hex, key)) {
    throw new Error('xrpl.js refuses its own signature')
  }
  return compact(hex, key)
}

// The malleated twin: n - s, or S + L.
function nonCanonical(signature, algorithm) {
  const half = signature.subarray(32)
  if (algorithm !== 'ed25519') {
    return Buffer.concat([signature.subarray(0, 32), bytes32(ORDER_N - big(half))])
  }
  const s = big(Buffer.from(half).reverse()) + ORDER_L
  return Buffer.concat([signature.subarray(0, 32), bytes32(s).reverse()])
}

function claimFrame({ id, sequence, drops, signature, timestamp, type = 0x01 }) {
  const frame = Buffer.alloc(CLAIM_BYTES)
  frame[0] = type
  Buffer.from(id, 'hex').copy(frame, 1, 0, 8)
  frame.writeUInt32BE(sequence, 9)
  frame.writeBigUInt64BE(drops, 13)
  signature.copy(frame, 21)
  frame.writeDoubleBE(timestamp, 85)
  return frame
}

export function readVerdict(frame) {
  return {
    type: frame[0], handle: frame.subarray(1, 9).toString('hex').toUpperCase(),
    sequence: frame.readUInt32BE(9), drops: frame.readBigUInt64BE(13),
    code: CODES[frame[21]] ?? `code ${frame[21]}`, flags: frame[22],
    retryAfter: frame.readUInt16BE(23), timestamp: frame.subarray(25, 33),
  }
}

// ---- the socket --------------------------------------------------------------------------------

class Client {
  constructor(address) {
    this.address = address
    this.socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4')
    this.sequence = 1
    this.passed = 0
    this.failed = 0
  }

  // Sends once more after each second of silence, as a payer would; claims are idempotent.
  exchange(payload, port) {
    return new Promise((resolve, reject) => {
      let tries = 0
      const send = () => {
        if (tries++ === 5) { finish(); reject(new Error(`no answer from ${this.address}:${port}`)) }
        else this.socket.send(payload, port, this.address)
      }
      const timer = setInterval(send, 1000)
      const onMessage = (message, from) => { finish(); resolve({ message, from, tries }) }
      const finish = () => { clearInterval(timer); this.socket.off('message', onMessage) }
      this.socket.on('message', onMessage)
      send()
    })
  }

  // claims: [{what, id, drops, signature, expect: [codes], type?}] -> one datagram
  async ask(claims, port = PORT_ANY) {
    const sent = claims.map((claim) => ({
      ...claim, sequence: this.sequence++, timestamp: Date.now() + 0.25 }))
    const { message, from, tries } = await this.exchange(Buffer.concat(sent.map(claimFrame)), port)
    this.check(from.port === port, `the reply comes from port ${from.port}, not ${port}`)
    this.check(message.length === sent.length * VERDICT_BYTES, `${message.length} bytes came back`)
    sent.forEach((claim, i) => {
      const frame = claimFrame(claim)
      const verdict = readVerdict(message.subarray(i * VERDICT_BYTES, (i + 1) * VERDICT_BYTES))
      // A second sending of an accepted claim is a duplicate.
      const expect = tries > 1 && claim.expect[0] === 'ACCEPTED'
        ? [...claim.expect, 'DUPLICATE'] : claim.expect
      this.check(expect.includes(verdict.code),
        `${claim.what}: ${verdict.code}, expected ${expect.join(' or ')}`)
      this.check(verdict.type === 0x81 && verdict.handle === claim.id.slice(0, 16).toUpperCase() &&
        verdict.sequence === claim.sequence && verdict.drops === claim.drops &&
        verdict.timestamp.equals(frame.subarray(85)), `${claim.what}: not what was sent came back`)
    })
  }

  check(good, text) {
    if (good) { this.passed++ } else { this.failed++; console.log(`FAILED ${this.address}: ${text}`) }
  }
}

// ---- what is sent ------------------------------------------------------------------------------

let base = 1000n  // amounts rise from address to address

async function converse(client) {
  for (const payer of payers) {
    const { id, algorithm } = payer
    const at = (drops) => ({ id, drops, signature: sign(payer, drops) })
    const first = at(base + 100n)
    await client.ask([{ what: `${algorithm} good`, ...first, expect: ['ACCEPTED'] }])
    await client.ask([{ what: 'the same again', ...first, expect: ['DUPLICATE'] }])
    await client.ask([{ what: 'a lower one', ...at(base + 50n), expect: ['STALE'] }])
    await client.ask([{ what: 'malleated', ...at(base + 200n), expect: ['BAD_SIGNATURE'],
      signature: nonCanonical(sign(payer, base + 200n), algorithm) }])
    await client.ask([{ what: 'signed for less', ...at(base + 150n), drops: base + 151n,
      expect: ['BAD_SIGNATURE'] }])
    await client.ask([{ what: 'over the funds', ...at(FUNDED_DROPS + 1n), expect: ['OVER_FUNDS'] }])
    await client.ask([{ what: 'no such channel', ...first, id: 'DEADBEEF' + id.slice(8),
      expect: ['UNKNOWN_CHANNEL'] }])
    await client.ask([{ what: 'another type', ...first, type: 2, expect: ['MALFORMED'] }])
    await client.ask([{ what: 'nothing', ...first, drops: 0n, expect: ['MALFORMED'] }])
    const shard = Number(BigInt('0x' + id.slice(0, 16)) % 64n)
    await client.ask([{ what: 'through its shard\'s port', ...at(base + 300n),
      expect: ['ACCEPTED'] }], PORT_SHARD_FIRST + shard)
    const many = Array.from({ length: 15 }, (_, i) => i === 7
      // Above all the others, so that it is examined, and displaces none of them.
      ? { what: 'the bad one of fifteen', ...at(base + 500n), expect: ['BAD_SIGNATURE'],
          signature: Buffer.alloc(64, 1) }
      : { what: `${i} of fifteen`, ...at(base + 400n + BigInt(i)), expect: ['ACCEPTED', 'COVERED'] })
    await client.ask(many)
  }
  base += 1000n
}

function writeChannels(file) {
  const pages = payers.map(({ wallet, id }, i) => ({ result: {
    account: wallet.classicAddress, ledger_index: 90_000_000 + i, validated: true,
    status: 'success', channels: [{
      account: wallet.classicAddress, destination_account: destination, channel_id: id,
      amount: FUNDED_DROPS.toString(), balance: '0', settle_delay: 86400,
      public_key_hex: wallet.publicKey }] } }))
  fs.writeFileSync(file, pages.map((page) => JSON.stringify(page)).join('\n') + '\n')
  console.log(destination)
}

async function sendVectors(client, file) {
  const { vectors } = JSON.parse(fs.readFileSync(file, 'utf8'))
  for (const v of vectors) {
    const claim = { id: v.channel_id, drops: BigInt(v.amount_drops) }
    const right = Buffer.from(v.compact_rs_hex ?? v.signature_hex, 'hex')
    if (v.high_s_twin_compact_hex) {
      await client.ask([{ what: `vector ${v.i}, its high-S twin`, ...claim,
        signature: Buffer.from(v.high_s_twin_compact_hex, 'hex'), expect: ['BAD_SIGNATURE'] }])
    }
    await client.ask([{ what: `vector ${v.i}`, ...claim, signature: right, expect: ['ACCEPTED'] }])
    await client.ask([{ what: `vector ${v.i} again`, ...claim, signature: right,
      expect: ['DUPLICATE'] }])
  }
}

async function main([verb, ...args]) {
  if (verb === 'channels') return writeChannels(args[0])
  let passed = 0
  let failed = 0
  const file = verb === 'vectors' ? args.shift() : null
  for (const address of args) {
    const client = new Client(address)
    try {
      if (file) await sendVectors(client, file)
      else await converse(client)
    } catch (error) {
      client.check(false, error.message)
    }
    client.socket.close()
    passed += client.passed
    failed += client.failed
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
}

// Not where another test takes functions from here.
if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))
