// A payee that knows nothing of claimgate's code: what `claimctl claims export` prints goes through
// xrpl.js, as far as a transaction comes without a ledger to submit it to.
//
//   node redeem.mjs CLAIMCTL SOCKET VECTORS CLAIMS
//
// CLAIMS: how many claims claimd holds; VECTORS: tests/vectors/xrpl-claims.json, all of which it
// must hold. Exit code 0 only if all is right. Last line: "N passed, N failed".
import fs from 'node:fs'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import xrpl from 'xrpl' // its encode and decode are ripple-binary-codec's

const [claimctl, socket, vectorsFile, claimsExpected] = process.argv.slice(2)
let passed = 0
let failed = 0

function check(right, what) {
  if (right) passed++
  else { failed++; console.log(`WRONG: ${what}`) }
}

function exported(...options) {
  const out = execFileSync(claimctl, ['--socket', socket, 'claims', 'export', ...options],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 })
  return out.split('\n').slice(0, -1)
}

// As client.mjs makes it.
const payee = xrpl.Wallet.fromEntropy(
  createHash('sha256').update('claimgate interop payee').digest().subarray(0, 16),
  { algorithm: 'ed25519' })

function checkClaim(tx) {
  const what = `channel ${tx.Channel}`
  check(tx.TransactionType === 'PaymentChannelClaim' && tx.Balance === tx.Amount &&
    /^[0-9]+$/.test(tx.Amount), `${what}: form`)
  for (const hex of [tx.Channel, tx.PublicKey, tx.Signature]) {
    check(/^([0-9A-F]{2})+$/.test(hex), `${what}: ${hex} is not upper-case hexadecimal`)
  }
  check(xrpl.verifyPaymentChannelClaim(tx.Channel, xrpl.dropsToXrp(tx.Amount), tx.Signature,
    tx.PublicKey), `${what}: xrpl.js refuses the signature`)
  try {
    xrpl.validate(tx)
    check(true)
  } catch (error) {
    check(false, `${what}: xrpl.js refuses the transaction: ${error.message}`)
  }
  const again = xrpl.decode(xrpl.encode(tx))
  check(Object.keys(again).length === Object.keys(tx).length &&
    Object.entries(tx).every(([name, value]) => again[name] === value),
  `${what}: is not what its encoding says`)
}

const all = exported().map((line) => JSON.parse(line))
check(all.length === Number(claimsExpected), `${all.length} claims, not ${claimsExpected}`)
all.forEach(checkClaim)

// For xrpl.js to sign as they are: numbered, with fee. The blob is the same transaction.
const numbers = ['--account', payee.classicAddress, '--fee', '12', '--sequence', '5',
  '--last-ledger-sequence', '90000100']
const ours = exported(...numbers).map((line) => JSON.parse(line))
const blobs = exported(...numbers, '--format', 'blob')
check(ours.length > 0 && ours.length === blobs.length, 'as many blobs as transactions')
ours.forEach((tx, i) => {
  checkClaim(tx)
  check(tx.Sequence === 5 + i && tx.Account === payee.classicAddress, `transaction ${i}: numbers`)
  check(xrpl.encode(tx) === blobs[i], `transaction ${i}: its blob is another`)
  const signed = payee.sign(tx)
  check(xrpl.verifySignature(signed.tx_blob), `transaction ${i}: signed by the payee`)
})

const { vectors } = JSON.parse(fs.readFileSync(vectorsFile, 'utf8'))
for (const v of vectors) {
  const options = ['--channel', v.channel_id, '--account', v.destination, '--fee', '12',
    '--sequence', '7', '--last-ledger-sequence', '99999999']
  const [line] = exported(...options)
  const [blob] = exported(...options, '--format', 'blob')
  check(blob === v.redeem_tx_unsigned_blob, `vector ${v.i}: blob`)
  check(xrpl.encode(JSON.parse(line)) === v.redeem_tx_unsigned_blob, `vector ${v.i}: tx-json`)
}

console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
