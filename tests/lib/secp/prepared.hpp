// A batch of claims for what comes before the points, with the numbers that it is made of.
#pragma once

#include <array>
#include <vector>

#include "lib/secp/kernel.hpp"
#include "tests/lib/secp/numbers.hpp"

namespace claimgate::secp::test {

// 1 to 64 claims. r, s and the digest m are at the ends of what they may be more often than not.
class Prepared {
 public:
  explicit Prepared(Random& random)
      : signatures_(1 + random.below(64)), digests_(signatures_.size()) {
    for (std::size_t i = 0; i < signatures_.size(); ++i) {
      r.push_back(pick(random, order_n - 1));
      s.push_back(pick(random, order_n / 2));
      m.push_back(random.below(8) == 0 ? order_n : pick(random, power_of_two(256) - 1));
      if (random.below(16) == 0) m.back() = 0;
      put_bytes(signatures_[i].data(), r[i]);
      put_bytes(signatures_[i].data() + 32, s[i]);
      put_bytes(digests_[i].data(), m[i]);
      claims.push_back({signatures_[i].data(), digests_[i].data(), nullptr});
    }
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  std::vector<HotClaim> claims;
  std::vector<Number> r, s, m;

 private:
  static Number pick(Random& random, const Number& bound) {  // 1 .. bound
    const Number any = random.below(bound) + 1;
    const Number edges[] = {1, 2, bound, bound - 1, power_of_two(127), any};
    return random.below(3) == 0 ? edges[random.below(6)] : any;
  }

  std::vector<std::array<unsigned char, 64>> signatures_;
  std::vector<std::array<unsigned char, 32>> digests_;
};

}  // namespace claimgate::secp::test
