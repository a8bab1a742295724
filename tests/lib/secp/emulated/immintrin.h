// The intrinsics that lane_ifma.hpp uses, in plain C++ by Intel's description of each, so that its
// order of words and its masks can be tested on any CPU. Found before the compiler's own header by
// whoever compiles with this folder in front.
#pragma once

#include <cstdint>

struct __m256i {
  std::uint64_t v[4];
};
struct __m512i {
  std::uint64_t v[8];
};
using __mmask8 = unsigned char;

template <class F>
inline __m512i emulated(F f) {
  __m512i out;
  for (int i = 0; i < 8; ++i) out.v[i] = f(i);
  return out;
}

inline __m512i _mm512_set1_epi64(long long a) {
  return emulated([&](int) { return static_cast<std::uint64_t>(a); });
}
inline __m512i _mm512_set_epi64(long long e7, long long e6, long long e5, long long e4,
                                long long e3, long long e2, long long e1, long long e0) {
  const long long e[] = {e0, e1, e2, e3, e4, e5, e6, e7};
  return emulated([&](int i) { return static_cast<std::uint64_t>(e[i]); });
}
inline __m512i _mm512_add_epi64(__m512i a, __m512i b) {
  return emulated([&](int i) { return a.v[i] + b.v[i]; });
}
inline __m512i _mm512_sub_epi64(__m512i a, __m512i b) {
  return emulated([&](int i) { return a.v[i] - b.v[i]; });
}
inline __m512i _mm512_and_si512(__m512i a, __m512i b) {
  return emulated([&](int i) { return a.v[i] & b.v[i]; });
}
inline __m512i _mm512_or_si512(__m512i a, __m512i b) {
  return emulated([&](int i) { return a.v[i] | b.v[i]; });
}
inline __m512i _mm512_xor_si512(__m512i a, __m512i b) {
  return emulated([&](int i) { return a.v[i] ^ b.v[i]; });
}
// A count of 64 and more gives 0.
inline __m512i _mm512_slli_epi64(__m512i a, unsigned by) {
  return emulated([&](int i) { return by > 63 ? 0 : a.v[i] << by; });
}
inline __m512i _mm512_srli_epi64(__m512i a, unsigned by) {
  return emulated([&](int i) { return by > 63 ? 0 : a.v[i] >> by; });
}
// The low 32 bits of each.
inline __m512i _mm512_mul_epu32(__m512i a, __m512i b) {
  return emulated([&](int i) { return (a.v[i] & 0xFFFFFFFF) * (b.v[i] & 0xFFFFFFFF); });
}

inline __m512i _mm512_movm_epi64(__mmask8 k) {
  return emulated([&](int i) { return (k >> i & 1) != 0 ? ~std::uint64_t{0} : 0; });
}
inline __mmask8 _mm512_movepi64_mask(__m512i a) {
  unsigned out = 0;
  for (int i = 0; i < 8; ++i) out |= static_cast<unsigned>(a.v[i] >> 63) << i;
  return static_cast<__mmask8>(out);
}
inline __mmask8 _mm512_cmpeq_epi64_mask(__m512i a, __m512i b) {
  unsigned out = 0;
  for (int i = 0; i < 8; ++i) out |= (a.v[i] == b.v[i] ? 1u : 0u) << i;
  return static_cast<__mmask8>(out);
}
// The second where the mask's bit is set.
inline __m512i _mm512_mask_blend_epi64(__mmask8 k, __m512i a, __m512i b) {
  return emulated([&](int i) { return (k >> i & 1) != 0 ? b.v[i] : a.v[i]; });
}

// Of the low 52 bits of two factors the low and the high 52 bits, added to 64.
inline std::uint64_t product_of_52(std::uint64_t a, std::uint64_t b, int by) {
  constexpr std::uint64_t low = (std::uint64_t{1} << 52) - 1;
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{a & low} * (b & low) >> by) & low;
}
inline __m512i _mm512_madd52lo_epu64(__m512i x, __m512i y, __m512i z) {
  return emulated([&](int i) { return x.v[i] + product_of_52(y.v[i], z.v[i], 0); });
}
inline __m512i _mm512_madd52hi_epu64(__m512i x, __m512i y, __m512i z) {
  return emulated([&](int i) { return x.v[i] + product_of_52(y.v[i], z.v[i], 52); });
}

inline __m256i _mm256_loadu_si256(const __m256i* at) {
  __m256i out;
  __builtin_memcpy(&out, at, sizeof out);
  return out;
}
inline __m512i _mm512_loadu_si512(const void* at) {
  __m512i out;
  __builtin_memcpy(&out, at, sizeof out);
  return out;
}
inline void _mm512_storeu_si512(void* at, __m512i a) {
  __builtin_memcpy(at, &a, sizeof a);
}
// What is above is not defined; something that would be seen.
inline __m512i _mm512_castsi256_si512(__m256i a) {
  return emulated([&](int i) { return i < 4 ? a.v[i] : 0xBADBADBADBADBADB; });
}
inline __m512i _mm512_inserti64x4(__m512i a, __m256i b, int half) {
  return emulated([&](int i) { return i / 4 == half ? b.v[i % 4] : a.v[i]; });
}
// In each 128 bits: the lower, or the upper, words of both.
inline __m512i _mm512_unpacklo_epi64(__m512i a, __m512i b) {
  return emulated([&](int i) { return i % 2 == 0 ? a.v[i] : b.v[i - 1]; });
}
inline __m512i _mm512_unpackhi_epi64(__m512i a, __m512i b) {
  return emulated([&](int i) { return i % 2 == 0 ? a.v[i + 1] : b.v[i]; });
}
// Bits 0 to 2 of an index say which word, bit 3 of which.
inline __m512i _mm512_permutex2var_epi64(__m512i a, __m512i index, __m512i b) {
  return emulated([&](int i) { return ((index.v[i] & 8) != 0 ? b : a).v[index.v[i] & 7]; });
}
