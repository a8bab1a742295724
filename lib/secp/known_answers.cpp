#include "lib/secp/known_answers.hpp"

#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/secp/reference.hpp"

namespace claimgate::secp {
namespace {

template <std::size_t count>
struct Hex {
  std::array<unsigned char, count> bytes;
  consteval Hex(const char* text) : bytes() {
    const auto digit = [](char c) {
      return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    };
    for (std::size_t i = 0; i < count; ++i) {
      bytes[i] = static_cast<unsigned char>(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    }
  }
};

struct Known {
  Hex<64> signature;
  Hex<32> digest;
  Hex<64> key;
};
// Key, message and nonce: SHA-256 of "claimgate known answer key 1" and so on; worked out in plain
// affine arithmetic by another program, and libsecp256k1 accepts them (tests/lib/secp).
constexpr std::array<Known, known_keys> known = {{
    {"d5ca604fe2bd1cb5b3de9c37bba1bfbc9a5ca0c2f6b228380f3ff39f159ab4e6"
     "379437a01dff7337b03d77dfb30d87e7d636434d29079e58f58331a82d39f2b5",
     "0a7d600e0ad15d062d2ca11cd5d4319df50ad60646df6f374f822fd66ea4f0a8",
     "d1f16a2fd16c544e2b6de6fc3fa8c3685d9b5bdf443e3ee46c03fb4937a7db89"
     "2956beff7bbaadff0a9aa8ccc89392d15f8ec8c183c7c51a794ff9797bc41657"},
    {"272aae23a06c8d8b036d9eb57ea57da05bc4028a9569a904ca6e19866ba234fb"
     "59bf7eb80b44bcfc9426507972d308f4609dc63d95c8c318700f64b611f316b4",
     "e500099d9b43eb44871909ff74cb27f76370b0db079f1dc588b20203b3abb20d",
     "b2fc3508a0c7d9cc91ecabcb5fe0d7a7bb51bf4a744b752d03814edd8d744306"
     "901d3eba02a362edf072208cfe131fe4df72893e8f4d899a137ab6963596db62"},
    {"50e11c0e97db34844ebe1df43f0e211820a019f43518a94e1e391e3678b41597"
     "4c3eac3ad3d5a4a87716326f0b306420c2b6c5277a2bf985562f4bea204699a3",
     "a29ff88343dde7c29b9ec003a34f43a37dae720f33e7d8ad6645cf024501dcb9",
     "a419422ad06668667b495a92ca8fc98013631a879f65817891c075a1bce7e158"
     "2fb4af1420f2fcc056417b8efb14725ef08003724dba46bfeae39bfff194fbb6"},
}};

constexpr unsigned batch_max = 64;

// Claim i is known[i % 3]; every fourth one has its neighbour's digest, which is to be refused.
const unsigned char* digest_of(unsigned i) noexcept {
  return known[(i % 4 == 3 ? i + 1 : i) % known_keys].digest.bytes.data();
}
bool is_right(unsigned i, std::uint8_t verdict) noexcept {
  return verdict == (i % 4 == 3 ? refused : accepted);
}

HotClaim hot_claim(unsigned i, const std::uint64_t* tables, std::size_t bytes) noexcept {
  return {known[i % known_keys].signature.bytes.data(), digest_of(i),
          tables + i % known_keys * (bytes / sizeof(std::uint64_t))};
}
ColdClaim cold_claim(unsigned i) noexcept {
  return {known[i % known_keys].signature.bytes.data(), digest_of(i),
          known[i % known_keys].key.bytes.data()};
}

template <class Claim>
void run(const Kernel::Batch<Claim>& batch, const Workplace& at, const Claim* claims,
         unsigned count, std::uint8_t* verdicts) noexcept {
  batch.begin(at.batch, claims, count, at.generator, false);
  while (!batch.step(at.batch, verdicts)) {
  }
}

constexpr std::size_t small_bytes = table_bytes(small_width, small_windows);
constexpr std::size_t large_bytes = table_bytes(large_width, large_windows);

template <class Claim, class Make>
bool answers(const Kernel::Batch<Claim>& batch, const Workplace& at, unsigned count,
             Make make) noexcept {
  std::array<Claim, batch_max> claims;
  std::array<std::uint8_t, batch_max> verdicts;
  for (unsigned i = 0; i < count; ++i) claims[i] = make(i);
  run(batch, at, claims.data(), count, verdicts.data());
  for (unsigned i = 0; i < count; ++i) {
    if (!is_right(i, verdicts[i])) return false;
  }
  return true;
}

// Least of several: what others do to the machine only adds.
template <class Work>
std::uint32_t cycles(Work work) noexcept {
  std::uint64_t least = ~std::uint64_t{0};
  for (unsigned i = 0; i < 5; ++i) {
    const std::uint64_t began = __rdtsc();
    work();
    least = std::min<std::uint64_t>(least, __rdtsc() - began);
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(least, 0x7FFF'FFFF));
}

}  // namespace

void words_of_key(std::uint64_t out[8], const std::byte* key) noexcept {
  for (unsigned coordinate = 0; coordinate < 2; ++coordinate) {
    for (unsigned word = 0; word < 4; ++word) {
      std::uint64_t bytes;
      std::memcpy(&bytes, key + 32 * coordinate + 8 * (3 - word), 8);
      out[4 * coordinate + word] = __builtin_bswap64(bytes);
    }
  }
}

void build(const Kernel& kernel, void* work, const std::uint64_t point[8], unsigned width,
           unsigned windows, std::uint64_t* table) noexcept {
  kernel.build_begin(work, point, width, windows, table);
  while (!kernel.build_step(work)) {
  }
}

std::string_view fault_of(const Workplace& at) noexcept {
  const Kernel& kernel = at.kernel;
  for (unsigned i = 0; i < known_keys; ++i) {
    std::uint64_t point[8];
    words_of_key(point, reinterpret_cast<const std::byte*>(known[i].key.bytes.data()));
    build(kernel, at.build, point, small_width, small_windows, at.small + i * small_bytes / 8);
    build(kernel, at.build, point, large_width, large_windows, at.large + i * large_bytes / 8);
  }
  const auto small = [&](unsigned i) { return hot_claim(i, at.small, small_bytes); };
  const auto large = [&](unsigned i) { return hot_claim(i, at.large, large_bytes); };
  for (const unsigned count : {5u, kernel.hot_small.batch}) {
    if (!answers(kernel.hot_small, at, count, small)) return "small tables";
    if (!answers(kernel.hot_large, at, count, large)) return "large tables";
  }
  for (const unsigned count : {5u, kernel.cold.batch}) {
    if (!answers(kernel.cold, at, count, cold_claim)) return "without tables";
  }
  for (unsigned i = 0; i < 8; ++i) {
    if (!is_right(i, kernel.one_small(small(i), at.generator))) return "one claim, small table";
    if (!is_right(i, kernel.one_large(large(i), at.generator))) return "one claim, large table";
  }
  return {};
}

Measured measure(const Workplace& at, const Reference& reference) noexcept {
  const Kernel& kernel = at.kernel;
  std::array<HotClaim, batch_max> small, large;
  std::array<ColdClaim, batch_max> cold;
  std::array<std::uint8_t, batch_max> verdicts;
  for (unsigned i = 0; i < batch_max; ++i) {
    small[i] = hot_claim(i, at.small, small_bytes);
    large[i] = hot_claim(i, at.large, large_bytes);
    cold[i] = cold_claim(i);
  }
  const auto batch = [&](const auto& path, const auto& claims, unsigned count) {
    return cycles([&] { run(path, at, claims.data(), count, verdicts.data()); });
  };
  const auto one = [&](auto function, const HotClaim& claim) {
    return cycles([&] { verdicts[0] = function(claim, at.generator); });
  };
  std::uint64_t point[8];
  words_of_key(point, reinterpret_cast<const std::byte*>(known[0].key.bytes.data()));
  const auto as_bytes = [](const auto& hex) {
    return reinterpret_cast<const std::byte*>(hex.bytes.data());
  };

  Measured out{};
  out.reference = cycles([&] {
    verdicts[0] = reference.verify(as_bytes(known[0].signature), as_bytes(known[0].digest),
                                   as_bytes(known[0].key))
                      ? accepted
                      : refused;
  });
  out.costs.hot_small =
      batch(kernel.hot_small, small, kernel.hot_small.batch) / kernel.hot_small.batch;
  out.costs.hot_large =
      batch(kernel.hot_large, large, kernel.hot_large.batch) / kernel.hot_large.batch;
  out.costs.cold =
      std::min(batch(kernel.cold, cold, kernel.cold.batch) / kernel.cold.batch, out.reference);
  out.costs.build_small =
      cycles([&] { build(kernel, at.build, point, small_width, small_windows, at.small); });
  out.costs.build_large =
      cycles([&] { build(kernel, at.build, point, large_width, large_windows, at.large); });
  const unsigned least = std::min(2 * kernel.lanes, kernel.hot_small.batch);
  out.one_small_max = batch(kernel.hot_small, small, least) / one(kernel.one_small, small[0]);
  out.one_large_max = batch(kernel.hot_large, large, least) / one(kernel.one_large, large[0]);
  out.cold_reference_max =
      batch(kernel.cold, cold, std::min(kernel.lanes, kernel.cold.batch)) / out.reference;
  // Where even a full batch costs more than the reference, nothing goes the cold way.
  if (out.costs.cold >= out.reference) out.cold_reference_max = ~0u;
  return out;
}

}  // namespace claimgate::secp
