// libFuzzer target of a signature's two forms, compact as claims carry it and DER as the ledger
// does: lib/xrpl/signature against libsecp256k1.
//
// Input: a DER signature; its first 64 bytes, where there are so many, are also taken as a compact
// one. What holds for each:
//   · what libsecp256k1's strict parser takes, and only that, is read, to the same r and s;
//   · ranges and low s are what libsecp256k1 says they are;
//   · each form written from the other is libsecp256k1's own, and reads back to where it came from.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include <secp256k1.h>

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
  require(ours.has_value() == theirs.has_value(), "a signature is read where libsecp256k1 reads it");
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(input), size);
  require_der(bytes);
  if (size >= wire::signature_bytes) require_compact(bytes.data());
  return 0;
}
