// A plan as a capture file: the frames that `claimgen run` would send, at the times of a schedule,
// and where wished the replies that an appliance gives which receives all of them in order.
//
// Streaming: signs a stretch on all threads, writes it, and goes on; what is kept is the plan, one
// stretch, and the replies that are not yet due. Control thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "apps/claimgen/channels.hpp"
#include "apps/claimgen/plan.hpp"
#include "apps/claimgen/schedule.hpp"
#include "apps/claimgen/stop.hpp"
#include "lib/capture/pcap_writer.hpp"
#include "lib/failure/failure.hpp"
#include "lib/packet/build.hpp"

namespace claimgate::claimgen {

struct CaptureOptions {
  ScheduleOptions schedule{.claims_per_s = 10'000};  // one worker verifies more
  // 2025-01-01T00:00:00Z: fixed, so that a file follows from its options.
  std::uint64_t start_unix_s = 1'735'689'600;
  std::optional<std::uint64_t> verdict_delay_ns;  // nothing: requests only
  capture::Resolution resolution = capture::Resolution::microseconds;
  bool shard_ports = false;
};

// The MACs of a capture whose options name none: locally administered, ours and claimd's.
inline constexpr const char* capture_local_mac = "02:00:00:00:00:02";
inline constexpr const char* capture_peer_mac = "02:00:00:00:00:01";

inline constexpr std::uint64_t verdict_delay_ns_max = 3'600 * capture::second_ns;

struct CaptureSummary {
  std::uint64_t requests = 0;
  std::uint64_t replies = 0;
  std::uint64_t bytes = 0;        // of the file
  std::uint64_t duration_ns = 0;  // first frame to last
  bool stopped = false;           // the file is not whole
};

// Writes all of `plan` to `out`. Fails on options out of range, and where `out` takes no more.
// Precondition: `set` was made from the options that the plan was made for.
[[nodiscard]] Expected<CaptureSummary> write_capture(
    std::ostream& out, const CaptureOptions& options, const packet::Endpoints& endpoints,
    const Plan& plan, const ChannelSet& set, unsigned threads, const StopFlag& stop, bool quiet);

// Claims by the verdict that they get where all arrive once and in order.
[[nodiscard]] std::array<std::uint64_t, wire::code_count> expected_codes(const Plan& plan);

// What was written, for people and for programs.
[[nodiscard]] std::string text_summary(const CaptureSummary& summary, const CaptureOptions& options,
                                       const Plan& plan, const packet::Endpoints& endpoints);
[[nodiscard]] std::string json_summary(const CaptureSummary& summary, const CaptureOptions& options,
                                       const Plan& plan, const packet::Endpoints& endpoints);

}  // namespace claimgate::claimgen
