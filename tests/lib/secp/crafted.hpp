// Signatures that nobody meets by chance: made for the edges of ECDSA and for the exceptional cases
// of the addition formulas, each by somebody who knows how the kernels add.
#pragma once

#include <deque>
#include <vector>

#include "tests/lib/secp/paths.hpp"

namespace claimgate::secp::test {

class Crafted {
 public:
  Crafted();
  [[nodiscard]] const std::vector<Case>& cases() const { return cases_; }
  // Good claims, and one spoiled, of keys of their own.
  [[nodiscard]] const std::vector<Case>& neighbours() const { return neighbours_; }

 private:
  void second_candidates();
  void edges_of_digest_and_s();
  void infinity_and_doubling();
  void halves_that_meet();
  void accumulators_that_meet();
  void small_scalars();

  const Key& key(const secp256k1_pubkey& point, const Number& secret = 0);
  const Key& key_of(const Number& secret);
  void add(const char* what, unsigned exceptional, Case made);
  // A signature (r, s) over `digest`, for the key that makes the verification arrive at `point`.
  void add_for_point(const char* what, const secp256k1_pubkey& point, const Number& r,
                     const Number& s, const Number& digest);
  // With a second scalar or key of chance, so often that a low s comes of it.
  template <class Make>
  void add_low(const char* what, unsigned exceptional, Make make);

  Signer signer_{2};
  std::deque<Key> keys_;
  std::vector<Case> cases_, neighbours_;
};

}  // namespace claimgate::secp::test
