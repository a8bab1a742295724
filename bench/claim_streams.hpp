// The claims that bench pipeline replays, in pcap files: refused ones for many channels, and signed
// ones that verify.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "lib/channel/terms.hpp"
#include "lib/signing/signing.hpp"
#include "lib/xrpl/message.hpp"

namespace claimgate::bench {

// Open for ever, funded with 1,000 XRP, without a key.
[[nodiscard]] channel::ChannelTerms random_terms(std::mt19937_64& random);

// One claim of 1 drop for each channel of `order`, with a signature of random bytes.
void write_low_claims(const std::string& file, std::span<const wire::ChannelHandle> order,
                      unsigned per_datagram);

struct SignedClaim {
  std::size_t channel;  // its place in `terms`
  signing::Signature signature;
  wire::Drops amount;
};
struct SignedClaims {
  std::vector<channel::ChannelTerms> terms;
  std::vector<SignedClaim> claims;  // each higher than the one before
};

// One claim a datagram, going round `channels` channels.
[[nodiscard]] SignedClaims write_good_claims(const std::string& file, channel::KeyType type,
                                             unsigned claims, unsigned channels);

}  // namespace claimgate::bench
