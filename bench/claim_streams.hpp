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

// The channel of each of `claims` claims.
[[nodiscard]] std::vector<unsigned> go_round(unsigned claims, unsigned channels);
// Each as likely as any other.
[[nodiscard]] std::vector<unsigned> choose_evenly(unsigned claims, unsigned channels);
// By Zipf's law with exponent 1: the channel of rank k with a chance proportional to 1/k.
[[nodiscard]] std::vector<unsigned> choose_by_zipf(unsigned claims, unsigned channels);

// `seed` sets the channels and keys of one file apart from those of another.
[[nodiscard]] SignedClaims write_good_claims(const std::string& file, unsigned seed,
                                             channel::KeyType type,
                                             std::span<const unsigned> channel_of,
                                             unsigned per_datagram = 1);

}  // namespace claimgate::bench
