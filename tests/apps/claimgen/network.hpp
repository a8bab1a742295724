// A plan's way from a window to an appliance and back, over simulated time: the appliance decides
// by the protocol, the network loses, delays, repeats and reorders, and both can stall.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "apps/claimgen/random.hpp"
#include "apps/claimgen/window.hpp"
#include "tests/apps/claimgen/stream.hpp"

namespace claimgate::claimgen {

// The protocol over plain numbers: what a claim's signature is worth is taken from the plan, the
// rest from the frame (plan_test holds the plan against real verification).
class Appliance {
 public:
  explicit Appliance(const Stream& stream) : stream_(stream), held_(stream.plan.finals.size()) {}

  wire::Code decide(const std::byte* bytes) {
    const wire::ClaimFrame frame(bytes);
    const PlannedClaim& planned = stream_.plan.claims[frame.sequence()];
    const std::uint64_t amount = frame.amount().value;
    if (frame.malformed()) return wire::Code::malformed;
    if (planned.kind == Kind::unknown) return wire::Code::unknown_channel;
    if (amount > stream_.channels.funded_drops) return wire::Code::over_funds;
    std::uint64_t& held = held_[planned.channel];
    if (amount < held) return wire::Code::stale;
    if (!can_advance(planned.kind)) return wire::Code::bad_signature;
    if (amount == held) return wire::Code::duplicate;
    held = amount;
    return wire::Code::accepted;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& held() const { return held_; }

 private:
  const Stream& stream_;
  std::vector<std::uint64_t> held_;
};

// What can befall a datagram, per thousand.
struct Weather {
  unsigned lose_request = 0;
  unsigned lose_reply = 0;
  unsigned delay = 0;  // a request that arrives late, behind others
  unsigned busy = 0;   // per claim
  bool reorder_replies = false;
  bool coalesce = false;  // the appliance answers COVERED below a higher amount of the datagram
  std::uint64_t transit_ns = 0;  // of every request
};

// When somebody does nothing at all: from..to.
struct Stall {
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = 0;
  [[nodiscard]] bool covers(std::uint64_t now_ns) const {
    return now_ns >= from_ns && now_ns < to_ns;
  }
};

// Carries a plan from a window to an appliance and back, one microsecond per step.
class Network {
 public:
  using Tamper = std::function<void(std::uint32_t claim, std::byte* verdict)>;

  Network(const Stream& stream, const WindowOptions& options, Weather weather, std::uint64_t seed)
      : appliance_(stream),
        window_(options, stream.plan, stream.frames),
        weather_(weather),
        random_(seed) {}

  void tamper(Tamper tamper) { tamper_ = std::move(tamper); }
  void stall_appliance(Stall stall) { appliance_stall_ = stall; }
  void stall_client(Stall stall) { client_stall_ = stall; }

  void run() {
    for (std::uint64_t round = 0; !window_.done() && !window_.silent(); ++round) {
      ASSERT_LT(round, 50'000'000u) << "the window does not end";
      now_ns_ += 1000;
      if (!client_stall_.covers(now_ns_)) {
        while (const auto out = window_.take(now_ns_)) send(*out);
      }
      if (!appliance_stall_.covers(now_ns_)) deliver_requests();
      if (!client_stall_.covers(now_ns_)) deliver_replies();
    }
    if (window_.done()) window_.check_finals();
  }

  Window& window() { return window_; }
  const Appliance& appliance() const { return appliance_; }

 private:
  using Bytes = std::vector<std::byte>;
  struct Request {
    std::uint64_t at_ns;
    std::uint16_t port;
    Bytes payload;
  };
  bool chance(unsigned per_thousand) { return random_.below(1000) < per_thousand; }

  void send(const Outgoing& out) {
    Bytes payload(wire::payload_bytes_max);
    payload.resize(window_.write_payload(payload.data(), out));
    ASSERT_EQ(payload.size(), out.claims.size() * wire::claim_bytes);
    if (chance(weather_.lose_request)) return;
    const std::uint64_t late_ns = chance(weather_.delay) ? random_.below(300'000) : 0;
    requests_.push_back({now_ns_ + weather_.transit_ns + late_ns, out.port, std::move(payload)});
  }

  void deliver_requests() {
    for (std::size_t left = requests_.size(); left > 0; --left) {
      Request request = std::move(requests_.front());
      requests_.pop_front();
      if (request.at_ns > now_ns_) {
        requests_.push_back(std::move(request));
        continue;
      }
      std::vector<wire::Code> codes;
      for (std::size_t at = 0; at < request.payload.size(); at += wire::claim_bytes) {
        codes.push_back(chance(weather_.busy) ? wire::Code::busy
                                              : appliance_.decide(request.payload.data() + at));
      }
      if (weather_.coalesce) coalesce(request.payload, codes);
      Bytes reply;
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::byte* claim = request.payload.data() + i * wire::claim_bytes;
        std::byte verdict[wire::verdict_bytes];
        wire::write_verdict(verdict, claim, codes[i], 0, codes[i] == wire::Code::busy ? 1 : 0);
        if (tamper_) tamper_(wire::ClaimFrame(claim).sequence(), verdict);
        reply.insert(reply.end(), verdict, verdict + sizeof verdict);
      }
      if (!chance(weather_.lose_reply)) replies_.push_back({now_ns_, request.port, reply});
    }
  }

  static void coalesce(const Bytes& payload, std::vector<wire::Code>& codes) {
    const auto frame = [&](std::size_t i) {
      return wire::ClaimFrame(payload.data() + i * wire::claim_bytes);
    };
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (codes[i] != wire::Code::accepted && codes[i] != wire::Code::bad_signature) continue;
      for (std::size_t j = i + 1; j < codes.size(); ++j) {
        if (codes[j] == wire::Code::accepted && frame(j).handle() == frame(i).handle() &&
            frame(j).amount() > frame(i).amount()) {
          codes[i] = wire::Code::covered;
        }
      }
    }
  }

  void deliver_replies() {
    while (!replies_.empty()) {
      if (weather_.reorder_replies) {
        std::swap(replies_.front(), replies_[random_.below(replies_.size())]);
        if (chance(500)) return;
      }
      window_.settle(replies_.front().payload, replies_.front().port, now_ns_);
      replies_.pop_front();
    }
  }

  Appliance appliance_;
  Window window_;
  Weather weather_;
  Random random_;
  Tamper tamper_;
  Stall appliance_stall_, client_stall_;
  std::deque<Request> requests_, replies_;
  std::uint64_t now_ns_ = 0;
};

inline constexpr WindowOptions quick{
    .datagrams = 16, .timeout_ns = 50'000, .retries = 200, .unix_ms = 1.7e12};

inline std::string complaints(const Window& window) {
  std::string out;
  for (const Mismatch& each : window.mismatches()) {
    out += (each.claim ? std::to_string(*each.claim) : "-") + ": expected " + each.expected +
           ", got " + each.got + "\n";
  }
  return out;
}

}  // namespace claimgate::claimgen
