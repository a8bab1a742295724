// Whole numbers of any size (GMP), between the forms that claims and kernels have them in.
#pragma once

#include <gmpxx.h>

#include <array>
#include <cstdint>
#include <span>

namespace claimgate::secp::test {

using Number = mpz_class;

inline const Number field_p("0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f");
inline const Number order_n("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
// lambda·(x, y) = (beta·x, y)
inline const Number lambda("0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72");
inline const Number beta("0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee");

inline Number power_of_two(unsigned exponent) {
  return Number(1) << exponent;
}

// 0 .. m - 1.
inline Number modulo(const Number& a, const Number& m) {
  Number out;
  mpz_mod(out.get_mpz_t(), a.get_mpz_t(), m.get_mpz_t());
  return out;
}
inline Number inverse_of(const Number& a, const Number& m) {
  Number out;
  mpz_invert(out.get_mpz_t(), a.get_mpz_t(), m.get_mpz_t());
  return out;
}

// Words, least significant first.
inline Number of_words(std::span<const std::uint64_t> words) {
  Number out;
  mpz_import(out.get_mpz_t(), words.size(), -1, 8, 0, 0, words.data());
  return out;
}
template <std::size_t count>
std::array<std::uint64_t, count> words_of(const Number& a) {
  std::array<std::uint64_t, count> out{};
  if (mpz_sizeinbase(a.get_mpz_t(), 2) <= 64 * count) {
    mpz_export(out.data(), nullptr, -1, 8, 0, 0, a.get_mpz_t());
  }
  return out;
}
// Limbs of 52 bits, as they come, least significant first.
inline Number of_limbs(std::span<const std::uint64_t, 5> limbs) {
  Number out = 0;
  for (unsigned i = 5; i-- > 0;) out = (out << 52) + of_words(limbs.subspan(i, 1));
  return out;
}

inline Number of_bytes(std::span<const unsigned char> big_endian) {
  Number out;
  mpz_import(out.get_mpz_t(), big_endian.size(), 1, 1, 1, 0, big_endian.data());
  return out;
}
// 32 bytes, big endian. Precondition: 0 <= a < 2^256.
inline void put_bytes(unsigned char* out, const Number& a) {
  const auto words = words_of<4>(a);
  for (unsigned i = 0; i < 32; ++i) {
    out[i] = static_cast<unsigned char>(words[3 - i / 8] >> (56 - 8 * (i % 8)));
  }
}

// Numbers by seed: the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t word() {  // splitmix64 (Steele, Lea, Flood, 2014)
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }
  std::uint64_t below(std::uint64_t bound) { return word() % bound; }
  // 0 .. bound - 1
  Number below(const Number& bound) {
    std::array<std::uint64_t, 6> words{};
    for (auto& w : words) w = word();
    return modulo(of_words(words), bound);
  }
  // 1 .. n - 1
  Number scalar() { return below(Number(order_n - 1)) + 1; }

 private:
  std::uint64_t state_;
};

}  // namespace claimgate::secp::test
