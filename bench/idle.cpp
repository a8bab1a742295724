// An idle claimd on a shared machine (worker.idle = "yield"): how much of a core it uses while
// nothing comes, and how soon it answers the first claim after silence. The real process on a memif
// port, with this program at the other end.
#include <rte_cycles.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "apps/claimgen/channels.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/program.hpp"
#include "lib/packet/build.hpp"
#include "tests/system/daemon.hpp"
#include "tests/system/wire.hpp"

namespace {

using namespace claimgate;
using bench::Calibration;
using system_test::Bytes;

constexpr unsigned seed = 3;
constexpr auto silence = std::chrono::seconds(2);

void rest(std::chrono::seconds time) {
  const timespec wait{.tv_sec = time.count(), .tv_nsec = 0};
  nanosleep(&wait, nullptr);
}

packet::Endpoints endpoints() {
  packet::Endpoints e;
  e.source_mac = {{2, 0, 0, 0, 0, 2}};
  e.destination_mac = {{2, 0, 0, 0, 0, 1}};
  e.source = packet::parse_ip("10.93.0.2").value();
  e.destination = packet::parse_ip("10.93.0.1").value();
  e.source_port = 40'000;
  return e;
}

Bytes claim_frame(const claimgen::Channel& payer, std::uint64_t amount) {
  Bytes payload(wire::claim_bytes);
  const auto signature = payer.keys.sign(payer.id, {amount});
  wire::write_claim(payload.data(), payer.id.handle(), static_cast<std::uint32_t>(amount), {amount},
                    signature.data(), 0);
  const auto e = endpoints();
  Bytes frame(packet::udp_payload_offset(e) + payload.size());
  if (packet::build_udp(frame, e, payload) != frame.size()) throw std::runtime_error("no frame");
  return frame;
}

// Microseconds from the first claim's sending to its verdict, which must be ACCEPTED. The reply is
// polled for without rest: what is measured is claimd's waking, not ours.
double first_answer_us(system_test::MemifWire& wire, const Bytes& frame) {
  const std::uint64_t began = rte_rdtsc();
  wire.send(frame);
  const std::uint64_t deadline = began + 2 * rte_get_tsc_hz();
  pipeline::Ticket* ticket = nullptr;
  while (wire.port().receive(&ticket, 1, 0) == 0) {
    if (rte_rdtsc() > deadline) throw std::runtime_error("no verdict within 2 s");
  }
  const std::uint64_t ended = rte_rdtsc();
  const auto read = packet::read_udp({ticket->frame, ticket->length});
  const bool accepted = read && read->payload.size() == wire::verdict_bytes &&
                        wire::read_verdict(read->payload.data()).code == wire::Code::accepted;
  wire.port().discard(&ticket, 1);
  if (!accepted) throw std::runtime_error("the verdict is not ACCEPTED");
  return static_cast<double>(ended - began) * 1e6 / static_cast<double>(rte_get_tsc_hz());
}

void measure(const bench::Options& options, const bench::Report& report) {
  const system_test::Site site;
  system_test::Daemon daemon(site, {.settings = {"worker.idle=yield"}});
  daemon.wait_ready();
  claimgen::StopFlag never{false};
  const auto set = claimgen::ChannelSet::make(
      {.seed = seed, .count = 1, .ed25519_share = 0, .destination = system_test::payee()}, 1, never,
      true);
  if (!set) throw std::runtime_error(set.error().text());
  const std::string file = site.path("channel.json");
  const auto written =
      site.claimgen({"channels", "--quiet", "--seed", std::to_string(seed), "--channels", "1",
                     "--ed25519-share", "0", "--destination", system_test::payee(), "--out", file});
  if (written.code != 0) throw std::runtime_error(written.err);
  if (const auto done = site.claimctl({"channels", "import", file}); done.code != 0) {
    throw std::runtime_error(done.out + done.err);
  }

  system_test::MemifWire wire(site);
  Calibration calibration;
  std::vector<double> cpu_percent, answers_us;
  for (unsigned round = 0; round < options.repeats; ++round) {
    calibration.measure();
    const Bytes frame = claim_frame((*set)[0], round + 1);
    const double before_s = daemon.cpu_s();
    const auto began = std::chrono::steady_clock::now();
    rest(silence);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    cpu_percent.push_back((daemon.cpu_s() - before_s) / took.count() * 100);
    answers_us.push_back(first_answer_us(wire, frame));
  }
  calibration.report(report);
  report.row({.name = "claimd's share of a core",
              .summary = bench::summarize(cpu_percent),
              .unit = "%",
              .goal = bench::at_most(5)});
  report.row({.name = "first claim after 2 s of silence",
              .summary = bench::summarize(answers_us),
              .unit = "us",
              .goal = bench::at_most(1000)});
  report.row({.name = "first claim, the slowest of all rounds",
              .summary = bench::exactly(*std::ranges::max_element(answers_us)),
              .unit = "us"});
  if (daemon.stop() != 0) throw std::runtime_error(daemon.log());
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv,
                    {.name = "idle",
                     .about = "How much of a core an idle claimd uses (worker.idle = \"yield\"), "
                              "and how soon it answers the first claim after silence",
                     .defaults = {.repeats = 21},
                     .quick_repeats = 7,
                     .measure = measure});
}
