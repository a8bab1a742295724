#include "lib/xrpl/claim_transaction.hpp"

#include <cassert>
#include <iterator>
#include <span>

#include <fmt/format.h>

#include "lib/wire/endian.hpp"
#include "lib/xrpl/hex.hpp"

namespace claimgate::xrpl {
namespace {

constexpr std::uint16_t payment_channel_claim = 15;
constexpr std::uint64_t positive_xrp = std::uint64_t{1} << 62;
// Lengths up to here are one byte; nothing in this transaction is longer.
constexpr std::size_t short_length_max = 192;

// A field's type and number make its first bytes: both in one nibble each, or numbers from 16 on
// in a byte of their own.
struct Field {
  std::uint8_t type;
  std::uint8_t number;
};

namespace field {
constexpr Field transaction_type{1, 2}, flags{2, 2}, sequence{2, 4}, last_ledger_sequence{2, 27},
    channel{5, 22}, amount{6, 1}, balance{6, 2}, fee{6, 8}, public_key{7, 1},
    signing_public_key{7, 3}, signature{7, 6}, account{8, 1};
}  // namespace field

class BlobWriter {
 public:
  template <class T>
  void number(Field id, T value) {
    begin(id);
    std::byte bytes[sizeof value];
    wire::store_be(bytes, value);
    append(bytes);
  }
  void drops(Field id, wire::Drops value) { number(id, positive_xrp | value.value); }
  void fixed(Field id, std::span<const std::byte> bytes) {
    begin(id);
    append(bytes);
  }
  void counted(Field id, std::span<const std::byte> bytes) {
    assert(bytes.size() <= short_length_max);
    begin(id);
    out_.push_back(static_cast<std::byte>(bytes.size()));
    append(bytes);
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(out_); }

 private:
  void begin(Field id) {
    assert(id.type < 16);
    out_.push_back(static_cast<std::byte>(id.type << 4 | (id.number < 16 ? id.number : 0)));
    if (id.number >= 16) out_.push_back(std::byte{id.number});
  }
  void append(std::span<const std::byte> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> out_;
};

}  // namespace

std::vector<std::byte> ledger_signature(const KeyBytes& key, const CompactSignature& signature) {
  if (key[0] == std::byte{0xED}) return {signature.begin(), signature.end()};
  const DerSignature der = der_from_compact(signature.data());
  return {der.view().begin(), der.view().end()};
}

std::string claim_json(const ClaimTransaction& claim) {
  assert(claim.balance.value > 0 && claim.balance.value <= claim.amount.value);
  std::string out;
  const auto to = std::back_inserter(out);
  fmt::format_to(to,
                 R"({{"TransactionType":"PaymentChannelClaim","Account":"{}","Channel":"{}",)"
                 R"("Balance":"{}","Amount":"{}","PublicKey":"{}","Signature":"{}","Flags":{})",
                 address_text(claim.account), to_hex(claim.channel.bytes), claim.balance.value,
                 claim.amount.value, to_hex(claim.key),
                 to_hex(ledger_signature(claim.key, claim.signature)), claim.flags);
  if (claim.fee) fmt::format_to(to, R"(,"Fee":"{}")", claim.fee->value);
  if (claim.sequence) fmt::format_to(to, R"(,"Sequence":{})", *claim.sequence);
  if (claim.last_ledger_sequence)
    fmt::format_to(to, R"(,"LastLedgerSequence":{})", *claim.last_ledger_sequence);
  out += claim.fee && claim.sequence ? R"(,"SigningPubKey":""})" : "}";
  return out;
}

std::vector<std::byte> claim_blob(const ClaimTransaction& claim) {
  assert(claim.balance.value > 0 && claim.balance.value <= claim.amount.value);
  BlobWriter to;
  to.number(field::transaction_type, payment_channel_claim);
  to.number(field::flags, claim.flags);
  if (claim.sequence) to.number(field::sequence, *claim.sequence);
  if (claim.last_ledger_sequence)
    to.number(field::last_ledger_sequence, *claim.last_ledger_sequence);
  to.fixed(field::channel, claim.channel.bytes);
  to.drops(field::amount, claim.amount);
  to.drops(field::balance, claim.balance);
  if (claim.fee) to.drops(field::fee, *claim.fee);
  to.counted(field::public_key, claim.key);
  to.counted(field::signing_public_key, {});
  to.counted(field::signature, ledger_signature(claim.key, claim.signature));
  to.counted(field::account, claim.account);
  return to.take();
}

}  // namespace claimgate::xrpl
