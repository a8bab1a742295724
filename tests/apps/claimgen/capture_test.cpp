// What `claimgen pcap` writes, read back without its writer: every frame through lib/packet, the
// whole through tshark where it is installed.
#include "apps/claimgen/capture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/claimgen/endpoints.hpp"
#include "apps/claimgen/window.hpp"
#include "lib/packet/dissect.hpp"
#include "tests/apps/claimgen/stream.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::claimgen {
namespace {

using capture::Resolution;

EndpointOptions ends() {
  return {.local_mac = capture_local_mac, .peer_mac = capture_peer_mac};
}

struct Frame {
  std::uint64_t unix_ns;
  std::span<const std::byte> bytes;
};

struct Capture {
  std::string file;
  CaptureSummary summary;
  std::vector<Frame> frames;

  Capture(const Stream& stream, const CaptureOptions& options,
          const EndpointOptions& endpoints = ends()) {
    std::ostringstream out;
    const auto written = write_capture(out, options, make_endpoints(endpoints).value(), stream.plan,
                                       stream.set, 2, never_stop, true);
    if (!written) throw std::runtime_error(written.error().text());
    summary = *written;
    file = std::move(out).str();
    EXPECT_EQ(summary.bytes, file.size());
    read(options.resolution == Resolution::nanoseconds ? 1 : 1000);
    EXPECT_EQ(summary.requests + summary.replies, frames.size());
  }
  Capture(const Capture&) = delete;

 private:
  void read(std::uint64_t fraction_ns) {
    const auto all = std::as_bytes(std::span(file));
    for (std::size_t at = capture::pcap_header_bytes; at < all.size();) {
      const auto word = [&](std::size_t offset) {
        return wire::load_raw<std::uint32_t>(all.data() + at + offset);
      };
      const std::size_t length = word(8);
      ASSERT_EQ(word(12), length);
      ASSERT_LE(at + capture::pcap_record_bytes + length, all.size());
      frames.push_back({word(0) * capture::second_ns + word(4) * fraction_ns,
                        all.subspan(at + capture::pcap_record_bytes, length)});
      at += capture::pcap_record_bytes + length;
    }
  }
};

bool is_request(const Frame& frame) {
  return packet::read_udp(frame.bytes).value().endpoints.source_port == 40'000;
}

TEST(Capture, every_frame_is_long_enough_and_a_request_that_claimd_takes_with_right_checksums) {
  const auto stream = make_stream(3, 40, 1500);
  const std::array<std::string, 2> ours = {"10.93.0.1/24", "fd00:93::1/64"};
  const auto claimd =
      packet::LocalAddresses::parse(packet::Mac{{2, 0, 0, 0, 0, 1}}, ours, false).value();
  EndpointOptions v6 = ends();
  v6.local_ip = "fd00:93::2";
  v6.peer_ip = "fd00:93::1";
  v6.vlan = 7;
  v6.local_mac = "02:11:22:33:44:55";
  for (const EndpointOptions& wanted : {ends(), v6}) {
    const Capture capture(*stream, {}, wanted);
    const auto endpoints = make_endpoints(wanted).value();
    ASSERT_EQ(capture.frames.size(), stream->plan.datagrams.size());
    std::size_t at = 0;
    for (const Frame& frame : capture.frames) {
      EXPECT_GE(frame.bytes.size(), packet::frame_bytes_min);
      const auto seen = packet::dissect(frame.bytes.data(), frame.bytes.size(), claimd, {});
      EXPECT_EQ(seen.drop, packet::Drop::none);
      EXPECT_EQ(seen.claims, stream->plan.datagrams[at++]);
      const auto datagram = packet::read_udp(frame.bytes);
      ASSERT_TRUE(datagram);
      EXPECT_EQ(datagram->endpoints.source_mac, endpoints.source_mac);
      EXPECT_EQ(datagram->endpoints.destination_mac, endpoints.destination_mac);
      EXPECT_EQ(datagram->endpoints.vlan, endpoints.vlan);
      EXPECT_EQ(datagram->endpoints.source, endpoints.source);
      EXPECT_EQ(datagram->endpoints.destination, endpoints.destination);
    }
  }
}

// The frames of `run` differ in nothing but the moment that timestamps count from.
TEST(Capture, carries_the_very_claims_that_run_would_send_from_that_start_on) {
  const auto stream = make_stream(4, 40, 1500);
  const CaptureOptions options;
  const Capture capture(*stream, options);
  WindowOptions limits;
  limits.unix_ms = static_cast<double>(options.start_unix_s) * 1000;
  limits.datagrams = static_cast<std::uint32_t>(stream->plan.datagrams.size());
  Window window(limits, stream->plan, stream->frames);
  for (const Frame& frame : capture.frames) {
    const auto sent = window.take(0);
    ASSERT_TRUE(sent);
    std::vector<std::byte> payload(wire::payload_bytes_max);
    payload.resize(window.write_payload(payload.data(), *sent));
    const auto datagram = packet::read_udp(frame.bytes).value();
    EXPECT_TRUE(std::ranges::equal(payload, datagram.payload));
    EXPECT_EQ(datagram.endpoints.destination_port, sent->port);
  }
}

TEST(Capture, with_shard_ports_a_datagram_of_one_shard_goes_to_that_shards_port) {
  const auto stream = make_stream(5, 40, 600);
  CaptureOptions options;
  options.shard_ports = true;
  const Capture capture(*stream, options);
  unsigned to_shards = 0, to_any = 0;
  for (const Frame& frame : capture.frames) {
    const auto datagram = packet::read_udp(frame.bytes).value();
    std::vector<unsigned> shards;
    for (std::size_t at = 0; at < datagram.payload.size(); at += wire::claim_bytes) {
      shards.push_back(wire::ClaimFrame(datagram.payload.data() + at).handle().virtual_shard());
    }
    const bool one = std::ranges::count(shards, shards.front()) == std::ssize(shards);
    EXPECT_EQ(datagram.endpoints.destination_port,
              one ? wire::port_shard_first + shards.front() : wire::port_any);
    ++(one ? to_shards : to_any);
  }
  EXPECT_GT(to_shards, 50u);
  EXPECT_GT(to_any, 50u);
}

TEST(Capture, frames_leave_by_the_schedule_to_the_nanosecond) {
  const auto stream = make_stream(6, 40, 1500);
  const std::uint64_t claims = stream->plan.claims.size();
  const std::uint64_t datagrams = stream->plan.datagrams.size();
  CaptureOptions options;
  options.start_unix_s = 4'000'000'000;
  const std::uint64_t start_ns = options.start_unix_s * capture::second_ns;
  for (const ScheduleOptions& schedule :
       {ScheduleOptions{.claims_per_s = 7'000'003},
        ScheduleOptions{.claims_per_s = 50'000, .arrivals = Arrivals::poisson, .burst = 4}}) {
    options.schedule = schedule;
    options.resolution = Resolution::nanoseconds;
    const Capture exact(*stream, options);
    options.resolution = Resolution::microseconds;
    const Capture rounded(*stream, options);
    Schedule due(schedule, claims, datagrams);
    for (std::size_t i = 0; i < exact.frames.size(); ++i, due.advance()) {
      EXPECT_EQ(exact.frames[i].unix_ns, start_ns + due.due_ns());
      EXPECT_EQ(rounded.frames[i].unix_ns, exact.frames[i].unix_ns / 1000 * 1000);
    }
    EXPECT_EQ(exact.summary.duration_ns, exact.frames.back().unix_ns - exact.frames[0].unix_ns);
  }
  options.schedule = {.claims_per_s = 1'000'000};
  options.resolution = Resolution::nanoseconds;
  const Capture even(*stream, options);
  for (std::size_t i = 0; i < even.frames.size(); ++i) {
    EXPECT_EQ(even.frames[i].unix_ns - start_ns, i * claims * 1000 / datagrams);
  }
}

TEST(Capture, equal_options_give_equal_files_whatever_the_number_of_threads) {
  CaptureOptions options;
  options.verdict_delay_ns = 1'000'000;
  const auto write = [&](std::uint64_t seed, std::uint32_t claims, unsigned threads) {
    const auto stream = make_stream(seed, 40, claims);
    std::ostringstream out;
    EXPECT_TRUE(write_capture(out, options, make_endpoints(ends()).value(), stream->plan,
                              stream->set, threads, never_stop, true));
    return std::move(out).str();
  };
  // More than are signed at a time.
  EXPECT_EQ(write(7, 9000, 1), write(7, 9000, 3));
  EXPECT_NE(write(7, 100, 1), write(8, 100, 1));
}

TEST(Capture, replies_follow_their_requests_after_the_delay_with_the_codes_of_the_plan) {
  const auto stream = make_stream(8, 40, 3000);
  CaptureOptions options;
  options.schedule.claims_per_s = 100'000;
  options.verdict_delay_ns = 250'000;
  options.shard_ports = true;
  options.resolution = Resolution::nanoseconds;
  const Capture capture(*stream, options);
  std::vector<const Frame*> requests, replies;
  for (const Frame& frame : capture.frames)
    (is_request(frame) ? requests : replies).push_back(&frame);
  ASSERT_EQ(requests.size(), stream->plan.datagrams.size());
  ASSERT_EQ(replies.size(), requests.size());
  EXPECT_TRUE(std::ranges::is_sorted(capture.frames, {}, &Frame::unix_ns));
  std::array<std::uint64_t, wire::code_count> codes{};
  std::size_t claim = 0;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(replies[i]->unix_ns, requests[i]->unix_ns + 250'000);
    EXPECT_GE(replies[i]->bytes.size(), packet::frame_bytes_min);
    const auto asked = packet::read_udp(requests[i]->bytes).value();
    const auto answered = packet::read_udp(replies[i]->bytes).value();
    EXPECT_EQ(answered.endpoints.destination_port, asked.endpoints.source_port);
    EXPECT_EQ(answered.endpoints.source_port, asked.endpoints.destination_port);
    EXPECT_EQ(answered.endpoints.source, asked.endpoints.destination);
    EXPECT_EQ(answered.endpoints.destination_mac, asked.endpoints.source_mac);
    const unsigned n = stream->plan.datagrams[i];
    ASSERT_EQ(answered.payload.size(), n * wire::verdict_bytes);
    for (unsigned j = 0; j < n; ++j, ++claim) {
      const std::byte* const at = answered.payload.data() + j * wire::verdict_bytes;
      ASSERT_TRUE(wire::is_verdict(at));
      const auto verdict = wire::read_verdict(at);
      const wire::ClaimFrame request(asked.payload.data() + j * wire::claim_bytes);
      EXPECT_EQ(verdict.code, stream->plan.claims[claim].expected);
      EXPECT_EQ(verdict.handle, request.handle());
      EXPECT_EQ(verdict.sequence, claim);
      EXPECT_EQ(verdict.amount, request.amount());
      EXPECT_EQ(wire::load_be<std::uint64_t>(at + wire::offset::verdict_timestamp),
                wire::load_be<std::uint64_t>(request.bytes() + wire::offset::claim_timestamp));
      ++codes[static_cast<std::size_t>(verdict.code)];
    }
  }
  EXPECT_EQ(codes, expected_codes(stream->plan));
}

TEST(Capture, a_reply_stands_before_a_later_request_even_with_no_delay_or_one_beyond_the_last) {
  const auto stream = make_stream(9, 10, 200);
  CaptureOptions options;
  options.verdict_delay_ns = 0;
  options.resolution = Resolution::nanoseconds;
  const Capture at_once(*stream, options);
  for (std::size_t i = 0; i < at_once.frames.size(); ++i) {
    EXPECT_EQ(is_request(at_once.frames[i]), i % 2 == 0) << i;
  }
  options.verdict_delay_ns = 3600 * capture::second_ns;
  const Capture late(*stream, options);
  const std::size_t half = late.frames.size() / 2;
  EXPECT_TRUE(std::ranges::all_of(std::span(late.frames).first(half), is_request));
  EXPECT_TRUE(std::ranges::none_of(std::span(late.frames).subspan(half), is_request));
  EXPECT_EQ(late.summary.duration_ns, late.frames.back().unix_ns - late.frames[0].unix_ns);
}

TEST(Capture, says_what_is_out_of_range_and_when_the_file_takes_no_more) {
  const auto stream = make_stream(10, 10, 100);
  const auto error = [&](const CaptureOptions& options, std::ostream& out) {
    const auto written = write_capture(out, options, make_endpoints(ends()).value(), stream->plan,
                                       stream->set, 1, never_stop, true);
    return written ? std::string() : written.error().text();
  };
  std::ostringstream out;
  CaptureOptions options;
  options.start_unix_s = 4'294'967'295;
  EXPECT_EQ(error(options, out), "") << "the last second there is";
  options.schedule.claims_per_s = 1;
  EXPECT_NE(error(options, out).find("--start"), std::string::npos);
  options = {};
  options.verdict_delay_ns = verdict_delay_ns_max + 1;
  EXPECT_NE(error(options, out).find("--verdicts"), std::string::npos);
  std::ofstream full("/dev/full", std::ios::binary);
  full.rdbuf()->pubsetbuf(nullptr, 0);
  EXPECT_NE(error({}, full).find("room on the disk"), std::string::npos);
}

TEST(Capture, its_summary_counts_what_it_wrote) {
  const auto stream = make_stream(11, 10, 300);
  CaptureOptions options;
  options.verdict_delay_ns = 1000;
  const Capture capture(*stream, options);
  const auto json = nlohmann::json::parse(
      json_summary(capture.summary, options, stream->plan, make_endpoints(ends()).value()));
  EXPECT_EQ(json["frames"], capture.frames.size());
  EXPECT_EQ(json["requests"], stream->plan.datagrams.size());
  EXPECT_EQ(json["replies"], stream->plan.datagrams.size());
  EXPECT_EQ(json["claims"], 300);
  EXPECT_EQ(json["bytes"], capture.file.size());
  EXPECT_EQ(json["peer"]["ip"], "10.93.0.1");
  std::uint64_t verdicts = 0;
  for (const auto& [code, count] : json["verdicts"].items()) verdicts += count.get<unsigned>();
  EXPECT_EQ(verdicts, 300u);
}

// ---- as Wireshark sees it ----------------------------------------------------------------------

struct Ran {
  int status;
  std::string out;
};
Ran run(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  Ran ran{.status = -1, .out = {}};
  std::array<char, 4096> some;
  for (std::size_t got; (got = fread(some.data(), 1, some.size(), pipe)) > 0;) {
    ran.out.append(some.data(), got);
  }
  ran.status = pclose(pipe);
  return ran;
}

TEST(Capture, tshark_reads_it_to_the_nanosecond_and_finds_nothing_wrong) {
  if (run("command -v tshark").status != 0) {
    std::puts("NOT RUN: claimgen capture read by tshark: tshark is missing");
    GTEST_SKIP();
  }
  const auto stream = make_stream(12, 40, 2000);
  CaptureOptions options;
  options.schedule.claims_per_s = 3'000'000;
  options.verdict_delay_ns = 12'345;
  for (const Resolution resolution : {Resolution::microseconds, Resolution::nanoseconds}) {
    options.resolution = resolution;
    const Capture capture(*stream, options);
    const ScratchFolder scratch;
    const std::string path = scratch.file("claims.pcap");
    std::ofstream(path, std::ios::binary) << capture.file;
    // Claims are no other protocol that happens to look like them, so: plain data.
    const std::string tshark = "tshark -n -r " + path +
                               " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE"
                               " -d udp.port==9300,data 2>&1 >" +
                               scratch.file("out") + " ";
    const Ran fields = run(tshark + "-T fields -e frame.time_epoch -e frame.len");
    EXPECT_EQ(fields.status, 0) << fields.out;
    std::ifstream lines(scratch.file("out"));
    std::size_t seen = 0;
    for (std::string time, length; lines >> time >> length; ++seen) {
      ASSERT_LT(seen, capture.frames.size());
      const Frame& frame = capture.frames[seen];
      const auto nanoseconds =
          std::to_string(frame.unix_ns % capture::second_ns + capture::second_ns);
      EXPECT_EQ(time,
                std::to_string(frame.unix_ns / capture::second_ns) + "." + nanoseconds.substr(1));
      EXPECT_EQ(length, std::to_string(frame.bytes.size()));
    }
    EXPECT_EQ(seen, capture.frames.size());
    const Ran bad = run(tshark +
                        "-Y '_ws.malformed || ip.checksum.status != \"Good\" || "
                        "udp.checksum.status != \"Good\" || frame.len < 60'");
    EXPECT_EQ(bad.status, 0) << bad.out;
    std::ostringstream complaints;
    complaints << std::ifstream(scratch.file("out")).rdbuf();
    EXPECT_EQ(complaints.str(), "");
  }
}

}  // namespace
}  // namespace claimgate::claimgen
