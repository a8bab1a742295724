#include <array>
#include <bit>
#include <cstdint>

#include "lib/digest/kernel/kernel_of.hpp"
#include "tests/lib/digest/kernel_model.hpp"

namespace claimgate::digest {
namespace {

struct Plain {
  static constexpr unsigned lanes = 8, constant_lanes = 1;
  using V = std::array<std::uint64_t, lanes>;

  template <class Each, class... Rest>
  static V each(Each&& function, const V& first, const Rest&... rest) {
    V out;
    for (unsigned i = 0; i < lanes; ++i) out[i] = function(first[i], rest[i]...);
    return out;
  }
  static const Numbers<1>& numbers() { return numbers_of<1>; }
  static V constant(const std::uint64_t (&number)[1]) {
    V out;
    out.fill(number[0]);
    return out;
  }
  static V add(V a, V b) {
    return each([](auto x, auto y) { return x + y; }, a, b);
  }
  // FIPS 180-4, 4.1.3
  static V choose(V e, V f, V g) {
    return each([](auto x, auto y, auto z) { return (x & y) ^ (~x & z); }, e, f, g);
  }
  static V majority(V a, V b, V c, V&) {
    return each([](auto x, auto y, auto z) { return (x & y) ^ (x & z) ^ (y & z); }, a, b, c);
  }
  static V sum0(V a) {
    return each([](auto x) { return std::rotr(x, 28) ^ std::rotr(x, 34) ^ std::rotr(x, 39); }, a);
  }
  static V sum1(V e) {
    return each([](auto x) { return std::rotr(x, 14) ^ std::rotr(x, 18) ^ std::rotr(x, 41); }, e);
  }
  static V sigma0(V w) {
    return each([](auto x) { return std::rotr(x, 1) ^ std::rotr(x, 8) ^ x >> 7; }, w);
  }
  static V sigma1(V w) {
    return each([](auto x) { return std::rotr(x, 19) ^ std::rotr(x, 61) ^ x >> 6; }, w);
  }
  static void load(V* w, const Job* jobs) {
    for (unsigned lane = 0; lane < lanes; ++lane) {
      for (unsigned i = 0; i < 6; ++i) w[i][lane] = 0;
      for (unsigned at = 0; at < message_bytes; ++at) put(w, lane, at, jobs[lane].message[at]);
      put(w, lane, message_bytes, std::byte{0x80});
    }
  }
  static void store(V a, V b, V c, V d, const Job* jobs) {
    const std::array words = {a, b, c, d};
    for (unsigned lane = 0; lane < lanes; ++lane) {
      for (unsigned at = 0; at < digest_bytes; ++at) {
        jobs[lane].digest[at] = static_cast<std::byte>(words[at / 8][lane] >> (56 - at % 8 * 8));
      }
    }
  }

 private:
  static void put(V* w, unsigned lane, unsigned at, std::byte value) {
    w[at / 8][lane] |= std::to_integer<std::uint64_t>(value) << (56 - at % 8 * 8);
  }
};

}  // namespace

constinit const Kernel plain_model = {
    .name = "plain model", .word = "plain", .digest = digest_jobs<Plain, 100>};

}  // namespace claimgate::digest
