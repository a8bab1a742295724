#include "apps/claimgen/capture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "apps/claimgen/datagram.hpp"
#include "apps/claimgen/parallel.hpp"
#include "apps/claimgen/window.hpp"

namespace claimgate::claimgen {
namespace {

using capture::second_ns;

constexpr std::size_t stretch_claims = 8'192;  // some 0.1 s of signing; 0.8 MB of frames

struct DueReply {
  std::uint64_t unix_ns;
  std::uint16_t port;  // that was asked
  std::uint16_t payload_bytes;
  std::array<std::byte, wire::claims_per_datagram_max * wire::verdict_bytes> payload;
};

Schedule schedule_of(const CaptureOptions& options, const Plan& plan) {
  return {options.schedule, plan.claims.size(), plan.datagrams.size()};
}

Expected<void> check(const CaptureOptions& options, const Plan& plan) {
  const std::uint64_t delay_ns = options.verdict_delay_ns.value_or(0);
  if (delay_ns > verdict_delay_ns_max) {
    return fail("too long a delay", "--verdicts", "Give at most an hour");
  }
  Schedule schedule = schedule_of(options, plan);
  for (std::size_t i = 1; i < plan.datagrams.size(); ++i) schedule.advance();
  if (options.start_unix_s > (capture::unix_ns_max - schedule.due_ns() - delay_ns) / second_ns) {
    return fail("the last frame would be later than a capture file can say (the year 2106)",
                fmt::format("--start {}", options.start_unix_s), "Begin earlier, or raise --rate");
  }
  return {};
}

// Writes requests and replies in the order of their times; of equal times the older request's
// frame first.
class Recorder {
 public:
  Recorder(std::ostream& out, const CaptureOptions& options, const packet::Endpoints& endpoints,
           const Plan& plan)
      : options_(options),
        endpoints_(endpoints),
        schedule_(schedule_of(options, plan)),
        pcap_(out, options.resolution) {}

  // `payload`: the datagram's claims, unstamped. `claims`: what the plan says of them, the first of
  // them being the plan's claim `first`.
  void add(std::span<std::byte> payload, std::span<const PlannedClaim> claims,
           std::uint32_t first) {
    const std::uint64_t unix_ns = options_.start_unix_s * second_ns + schedule_.due_ns();
    schedule_.advance();
    if (summary_.requests == 0) first_ns_ = unix_ns;
    flush(unix_ns);
    const double start_ms = static_cast<double>(options_.start_unix_s) * 1000;
    std::array<wire::ChannelHandle, wire::claims_per_datagram_max> handles;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      std::byte* const frame = payload.data() + i * wire::claim_bytes;
      const double stamp = stamp_of(first + static_cast<std::uint32_t>(i), start_ms);
      wire::store_be(frame + wire::offset::claim_timestamp, std::bit_cast<std::uint64_t>(stamp));
      handles[i] = wire::ClaimFrame(frame).handle();
    }
    endpoints_.destination_port =
        options_.shard_ports ? shard_port({handles.data(), claims.size()}) : wire::port_any;
    pcap_.add_udp(unix_ns, endpoints_, payload);
    ++summary_.requests;
    last_ns_ = unix_ns;
    if (options_.verdict_delay_ns) answer(unix_ns + *options_.verdict_delay_ns, payload, claims);
  }

  // The replies that are due by `unix_ns`.
  void flush(std::uint64_t unix_ns) {
    for (; !due_.empty() && due_.front().unix_ns <= unix_ns; due_.pop_front()) {
      const DueReply& reply = due_.front();
      packet::Endpoints back = packet::reversed(endpoints_);
      back.source_port = reply.port;
      pcap_.add_udp(reply.unix_ns, back, std::span(reply.payload).first(reply.payload_bytes));
      ++summary_.replies;
      last_ns_ = reply.unix_ns;
    }
  }

  [[nodiscard]] CaptureSummary summary() const {
    CaptureSummary out = summary_;
    out.bytes = pcap_.bytes();
    out.duration_ns = last_ns_ - first_ns_;
    return out;
  }

 private:
  void answer(std::uint64_t unix_ns, std::span<const std::byte> payload,
              std::span<const PlannedClaim> claims) {
    DueReply& reply = due_.emplace_back();
    reply.unix_ns = unix_ns;
    reply.port = endpoints_.destination_port;
    reply.payload_bytes = static_cast<std::uint16_t>(claims.size() * wire::verdict_bytes);
    for (std::size_t i = 0; i < claims.size(); ++i) {
      wire::write_verdict(reply.payload.data() + i * wire::verdict_bytes,
                          payload.data() + i * wire::claim_bytes, claims[i].expected, 0, 0);
    }
  }

  const CaptureOptions& options_;
  packet::Endpoints endpoints_;
  Schedule schedule_;
  capture::PcapWriter pcap_;
  std::deque<DueReply> due_;  // one delay for all, so the front is the earliest
  CaptureSummary summary_;
  std::uint64_t first_ns_ = 0, last_ns_ = 0;
};

// Whole datagrams from `first_datagram` on, about `stretch_claims` claims of them.
struct Stretch {
  std::size_t datagrams = 0;
  std::uint32_t claims = 0;
};
Stretch next_stretch(const Plan& plan, std::size_t first_datagram) {
  Stretch stretch;
  for (std::size_t at = first_datagram;
       at < plan.datagrams.size() && stretch.claims < stretch_claims; ++at) {
    ++stretch.datagrams;
    stretch.claims += plan.datagrams[at];
  }
  return stretch;
}

std::string address(packet::Mac mac, const packet::IpAddress& ip, std::string_view port) {
  const std::string text = ip.is_v6 ? fmt::format("[{}]", packet::text(ip)) : packet::text(ip);
  return fmt::format("{}:{} ({})", text, port, packet::text(mac));
}

// Where requests go, as --udp-port takes it.
std::string peer_port(const CaptureOptions& options) {
  return options.shard_ports ? "shards" : std::to_string(wire::port_any);
}

}  // namespace

Expected<CaptureSummary> write_capture(std::ostream& out, const CaptureOptions& options,
                                       const packet::Endpoints& endpoints, const Plan& plan,
                                       const ChannelSet& set, unsigned threads,
                                       const StopFlag& stop, bool quiet) {
  if (auto valid = check(options, plan); !valid) {
    return std::unexpected(valid.error());
  }
  Recorder recorder(out, options, endpoints, plan);
  Progress progress("signing, writing", plan.claims.size(), quiet);
  std::vector<std::byte> frames;
  std::uint32_t claim = 0;
  for (std::size_t datagram = 0; datagram < plan.datagrams.size();) {
    const Stretch stretch = next_stretch(plan, datagram);
    frames.resize(stretch.claims * wire::claim_bytes);
    Progress unseen("", stretch.claims, true);
    const bool complete = for_each_parallel(stretch.claims, threads, stop, unseen, [&](auto i) {
      sign_claim(frames.data() + i * wire::claim_bytes, plan, claim + static_cast<std::uint32_t>(i),
                 set);
    });
    if (!complete) {
      CaptureSummary summary = recorder.summary();
      summary.stopped = true;
      return summary;
    }
    std::span<std::byte> left = frames;
    for (const std::size_t end = datagram + stretch.datagrams; datagram < end; ++datagram) {
      const unsigned n = plan.datagrams[datagram];
      recorder.add(left.first(n * wire::claim_bytes), {plan.claims.data() + claim, n}, claim);
      left = left.subspan(n * wire::claim_bytes);
      claim += n;
    }
    if (!out) return fail("writing it failed", "the capture", "Is there room on the disk?");
    progress.update(claim);
  }
  recorder.flush(capture::unix_ns_max);
  progress.finish(claim);
  return recorder.summary();
}

std::array<std::uint64_t, wire::code_count> expected_codes(const Plan& plan) {
  std::array<std::uint64_t, wire::code_count> codes{};
  for (const PlannedClaim& claim : plan.claims) ++codes[static_cast<std::size_t>(claim.expected)];
  return codes;
}

std::string text_summary(const CaptureSummary& summary, const CaptureOptions& options,
                         const Plan& plan, const packet::Endpoints& endpoints) {
  std::string out = fmt::format(
      "{} claims in {} requests{} over {:.6f} s, {} bytes\n", plan.claims.size(), summary.requests,
      summary.replies > 0 ? fmt::format(" and {} replies", summary.replies) : "",
      static_cast<double>(summary.duration_ns) / 1e9, summary.bytes);
  out += fmt::format(
      "from {} to {}\n",
      address(endpoints.source_mac, endpoints.source, std::to_string(endpoints.source_port)),
      address(endpoints.destination_mac, endpoints.destination, peer_port(options)));
  out += "expected:";
  const auto codes = expected_codes(plan);
  for (std::size_t code = 0; code < codes.size(); ++code) {
    if (codes[code] > 0) out += fmt::format(" {} {}", wire::code_names[code], codes[code]);
  }
  return out;
}

std::string json_summary(const CaptureSummary& summary, const CaptureOptions& options,
                         const Plan& plan, const packet::Endpoints& endpoints) {
  nlohmann::ordered_json json;
  json["frames"] = summary.requests + summary.replies;
  json["requests"] = summary.requests;
  json["replies"] = summary.replies;
  json["bytes"] = summary.bytes;
  json["claims"] = plan.claims.size();
  json["channels"] = plan.finals.size();
  json["claims_per_second"] = options.schedule.claims_per_s;
  json["arrivals"] = name(options.schedule.arrivals);
  json["burst"] = options.schedule.burst;
  json["start_unix_s"] = options.start_unix_s;
  json["duration_ns"] = summary.duration_ns;
  json["timestamps"] = options.resolution == capture::Resolution::nanoseconds ? "ns" : "us";
  const auto end = [](packet::Mac mac, const packet::IpAddress& ip) {
    return nlohmann::ordered_json{{"mac", packet::text(mac)}, {"ip", packet::text(ip)}};
  };
  json["local"] = end(endpoints.source_mac, endpoints.source);
  json["local"]["port"] = endpoints.source_port;
  json["peer"] = end(endpoints.destination_mac, endpoints.destination);
  json["peer"]["port"] = peer_port(options);
  json["vlan"] = endpoints.vlan ? nlohmann::ordered_json(*endpoints.vlan) : nullptr;
  const auto codes = expected_codes(plan);
  for (std::size_t code = 0; code < codes.size(); ++code) {
    if (codes[code] > 0) json["verdicts"][std::string(wire::code_names[code])] = codes[code];
  }
  return json.dump();
}

}  // namespace claimgate::claimgen
