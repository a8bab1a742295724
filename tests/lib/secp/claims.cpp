#include "tests/lib/secp/claims.hpp"

#include <algorithm>
#include <stdexcept>

#include "lib/secp/kernels.hpp"

namespace claimgate::secp::test {

secp256k1_context* library() {
  static secp256k1_context* const made =
      secp256k1_context_create(SECP256K1_CONTEXT_VERIFY | SECP256K1_CONTEXT_SIGN);
  return made;
}

secp256k1_pubkey generator_times(const Number& k) {
  unsigned char bytes[32];
  put_bytes(bytes, k);
  secp256k1_pubkey out;
  if (secp256k1_ec_pubkey_create(library(), &out, bytes) != 1) {
    throw std::logic_error("not a secret");
  }
  return out;
}

std::optional<secp256k1_pubkey> times(const Number& k, const secp256k1_pubkey& point) {
  unsigned char bytes[32];
  put_bytes(bytes, k);
  secp256k1_pubkey out = point;
  if (k == 0 || secp256k1_ec_pubkey_tweak_mul(library(), &out, bytes) != 1) return std::nullopt;
  return out;
}

std::optional<secp256k1_pubkey> sum(const std::optional<secp256k1_pubkey>& a,
                                    const std::optional<secp256k1_pubkey>& b) {
  if (!a || !b) return a ? a : b;
  const secp256k1_pubkey* const both[] = {&*a, &*b};
  secp256k1_pubkey out;
  if (secp256k1_ec_pubkey_combine(library(), &out, both, 2) != 1) return std::nullopt;
  return out;
}

std::array<unsigned char, 64> bytes_of(const secp256k1_pubkey& point) {
  unsigned char whole[65];
  std::size_t length = sizeof whole;
  secp256k1_ec_pubkey_serialize(library(), whole, &length, &point, SECP256K1_EC_UNCOMPRESSED);
  std::array<unsigned char, 64> out;
  std::copy_n(whole + 1, 64, out.begin());
  return out;
}

Number x_of(const secp256k1_pubkey& point) {
  const auto bytes = bytes_of(point);
  return of_bytes(std::span(bytes).first(32));
}

std::optional<secp256k1_pubkey> point_with_x(const Number& x) {
  unsigned char bytes[33] = {2};
  put_bytes(bytes + 1, x);
  secp256k1_pubkey out;
  if (secp256k1_ec_pubkey_parse(library(), &out, bytes, sizeof bytes) != 1) return std::nullopt;
  return out;
}

std::array<std::uint64_t, 8> words_of_point(const secp256k1_pubkey& point) {
  const auto bytes = bytes_of(point);
  const auto x = words_of<4>(of_bytes(std::span(bytes).first(32)));
  const auto y = words_of<4>(of_bytes(std::span(bytes).last(32)));
  std::array<std::uint64_t, 8> out;
  std::ranges::copy(x, out.begin());
  std::ranges::copy(y, out.begin() + 4);
  return out;
}

Area<std::uint64_t> table_of(const Kernel& kernel, std::span<const std::uint64_t, 8> point,
                             unsigned width, unsigned windows) {
  auto table = area<std::uint64_t>(table_bytes(width, windows));
  const auto work = area<void>(kernel.build_work_bytes);
  kernel.build_begin(work.get(), point.data(), width, windows, table.get());
  while (!kernel.build_step(work.get())) {
  }
  return table;
}

const Kernel& builder() {
  return **std::ranges::find_if(kernels(), [](const Kernel* k) { return runs_here(*k); });
}

const std::uint64_t* generator_table() {
  static const auto table =
      table_of(builder(), words_of_point(generator_times(1)), generator_width, generator_windows);
  return table.get();
}

Key::Key(const secp256k1_pubkey& given, const Number& known)
    : point(given), bytes(bytes_of(given)), secret(known) {
  const auto words = words_of_point(given);
  small = table_of(builder(), words, small_width, small_windows);
  large = table_of(builder(), words, large_width, large_windows);
}

Case& Case::judged() {
  secp256k1_ecdsa_signature parsed;
  good = secp256k1_ecdsa_signature_parse_compact(library(), &parsed, signature.data()) == 1 &&
         secp256k1_ecdsa_verify(library(), &parsed, digest.data(), &key->point) == 1;
  return *this;
}

bool in_range(const Case& one) {
  const Number r = one.r(), s = one.s();
  return r > 0 && r < order_n && s > 0 && s <= order_n / 2;
}

namespace {
Case unjudged(const Key& key, const Number& r, const Number& s, const Number& digest) {
  Case made;
  made.key = &key;
  put_bytes(made.signature.data(), r);
  put_bytes(made.signature.data() + 32, s);
  put_bytes(made.digest.data(), digest);
  return made;
}
}  // namespace

Case case_of(const Key& key, const Number& r, const Number& s, const Number& digest) {
  return unjudged(key, r, s, digest).judged();
}

Signer::Signer(std::uint64_t seed) : random_(seed) {
  for (auto& nonce : nonces_) nonce = new_nonce();
}

Signer::Nonce Signer::new_nonce() {
  const Number k = random_.scalar();
  return {modulo(x_of(generator_times(k)), order_n), inverse_of(k, order_n)};
}

Case Signer::unjudged_signature(const Key& key, const Number& digest) {
  const Nonce& nonce = nonces_[random_.below(nonces_.size())];
  Number s = modulo(nonce.inverse * (digest + nonce.r * key.secret), order_n);
  if (s > order_n / 2) s = order_n - s;
  return unjudged(key, nonce.r, s, digest);
}

Case Signer::sign(const Key& key, const Number& digest) {
  return unjudged_signature(key, digest).judged();
}

Case Signer::any(std::span<const Key> keys) {
  if (random_.below(nonce_lasts) == 0) nonces_[random_.below(nonces_.size())] = new_nonce();
  Case made =
      unjudged_signature(keys[random_.below(keys.size())], random_.below(power_of_two(256)));
  if (random_.below(2) == 0) return made.judged();
  const Case before = made;
  do {
    made = before;
    const auto bit = static_cast<unsigned>(random_.below(256));
    const auto flip = static_cast<unsigned char>(1u << bit % 8);
    switch (random_.below(5)) {
      case 0:
        made.signature[bit / 8] ^= flip;
        break;
      case 1:
        made.signature[32 + bit / 8] ^= flip;
        break;
      case 2:
        made.digest[bit / 8] ^= flip;
        break;
      case 3:
        made.key = &keys[random_.below(keys.size())];
        break;
      default:
        put_bytes(made.signature.data(), random_.scalar());
        put_bytes(made.signature.data() + 32, random_.scalar() / 2 + 1);
    }
  } while (!in_range(made));
  made.what = "something changed";
  return made.judged();
}

std::optional<Case> case_of_scalars(const Key& key, const Number& u1, const Number& u2) {
  const auto point = sum(times(u1, generator_times(1)), times(u2, key.point));
  if (!point) return std::nullopt;
  const Number r = modulo(x_of(*point), order_n);
  const Number s = modulo(r * inverse_of(u2, order_n), order_n);
  if (r == 0 || s == 0 || s > order_n / 2) return std::nullopt;
  return case_of(key, r, s, modulo(u1 * s, order_n));
}

}  // namespace claimgate::secp::test
