// Vectors of words and elements for the tests of lanes, and which lanes run here.
#pragma once

#include <array>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "lib/secp/kernels.hpp"
#include "tests/lib/secp/lane_operations.hpp"
#include "tests/lib/secp/numbers.hpp"

namespace claimgate::secp::test {

constexpr unsigned lanes_max = 8;
using Vector = std::array<Word, lanes_max>;

struct Named {
  const char* name;
  const LaneOperations* operations;
};

inline std::vector<Named> tested_lanes(const char* test) {
  std::vector<Named> out = {{"portable", &portable_operations},
                            {"model", &model_operations},
                            {"ifma, emulated", &emulated_operations}};
  const auto add = [&](const char* name, const LaneOperations& operations, const Kernel& kernel) {
    if (runs_here(kernel)) {
      out.push_back({name, &operations});
      return;
    }
    static std::string said;
    const std::string line = "NOT RUN: " + std::string(test) + " with the lanes of " + name +
                             ": this CPU has no " + kernel.name + "\n";
    if (said.find(line) == std::string::npos) std::fputs(line.c_str(), stdout);
    said += line;
  };
  add("avx2", avx2_operations, avx2_kernel);
  add("ifma", ifma_operations, ifma_kernel);
  return out;
}

// Below `bound`, at its edges more often than not.
inline Word edge(Random& random, Word bound) {
  const Word some[] = {0,
                       1,
                       bound - 1,
                       bound - 2,
                       Word{1} << 51,
                       (Word{1} << 52) - 1,
                       (Word{1} << 32) - 1,
                       random.word(),
                       random.word(),
                       random.word() >> random.below(64)};
  const Word picked = some[random.below(std::size(some))];
  return picked < bound ? picked : picked % bound;
}

// An element of every lane: limb i of lane l at [i * lanes + l].
class Element {
 public:
  explicit Element(unsigned lanes) : lanes_(lanes), words_(5 * lanes_max) {}
  [[nodiscard]] Word* words() { return words_.data(); }
  [[nodiscard]] Word& at(unsigned limb, unsigned lane) { return words_[limb * lanes_ + lane]; }
  [[nodiscard]] std::array<Word, 5> lane(unsigned l) const {
    std::array<Word, 5> out;
    for (unsigned i = 0; i < 5; ++i) out[i] = words_[i * lanes_ + l];
    return out;
  }
  void set(unsigned l, std::span<const Word, 5> limbs) {
    for (unsigned i = 0; i < 5; ++i) at(i, l) = limbs[i];
  }
  [[nodiscard]] Number value(unsigned l) const { return of_limbs(lane(l)); }

  // Limbs of chance and at edges; in some lanes all at their highest, or all 0.
  static Element any(Random& random, unsigned lanes, Word limb_bound, Word top_bound) {
    Element out(lanes);
    for (unsigned l = 0; l < lanes; ++l) {
      const auto kind = random.below(8);
      for (unsigned i = 0; i < 5; ++i) {
        const Word bound = i < 4 ? limb_bound : top_bound;
        out.at(i, l) = kind == 0 ? bound - 1 : kind == 1 ? 0 : edge(random, bound);
      }
    }
    return out;
  }
  template <unsigned K, unsigned V>
  static Element of(Random& random, unsigned lanes) {
    return any(random, lanes, limb_bound<K>, top_bound<K, V>);
  }

 private:
  unsigned lanes_;
  std::vector<Word> words_;
};

inline Element limbs_of(const Number& value, unsigned lanes) {
  Element out(lanes);
  const Number mask = power_of_two(52) - 1;
  for (unsigned i = 0; i < 5; ++i) {
    const Number limb = i < 4 ? Number((value >> (52 * i)) & mask) : Number(value >> 208);
    for (unsigned l = 0; l < lanes; ++l) out.at(i, l) = words_of<1>(limb)[0];
  }
  return out;
}

}  // namespace claimgate::secp::test
