// Keys, and claims signed or crafted for them, with libsecp256k1's answer to each.
#pragma once

#include <secp256k1.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

#include "lib/secp/kernel.hpp"
#include "tests/lib/secp/numbers.hpp"

namespace claimgate::secp::test {

struct Freed {
  void operator()(void* at) const noexcept { std::free(at); }
};
// Aligned to 64 bytes.
template <class T>
using Area = std::unique_ptr<T, Freed>;
template <class T>
Area<T> area(std::size_t bytes) {
  return Area<T>(static_cast<T*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)));
}

secp256k1_context* library();

// Precondition: 0 < k < n.
secp256k1_pubkey generator_times(const Number& k);
// None at infinity. Precondition: 0 <= k < n.
std::optional<secp256k1_pubkey> times(const Number& k, const secp256k1_pubkey& point);
std::optional<secp256k1_pubkey> sum(const std::optional<secp256k1_pubkey>& a,
                                    const std::optional<secp256k1_pubkey>& b);
std::array<unsigned char, 64> bytes_of(const secp256k1_pubkey& point);  // x‖y
Number x_of(const secp256k1_pubkey& point);
// The point of this x with an even y, where the curve has one. Precondition: 0 <= x < p.
std::optional<secp256k1_pubkey> point_with_x(const Number& x);

std::array<std::uint64_t, 8> words_of_point(const secp256k1_pubkey& point);

// The table of a point, made by this kernel.
Area<std::uint64_t> table_of(const Kernel& kernel, std::span<const std::uint64_t, 8> point,
                             unsigned width, unsigned windows);
// The generator's, made once, by a kernel that runs here.
const std::uint64_t* generator_table();
const Kernel& builder();

struct Key {
  secp256k1_pubkey point;
  std::array<unsigned char, 64> bytes;
  Number secret;  // 0: not known
  Area<std::uint64_t> small, large;

  explicit Key(const secp256k1_pubkey& point, const Number& secret = 0);
  static Key of_secret(const Number& secret) { return Key(generator_times(secret), secret); }
};

struct Case {
  std::array<unsigned char, 64> signature{};
  std::array<unsigned char, 32> digest{};
  const Key* key = nullptr;
  const char* what = "";
  bool good = false;       // libsecp256k1's answer
  unsigned exceptional{};  // the paths that have to say `undecided`, as bits (paths.hpp)

  // Asks libsecp256k1.
  Case& judged();
  [[nodiscard]] Number r() const { return of_bytes(std::span(signature).first(32)); }
  [[nodiscard]] Number s() const { return of_bytes(std::span(signature).last(32)); }
};
// What a kernel is promised: 0 < r < n, 0 < s <= n/2.
bool in_range(const Case& one);

Case case_of(const Key& key, const Number& r, const Number& s, const Number& digest);

// Claims that verify, quickly: a few nonces, known secrets.
class Signer {
 public:
  explicit Signer(std::uint64_t seed);
  Case sign(const Key& key, const Number& digest);
  Case sign(const Key& key) { return sign(key, random_.below(power_of_two(256))); }
  // A claim of one of these keys: good, or with something in it changed. Nonces are renewed by and
  // by.
  Case any(std::span<const Key> keys);

  Random& random() { return random_; }

 private:
  struct Nonce {
    Number r, inverse;
  };
  static constexpr unsigned nonce_lasts = 16;  // claims of any()
  Nonce new_nonce();
  Case unjudged_signature(const Key& key, const Number& digest);

  Random random_;
  std::array<Nonce, 128> nonces_;
};

// The signature whose verification computes u1·G + u2·key, where its s is a low one.
std::optional<Case> case_of_scalars(const Key& key, const Number& u1, const Number& u2);

}  // namespace claimgate::secp::test
