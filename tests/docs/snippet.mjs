// Runs README.md's JavaScript as it stands, with what it takes for granted: xrpl.js, a wallet, a
// channel, a UDP socket, and compact() of tests/interop/client.mjs, beside which this file is put.
//
//   node snippet.mjs channels PAYEE    what rippled's account_channels would answer
//   node snippet.mjs run FILE PAYEE    runs FILE for each of these channels
//
// Exit code 0 only if claimd accepts the claim that FILE sends, for a key of either kind.
import dgram from 'node:dgram'
import fs from 'node:fs'
import xrpl from 'xrpl'
import { compact, readVerdict, walletFrom } from './client.mjs'

const FUNDED_DROPS = '5000000'
const ANSWER_WITHIN_MS = 5000

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

async function verdictOn(snippet, { wallet, channelId }) {
  const socket = dgram.createSocket('udp4')
  try {
    const answered = new Promise((resolve, reject) => {
      socket.on('message', resolve)
      socket.on('error', reject)
      setTimeout(() => reject(new Error('no verdict came')), ANSWER_WITHIN_MS).unref()
    })
    new Function('xrpl', 'wallet', 'channelId', 'amountInXrp', 'drops', 'compact', 'socket', snippet)(
      xrpl, wallet, channelId, '1.25', 1_250_000n, compact, socket)
    return readVerdict(await answered)
  } finally {
    socket.close()
  }
}

if (verb === 'channels') {
  for (const channel of channels) console.log(JSON.stringify(answerOf(channel)))
} else {
  const snippet = fs.readFileSync(args[0], 'utf8')
  for (const channel of channels) {
    const verdict = await verdictOn(snippet, channel)
    console.log(`${channel.algorithm}: ${verdict.code}`)
    if (verdict.code !== 'ACCEPTED' || verdict.sequence !== 1) process.exitCode = 1
  }
}
