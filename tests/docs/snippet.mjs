// Runs README.md's JavaScript as it stands, with what it takes for granted: xrpl.js, a wallet, a
// channel, a UDP socket, and compact() of tests/interop/client.mjs, beside which this file is put.
//
//   node snippet.mjs channels PAYEE    what rippled's account_channels would answer
//   node snippet.mjs run FILE PAYEE    runs FILE for each of these channels
//
// Exit code 0 only if claimd accepts the claim that FILE sends, for a key of either kind, or the
// ledger pays for each transaction that FILE submits, of which there is one at least.
import dgram from 'node:dgram'
import fs from 'node:fs'
import xrpl from 'xrpl'
import { compact, readVerdict, walletFrom } from './client.mjs'

const FUNDED_DROPS = '5000000'
const ANSWER_WITHIN_MS = 5000
const AsyncFunction = (async () => {}).constructor

const [verb, ...args] = process.argv.slice(2)
const payee = args.at(-1)
const channels = ['ecdsa-secp256k1', 'ed25519'].map((algorithm, i) => {
  const wallet = walletFrom(`claimgate README payer ${i}`, algorithm)
  return { algorithm, wallet, channelId: xrpl.hashes.hashPaymentChannel(wallet.classicAddress, payee, 1 + i) }
})

function answerOf({ wallet, channelId }) {
  return { result: { account: wallet.classicAddress, ledger_index: 90_000_000, validated: true,
    status: 'success', channels: [{ account: wallet.classicAddress, destination_account: payee,
      channel_id: channelId, amount: FUNDED_DROPS, balance: '0', settle_delay: 86400,
      public_key_hex: wallet.publicKey }] } }
}

// In the place of xrpl.Client, because no ledger can be had: it pays for a claim that xrpl.js finds
// well signed, and for no other.
let paid = 0
class Ledger {
  async connect() {}
  async disconnect() {}
  async autofill(tx) { return { ...tx, Fee: '12', Sequence: 7, LastLedgerSequence: 90_000_000 } }
  async submitAndWait(blob) {
    const tx = xrpl.decode(blob)
    const good = tx.TransactionType === 'PaymentChannelClaim' && tx.Account === payee &&
      xrpl.verifyPaymentChannelClaim(tx.Channel, xrpl.dropsToXrp(tx.Amount), tx.Signature, tx.PublicKey)
    if (good) paid++
    const node = { LedgerEntryType: 'PayChannel', FinalFields: { Balance: good ? tx.Balance : '0' } }
    return { result: { meta: { TransactionResult: 'tesSUCCESS', AffectedNodes: [{ ModifiedNode: node }] } } }
  }
}

// The verdict on what the snippet sent, or undefined where it sent nothing.
async function verdictOn(snippet, { wallet, channelId }) {
  const socket = dgram.createSocket('udp4')
  let sent = false
  const answered = new Promise((resolve, reject) => {
    socket.on('message', resolve)
    socket.on('error', reject)
    setTimeout(() => reject(new Error('no verdict came')), ANSWER_WITHIN_MS).unref()
  })
  answered.catch(() => {})
  const given = { xrpl: { ...xrpl, Client: Ledger }, fs, wallet, channelId, amountInXrp: '1.25',
    drops: 1_250_000n, compact,
    socket: { send: (...message) => { sent = true; socket.send(...message) } } }
  try {
    await new AsyncFunction(...Object.keys(given), snippet)(...Object.values(given))
    return sent ? readVerdict(await answered) : undefined
  } finally {
    socket.close()
  }
}

function check(good, text) {
  console.log(`${good ? 'good' : 'WRONG'}: ${text}`)
  if (!good) process.exitCode = 1
}

if (verb === 'channels') {
  for (const channel of channels) console.log(JSON.stringify(answerOf(channel)))
} else {
  const snippet = fs.readFileSync(args[0], 'utf8')
  console.error = (...words) => check(false, words.join(' '))
  for (const channel of channels) {
    const verdict = await verdictOn(snippet, channel)
    if (verdict) check(verdict.code === 'ACCEPTED' && verdict.sequence === 1, `${channel.algorithm}: ${verdict.code}`)
    else check(paid > 0, `${paid} transactions paid`)
  }
}
