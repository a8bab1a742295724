// AVX-512's lane type, compiled with what it asks of the CPU replaced by plain C++ (Intel
// Intrinsics Guide): its constants, orders of bytes and transpositions are tested where no CPU has
// AVX-512.
#include <immintrin.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace claimgate::digest::intrinsics {

struct M512 {
  std::array<std::uint64_t, 8> n;
};
struct M256 {
  std::array<std::uint64_t, 4> n;
};

template <class Each>
M512 each(Each&& of_lane) {
  M512 out;
  for (unsigned i = 0; i < 8; ++i) out.n[i] = of_lane(i);
  return out;
}

inline M512 set1(long long value) {
  return each([&](unsigned) { return static_cast<std::uint64_t>(value); });
}
inline M512 setr(auto... values) {
  return {{static_cast<std::uint64_t>(values)...}};
}
inline M512 set4_32(std::uint32_t d, std::uint32_t c, std::uint32_t b, std::uint32_t a) {
  return each([&](unsigned i) {
    return i % 2 == 0 ? std::uint64_t{b} << 32 | a : std::uint64_t{d} << 32 | c;
  });
}
inline M512 add(M512 a, M512 b) {
  return each([&](unsigned i) { return a.n[i] + b.n[i]; });
}
inline M512 bit_or(M512 a, M512 b) {
  return each([&](unsigned i) { return a.n[i] | b.n[i]; });
}
inline M512 ror(M512 a, int by) {
  return each([&](unsigned i) { return std::rotr(a.n[i], by); });
}
inline M512 srl(M512 a, unsigned by) {
  return each([&](unsigned i) { return a.n[i] >> by; });
}
inline M512 sll(M512 a, unsigned by) {
  return each([&](unsigned i) { return a.n[i] << by; });
}
// Bit by bit: the bit of `table` whose number is a·4 + b·2 + c.
inline M512 ternary(M512 a, M512 b, M512 c, unsigned table) {
  return each([&](unsigned i) {
    std::uint64_t out = 0;
    for (unsigned bit = 0; bit < 64; ++bit) {
      const auto of = [&](const M512& x) { return static_cast<unsigned>(x.n[i] >> bit & 1); };
      out |= std::uint64_t{table >> (of(a) * 4 + of(b) * 2 + of(c)) & 1} << bit;
    }
    return out;
  });
}
inline M512 unpack(M512 a, M512 b, unsigned odd) {
  return each([&](unsigned i) { return i % 2 == 0 ? a.n[i + odd] : b.n[i - 1 + odd]; });
}
inline M512 permute(M512 a, M512 index, M512 b) {
  return each([&](unsigned i) {
    const auto from = index.n[i] % 16;
    return from < 8 ? a.n[from] : b.n[from - 8];
  });
}
// Within each 16 bytes.
inline M512 shuffle_bytes(M512 a, M512 index) {
  M512 out;
  const auto* const from = reinterpret_cast<const unsigned char*>(a.n.data());
  const auto* const by = reinterpret_cast<const unsigned char*>(index.n.data());
  auto* const to = reinterpret_cast<unsigned char*>(out.n.data());
  for (unsigned i = 0; i < 64; ++i) {
    to[i] = by[i] & 0x80 ? 0 : from[i / 16 * 16 + by[i] % 16];
  }
  return out;
}
inline M256 load_256(const M256* at) {
  M256 out;
  std::memcpy(out.n.data(), static_cast<const void*>(at), 32);
  return out;
}
inline void store_256(M256* at, M256 value) {
  std::memcpy(static_cast<void*>(at), value.n.data(), 32);
}
// What the upper half then holds is undefined.
inline M512 widen(M256 a) {
  return each([&](unsigned i) { return i < 4 ? a.n[i] : 0xBAD; });
}
inline M256 half(M512 a, unsigned which) {
  return {{a.n[which * 4], a.n[which * 4 + 1], a.n[which * 4 + 2], a.n[which * 4 + 3]}};
}
inline M512 insert(M512 a, M256 b, unsigned which) {
  return each([&](unsigned i) { return i / 4 == which ? b.n[i % 4] : a.n[i]; });
}

}  // namespace claimgate::digest::intrinsics

#undef _mm512_ror_epi64
#undef _mm512_ternarylogic_epi64
#undef _mm512_inserti64x4
#undef _mm512_extracti64x4_epi64
#undef _mm512_slli_epi64
#undef _mm512_srli_epi64
#undef _mm512_setr_epi64
#undef _mm512_set4_epi32
#define __m512i intrinsics::M512
#define __m256i intrinsics::M256
#define _mm512_set1_epi64 intrinsics::set1
#define _mm512_setr_epi64 intrinsics::setr
#define _mm512_set4_epi32 intrinsics::set4_32
#define _mm512_add_epi64 intrinsics::add
#define _mm512_or_si512 intrinsics::bit_or
#define _mm512_ror_epi64 intrinsics::ror
#define _mm512_srli_epi64 intrinsics::srl
#define _mm512_slli_epi64 intrinsics::sll
#define _mm512_ternarylogic_epi64 intrinsics::ternary
#define _mm512_unpacklo_epi64(a, b) intrinsics::unpack(a, b, 0)
#define _mm512_unpackhi_epi64(a, b) intrinsics::unpack(a, b, 1)
#define _mm512_permutex2var_epi64 intrinsics::permute
#define _mm512_shuffle_epi8 intrinsics::shuffle_bytes
#define _mm256_loadu_si256 intrinsics::load_256
#define _mm256_storeu_si256 intrinsics::store_256
#define _mm512_castsi256_si512 intrinsics::widen
#define _mm512_castsi512_si256(a) intrinsics::half(a, 0)
#define _mm512_extracti64x4_epi64 intrinsics::half
#define _mm512_inserti64x4 intrinsics::insert
// Another name: the kernel's own functions are of another type.
#define Avx512 Avx512Model

#include "lib/digest/kernel/kernel_of.hpp"
#include "lib/digest/kernel/lane_avx512.hpp"
#include "tests/lib/digest/kernel_model.hpp"

namespace claimgate::digest {

constinit const Kernel avx512_model = {
    .name = "AVX-512 model", .word = "model", .digest = digest_jobs<Avx512Model, 101>};

}  // namespace claimgate::digest
