// The seeds of export_fuzz: the vectors' claims, their signatures in both forms, and the edges of
// both.
#include <algorithm>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "lib/xrpl/base58.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/signature.hpp"
#include "tests/fuzz/seeds.hpp"

namespace claimgate::fuzz {
namespace {

std::vector<std::byte> bytes_of(const std::string& hex) {
  std::vector<std::byte> bytes(hex.size() / 2);
  if (!xrpl::read_hex(hex, bytes)) throw std::runtime_error("bad hexadecimal: " + hex);
  return bytes;
}

void store(std::byte* at, const xrpl::Scalar& scalar) {
  for (std::size_t word = 0; word < scalar.size(); ++word)
    wire::store_be(at + 8 * word, scalar[word]);
}

// A claim as export_fuzz takes it: amount and balance less one, then flags and what is present.
std::vector<std::byte> transaction(const nlohmann::json& claim, unsigned present) {
  std::vector<std::byte> out = bytes_of(claim.at("compact_rs_hex"));
  const auto append = [&](const auto& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
  append(bytes_of(claim.at("public_key_hex")));
  append(bytes_of(claim.at("channel_id")));
  append(xrpl::parse_address(claim.at("destination").get<std::string>()).value());
  std::array<std::byte, 8 + 8 + 4 + 1 + 8 + 4 + 4> numbers{};
  wire::store_be(numbers.data(), std::stoull(claim.at("amount_drops").get<std::string>()) - 1);
  numbers[20] = static_cast<std::byte>(present);
  wire::store_be(numbers.data() + 21, std::uint64_t{12});
  wire::store_be(numbers.data() + 29, std::uint32_t{7});
  append(numbers);
  return out;
}

}  // namespace

void write_export_seeds(SeedFolder& folder, const std::filesystem::path& sources) {
  std::ifstream file(sources / "tests/vectors/xrpl-claims.json");
  const auto vectors = nlohmann::json::parse(file);
  for (const auto& claim : vectors.at("vectors")) {
    const std::string name = std::to_string(claim.at("i").get<int>());
    if (claim.at("i").get<unsigned>() % 4 == 0)
      folder.add("claim_" + name, transaction(claim, claim.at("i").get<unsigned>() / 4));
    if (claim.at("algorithm") != "secp256k1") continue;
    folder.add("der_" + name, bytes_of(claim.at("signature_hex")));
    folder.add("der_high_s_" + name, bytes_of(claim.at("high_s_twin_der_hex")));
    folder.add("compact_" + name, bytes_of(claim.at("compact_rs_hex")));
  }
  // Where the words of n and n/2 decide, one above and one below.
  const auto beside = [](xrpl::Scalar scalar, std::uint64_t add) {
    scalar[3] += add;
    return scalar;
  };
  std::size_t number = 0;
  for (const xrpl::Scalar& r : {xrpl::Scalar{0, 0, 0, 1}, beside(xrpl::group_order, ~0ULL)})
    for (const xrpl::Scalar& s : {xrpl::Scalar{}, xrpl::half_order, beside(xrpl::half_order, 1),
                                  beside(xrpl::group_order, ~0ULL), xrpl::group_order}) {
      xrpl::CompactSignature compact;
      store(compact.data(), r);
      store(compact.data() + 32, s);
      folder.add("compact_edge_" + std::to_string(number), compact);
      if (xrpl::ranges_valid(compact.data()))
        folder.add("der_edge_" + std::to_string(number),
                   xrpl::der_from_compact(compact.data()).view());
      ++number;
    }
  folder.add("der_smallest", bytes_of("3006020101020101"));
  folder.add("der_zero", bytes_of("3006020100020101"));
  folder.add("der_negative", bytes_of("3006020180020101"));
  folder.add("der_padded", bytes_of("300702020001020101"));
  folder.add("der_long_length", bytes_of("308106020101020101"));
  folder.add("der_more_behind", bytes_of("300602010102010100"));
}

}  // namespace claimgate::fuzz
