#include "bench/claim_streams.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <stdexcept>

#include "lib/capture/pcap_writer.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::bench {
namespace {

constexpr double sent_at_ms = 1.7e12;

// A file of datagrams from 10.93.0.2 to 10.93.0.1.
class Recording {
 public:
  explicit Recording(const std::string& file)
      : file_(file), out_(file, std::ios::binary), pcap_(out_, capture::Resolution::microseconds) {}
  void add(std::span<const std::byte> payload) { pcap_.add_udp(0, endpoints_, payload); }
  void close() {
    out_.close();
    if (!out_) throw std::runtime_error("cannot write " + file_);
  }

 private:
  const std::string file_;
  std::ofstream out_;
  capture::PcapWriter pcap_;
  packet::Endpoints endpoints_{.source_mac = {{0x02, 0, 0, 0, 0, 2}},
                               .destination_mac = {{0x02, 0, 0, 0, 0, 1}},
                               .vlan = std::nullopt,
                               .source = {.is_v6 = false, .v4 = {0x0A5D0002}, .v6 = {}},
                               .destination = {.is_v6 = false, .v4 = {0x0A5D0001}, .v6 = {}},
                               .source_port = 40'000,
                               .destination_port = wire::port_any};
};

}  // namespace

channel::ChannelTerms random_terms(std::mt19937_64& random) {
  channel::ChannelTerms terms;
  for (auto& byte : terms.id.bytes) byte = static_cast<std::byte>(random());
  terms.funded = {1'000'000'000};
  terms.valid_until = channel::never;
  return terms;
}

void write_low_claims(const std::string& file, std::span<const wire::ChannelHandle> order,
                      unsigned per_datagram) {
  Recording recording(file);
  std::mt19937_64 random(per_datagram);
  std::array<std::byte, wire::signature_bytes> signature;
  std::array<std::byte, wire::payload_bytes_max> payload;
  for (std::size_t first = 0; first < order.size(); first += per_datagram) {
    const auto n = std::min<std::size_t>(per_datagram, order.size() - first);
    for (std::size_t i = 0; i < n; ++i) {
      for (auto& byte : signature) byte = static_cast<std::byte>(random());
      wire::write_claim(payload.data() + i * wire::claim_bytes, order[first + i],
                        static_cast<std::uint32_t>(first + i), {1}, signature.data(), sent_at_ms);
    }
    recording.add({payload.data(), n * wire::claim_bytes});
  }
  recording.close();
}

std::vector<unsigned> go_round(unsigned claims, unsigned channels) {
  std::vector<unsigned> channel_of(claims);
  for (unsigned i = 0; i < claims; ++i) channel_of[i] = i % channels;
  return channel_of;
}

std::vector<unsigned> choose_evenly(unsigned claims, unsigned channels) {
  std::mt19937_64 random(1);
  std::vector<unsigned> channel_of(claims);
  for (auto& channel : channel_of) channel = static_cast<unsigned>(random() % channels);
  return channel_of;
}

std::vector<unsigned> choose_by_zipf(unsigned claims, unsigned channels) {
  std::vector<double> upto(channels);  // by rank: the sum of the weights up to and with it
  double sum = 0;
  for (unsigned rank = 0; rank < channels; ++rank) upto[rank] = sum += 1.0 / (rank + 1);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> below_sum(0, sum);
  std::vector<unsigned> channel_of(claims);
  for (auto& channel : channel_of) {
    const auto at = std::ranges::upper_bound(upto, below_sum(random)) - upto.begin();
    channel = std::min(static_cast<unsigned>(at), channels - 1);
  }
  return channel_of;
}

SignedClaims write_good_claims(const std::string& file, unsigned seed, channel::KeyType type,
                               std::span<const unsigned> channel_of, unsigned per_datagram) {
  SignedClaims out;
  std::mt19937_64 random(seed);
  std::vector<signing::KeyPair> pairs;
  for (unsigned i = 0; i <= std::ranges::max(channel_of); ++i) {
    pairs.push_back(signing::KeyPair::derive(seed, i, type));
    out.terms.push_back(random_terms(random));
    out.terms.back().key = pairs.back().public_key();
  }
  Recording recording(file);
  std::array<std::byte, wire::payload_bytes_max> payload;
  for (unsigned i = 0; i < channel_of.size(); ++i) {
    const unsigned at = channel_of[i];
    const wire::Drops amount{1 + i};
    const auto signature = pairs[at].sign(out.terms[at].id, amount);
    wire::write_claim(payload.data() + i % per_datagram * wire::claim_bytes,
                      out.terms[at].id.handle(), i, amount, signature.data(), sent_at_ms);
    if ((i + 1) % per_datagram == 0) {
      recording.add({payload.data(), per_datagram * wire::claim_bytes});
    }
    out.claims.push_back({at, signature, amount});
  }
  recording.close();
  return out;
}

}  // namespace claimgate::bench
