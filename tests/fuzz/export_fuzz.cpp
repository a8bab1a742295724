// libFuzzer target of what claims are exported with: a signature's two forms, compact as claims
// carry it and DER as the ledger does (lib/xrpl/signature), and the transaction that redeems a
// claim (lib/xrpl/claim_transaction).
//
// Input: a DER signature; its first 64 bytes, where there are so many, are also a compact one, and
// what follows them the rest of a transaction. What holds for each:
//   · what libsecp256k1's strict parser takes, and only that, is read, to the same r and s;
//   · ranges and low s are what libsecp256k1 says they are;
//   · each form written from the other is libsecp256k1's own, and reads back to where it came from;
//   · a transaction's text and its bytes, each read by another reader, say what it says.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <secp256k1.h>
#include <nlohmann/json.hpp>

#include "lib/xrpl/claim_transaction.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/signature.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace claimgate;
using namespace claimgate::xrpl;
using fuzz::require;
using fuzz::require_printable;
using Bytes = std::span<const std::byte>;

const unsigned char* octets(const std::byte* at) {
  return reinterpret_cast<const unsigned char*>(at);
}

CompactSignature compact_of(const secp256k1_ecdsa_signature& signature) {
  CompactSignature compact;
  secp256k1_ecdsa_signature_serialize_compact(
      secp256k1_context_static, reinterpret_cast<unsigned char*>(compact.data()), &signature);
  return compact;
}

// libsecp256k1's strict DER parser reads a scalar that is out of range as zero.
std::optional<CompactSignature> reference(Bytes der) {
  secp256k1_ecdsa_signature parsed;
  if (secp256k1_ecdsa_signature_parse_der(secp256k1_context_static, &parsed, octets(der.data()),
                                          der.size()) != 1)
    return std::nullopt;
  const CompactSignature compact = compact_of(parsed);
  const auto zero = [](std::byte byte) { return byte == std::byte{0}; };
  if (std::all_of(compact.begin(), compact.begin() + 32, zero) ||
      std::all_of(compact.begin() + 32, compact.end(), zero))
    return std::nullopt;
  return compact;
}

void require_der(Bytes der) {
  const auto ours = compact_from_der(der);
  const auto theirs = reference(der);
  require(ours.has_value() == theirs.has_value(),
          "a signature is read where libsecp256k1 reads it");
  if (!ours) return require_printable(ours.error().text());
  require(*ours == *theirs, "r and s are libsecp256k1's");
  require(std::ranges::equal(der_from_compact(ours->data()).view(), der), "DER has one form");
}

void require_compact(const std::byte* compact) {
  secp256k1_ecdsa_signature parsed, low;
  const bool in_range = secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &parsed,
                                                                octets(compact)) == 1;
  // libsecp256k1 refuses what is above the order here; zero only when it verifies.
  const bool zero = is_zero(load_scalar(compact)) || is_zero(load_scalar(compact + 32));
  require(ranges_valid(compact) == (in_range && !zero), "ranges are libsecp256k1's");
  if (!ranges_valid(compact)) return require(!canonical_compact(compact), "out of range is bad");
  const bool high = secp256k1_ecdsa_signature_normalize(secp256k1_context_static, &low, &parsed);
  require(is_low_s(compact) == !high, "low s is libsecp256k1's");
  require(canonical_compact(compact) == !high, "canonical is in range with low s");
  const DerSignature der = der_from_compact(compact);
  std::array<unsigned char, 80> theirs;
  std::size_t size = theirs.size();
  require(secp256k1_ecdsa_signature_serialize_der(secp256k1_context_static, theirs.data(), &size,
                                                  &parsed) == 1,
          "libsecp256k1 writes it");
  require(size == der.size && std::memcmp(theirs.data(), der.bytes.data(), size) == 0,
          "DER is written as libsecp256k1 writes it");
  const auto back = compact_from_der(der.view());
  require(back && std::memcmp(back->data(), compact, back->size()) == 0, "and reads back");
  // Its twin with high s: as good a signature to ECDSA, and none to the ledger.
  const CompactSignature twin = compact_of(low);
  require(canonical_compact(twin.data()), "of a signature and its twin one is canonical");
}

// ---- the transaction --------------------------------------------------------------------------

// Takes what it is asked for off the input, then zeros.
class Taker {
 public:
  explicit Taker(Bytes bytes) : left_(bytes) {}
  template <std::size_t N>
  void bytes(std::array<std::byte, N>& out) {
    const std::size_t count = std::min(N, left_.size());
    std::copy_n(left_.begin(), count, out.begin());
    left_ = left_.subspan(count);
  }
  template <class T>
  [[nodiscard]] T number() {
    std::array<std::byte, sizeof(T)> out{};
    bytes(out);
    return wire::load_be<T>(out.data());
  }

 private:
  Bytes left_;
};

ClaimTransaction transaction_of(Bytes bytes) {
  Taker from(bytes);
  ClaimTransaction out;
  from.bytes(out.signature);
  from.bytes(out.key);
  from.bytes(out.channel.bytes);
  from.bytes(out.account);
  out.amount = {1 + from.number<std::uint64_t>() % wire::drops_max.value};
  out.balance = {1 + from.number<std::uint64_t>() % out.amount.value};
  out.flags = from.number<std::uint32_t>();
  const auto present = from.number<std::uint8_t>();
  if ((present & 1) != 0) out.fee = wire::Drops{from.number<std::uint64_t>() % 100'000'000};
  if ((present & 2) != 0) out.sequence = from.number<std::uint32_t>();
  if ((present & 4) != 0) out.last_ledger_sequence = from.number<std::uint32_t>();
  return out;
}

// One of the ledger's field types: the bytes of a value without a length of its own.
std::size_t value_bytes(unsigned type, Bytes& rest) {
  switch (type) {
    case 1:  // UInt16
      return 2;
    case 2:  // UInt32
      return 4;
    case 5:  // Hash256
      return 32;
    case 6:  // Amount, of XRP
      return 8;
    case 7:  // Blob
    case 8:  // AccountID
    {
      const auto length = std::to_integer<std::size_t>(rest[0]);
      require(length <= 192, "a length is of one byte");
      rest = rest.subspan(1);
      return length;
    }
    default:
      require(false, "a field is of a type that a claim has");
      return 0;
  }
}

using Fields = std::map<std::pair<unsigned, unsigned>, std::vector<std::byte>>;

// The fields of a blob by type and number, as https://xrpl.org/serialization.html has them.
Fields fields_of(Bytes rest) {
  Fields out;
  while (!rest.empty()) {
    const auto head = std::to_integer<unsigned>(rest[0]);
    unsigned type = head >> 4, number = head & 15;
    rest = rest.subspan(1);
    if (type == 0) {
      type = std::to_integer<unsigned>(rest[0]);
      rest = rest.subspan(1);
    }
    if (number == 0) {
      number = std::to_integer<unsigned>(rest[0]);
      require(number >= 16, "a small number stands in the head");
      rest = rest.subspan(1);
    }
    const std::pair id{type, number};
    require(out.empty() || out.rbegin()->first < id, "fields stand in the ledger's order, once");
    const std::size_t length = value_bytes(type, rest);
    require(length <= rest.size(), "a value lies within the blob");
    out[id] = {rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length)};
    rest = rest.subspan(length);
  }
  return out;
}

std::string drops_text(const std::vector<std::byte>& value) {
  const auto bits = wire::load_be<std::uint64_t>(value.data());
  require(bits >> 62 == 1, "an amount is of XRP and not negative");
  return std::to_string(bits & ~(std::uint64_t{1} << 62));
}

void require_transaction(const ClaimTransaction& claim) {
  const auto text = nlohmann::json::parse(claim_json(claim), nullptr, false);
  require(text.is_object(), "the text is JSON");
  Fields blob = fields_of(claim_blob(claim));
  const auto u32 = [&](unsigned number) {
    return wire::load_be<std::uint32_t>(blob.at({2, number}).data());
  };
  require(to_hex(blob.at({1, 2})) == "000F" && text["TransactionType"] == "PaymentChannelClaim",
          "it is a claim");
  require(text["Flags"] == claim.flags && u32(2) == claim.flags, "with these flags");
  require(text["Channel"] == to_hex(claim.channel.bytes), "of the channel");
  require(to_hex(blob.at({5, 22})) == to_hex(claim.channel.bytes), "in both forms");
  require(text["Amount"] == std::to_string(claim.amount.value), "of the amount");
  require(text["Amount"] == drops_text(blob.at({6, 1})), "in both forms");
  require(text["Balance"] == std::to_string(claim.balance.value), "for the balance");
  require(text["Balance"] == drops_text(blob.at({6, 2})), "in both forms");
  require(text["PublicKey"] == to_hex(claim.key), "under the key");
  require(text["PublicKey"] == to_hex(blob.at({7, 1})), "in both forms");
  require(blob.at({7, 3}).empty(), "signed by nobody yet");
  require(parse_address(text["Account"].get<std::string>()) == claim.account, "by the account");
  require(std::ranges::equal(blob.at({8, 1}), claim.account), "in both forms");
  require(text["Signature"] == to_hex(blob.at({7, 6})), "the signature is one");
  const bool ed25519 = claim.key[0] == std::byte{0xED};
  const auto compact = ed25519 ? std::nullopt : reference(blob.at({7, 6}));
  require(
      ed25519 ? std::ranges::equal(blob.at({7, 6}), claim.signature) : compact == claim.signature,
      "and it is the claim's");
  require(text.contains("Fee") == claim.fee.has_value() &&
              blob.contains({6, 8}) == claim.fee.has_value(),
          "a fee is there where it was given");
  require(!claim.fee || (text["Fee"] == std::to_string(claim.fee->value) &&
                         text["Fee"] == drops_text(blob.at({6, 8}))),
          "as given");
  for (const auto& [name, number, given] :
       {std::tuple{"Sequence", 4U, claim.sequence},
        std::tuple{"LastLedgerSequence", 27U, claim.last_ledger_sequence}}) {
    require(
        text.contains(name) == given.has_value() && blob.contains({2, number}) == given.has_value(),
        "a number is there where it was given");
    require(!given || (text[name] == *given && u32(number) == *given), "as given");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(input), size);
  require_der(bytes);
  if (size < wire::signature_bytes) return 0;
  require_compact(bytes.data());
  const ClaimTransaction claim = transaction_of(bytes);
  if (claim.key[0] == std::byte{0xED} || ranges_valid(claim.signature.data()))
    require_transaction(claim);
  return 0;
}
