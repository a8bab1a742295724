// The PaymentChannelClaim that redeems a held claim, unsigned: as JSON text, and as the ledger's
// binary form, byte for byte what ripple-binary-codec makes of that text.
//
//   12 000F      TransactionType    50 16 …  Channel, 32     71 21 …  PublicKey, 33
//   22 u32       Flags              61 u64   Amount          73 00    SigningPubKey, empty
//   24 u32       Sequence           62 u64   Balance         76 n …   Signature, n = 8..72
//   20 1B u32    LastLedgerSequence 68 u64   Fee             81 14 …  Account, 20
//
// Fields stand in the order of their type and then their number, column by column above; an amount
// of XRP is 2^62 + drops (bit 63 clear: XRP; bit 62: not negative). Sources: rippled
// include/xrpl/protocol/detail/sfields.macro and transactions.macro, STAmount.cpp; xrpl.org,
// "Serialization".
//
// Flags are always there, as xrpl.js would add them. The ledger's template requires SigningPubKey,
// so the blob always has it; the text has it once fee and sequence are there, and only the
// signature is missing. Before that it is left out: older releases of xrpl.js take its presence for
// a signature's.
//
// Balance is what the channel will have paid out in all once the claim is redeemed, Amount what
// its owner signed for. The ledger asks for Balance <= Amount: the holder may take less than was
// signed. Pure functions; any thread; the control path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/channel/terms.hpp"
#include "lib/wire/claim.hpp"
#include "lib/xrpl/base58.hpp"
#include "lib/xrpl/signature.hpp"

namespace claimgate::xrpl {

struct ClaimTransaction {
  AccountId account{};  // who redeems and pays the fee: the channel's destination
  channel::ChannelId channel;
  wire::Drops amount;            // signed for
  wire::Drops balance;           // 1 .. amount
  KeyBytes key{};                // the payer's, as the ledger has it
  CompactSignature signature{};  // of `amount`, as claim frames carry it
  std::uint32_t flags = 0;
  // What only the ledger and the account's owner know; a field without a value is left out.
  std::optional<wire::Drops> fee;
  std::optional<std::uint32_t> sequence;
  std::optional<std::uint32_t> last_ledger_sequence;
};

// A frame's 64 bytes as the ledger takes them: DER under a secp256k1 key, unchanged under Ed25519.
// Precondition, here and below: ranges_valid(signature) under a secp256k1 key.
[[nodiscard]] std::vector<std::byte> ledger_signature(const KeyBytes& key,
                                                      const CompactSignature& signature);

// One JSON object on one line, not ended: upper-case hexadecimal, drops as strings.
[[nodiscard]] std::string claim_json(const ClaimTransaction& claim);
[[nodiscard]] std::vector<std::byte> claim_blob(const ClaimTransaction& claim);

}  // namespace claimgate::xrpl
