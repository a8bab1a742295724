#include "bench/engine_figures.hpp"

#include <array>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "bench/measure/program.hpp"
#include "bench/measure/slices.hpp"

namespace claimgate::bench {
namespace {

constexpr unsigned unmeasured_claims = 2048;  // a round: what they need is in the caches then
constexpr unsigned hot_claims = 4096;         // a round
constexpr unsigned new_keys = 1024;           // a round, and as many hot claims
constexpr unsigned warm_up_claims = 32'768;   // between two looks
// Longer than the half-life of the keys' counts with the engine's usual memory (KEY_POOL.md): just
// after one has passed no key's count may suffice for a large table, and nothing is built for a
// while.
constexpr std::uint64_t quiet_claims = 13 * warm_up_claims;
constexpr unsigned tries_max = 100;                            // for a slice left in peace
constexpr std::uint32_t new_numbers = std::uint32_t{1} << 16;  // then they come round

// What this process keeps in memory, huge pages included.
std::size_t resident_bytes() {
  std::ifstream file("/proc/self/status");
  std::size_t kib = 0, value = 0;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("VmRSS:") && !line.starts_with("HugetlbPages:")) continue;
    value = std::stoull(line.substr(line.find(':') + 1));
    kib += value;
  }
  return kib << 10;
}

const std::byte* bytes(const unsigned char* at) {
  return reinterpret_cast<const std::byte*>(at);
}

}  // namespace

EngineFigures::EngineFigures(const std::string& kernel, const Libsecp256k1& libsecp256k1,
                             ClaimSet& hot, const Report& report)
    : libsecp256k1_(libsecp256k1),
      hot_(hot),
      resident_before_(bench::resident_bytes()),
      engine_(need(secp::Engine::create(
          {.kernel = kernel, .keys_max = static_cast<std::uint32_t>(hot.keys()) + new_numbers}))),
      resident_bytes_(bench::resident_bytes() - resident_before_),
      keys_(new_keys),
      claims_(new_keys) {
  for (const std::string& remark : engine_.remarks()) report.warn("engine: " + remark);
  if (engine_.pool_counters() == nullptr) throw std::runtime_error("the engine has no kernel");
}

std::string EngineFigures::Shares::text() const {
  const auto all = static_cast<double>(large + small + cold + reference) / 100;
  return fmt::format(
      "by large tables {:.1f} %, small ones {:.1f} %, cold {:.1f} %, libsecp256k1 "
      "{:.1f} %",
      static_cast<double>(large) / all, static_cast<double>(small) / all,
      static_cast<double>(cold) / all, static_cast<double>(reference) / all);
}

EngineFigures::Shares EngineFigures::decided() const {
  const secp::EngineCounters& counters = engine_.counters();
  return {counters.hot_large.value(), counters.hot_small.value(), counters.cold.value(),
          counters.reference.value()};
}

void EngineFigures::add_hot(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const EcdsaClaim& claim = hot_.take(1).front();
    submissions_.push_back({{.signature = bytes(claim.signature.data()),
                             .digest = bytes(claim.digest.data()),
                             .key = bytes(hot_.key_of(claim).point.data()),
                             .key_number = claim.key},
                            claim.good});
  }
}

std::optional<double> EngineFigures::run(std::span<const Submission> all) {
  answers_.assign(all.size(), 0);
  std::size_t in = 0, out = 0;
  std::array<bool, secp::Engine::lanes_max> results;
  const auto turn = [&] {
    while (in < all.size() && engine_.free_lanes() > 0) engine_.submit(all[in++].claim);
    const unsigned count = engine_.poll(results);
    for (unsigned i = 0; i < count; ++i) answers_[out++] = results[i];
    return count;
  };
  // A slice begins and ends where a batch has been answered, with all lanes taken between.
  while (turn() == 0) {
  }
  Slices slices;
  const std::uint64_t slice_cycles = 2'000'000;  // about a millisecond
  while (in < all.size()) {
    slices.add([&] {
      const std::size_t before = out;
      const std::uint64_t began = __rdtsc();
      while (turn() == 0 || (in < all.size() && __rdtsc() - began < slice_cycles)) {
      }
      return out - before;
    });
  }
  while (out < all.size()) turn();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if ((answers_[i] != 0) != all[i].good) {
      throw std::runtime_error(fmt::format("engine: {} {} a claim that libsecp256k1 does not",
                                           engine_.kernel(),
                                           answers_[i] != 0 ? "accepts" : "refuses"));
    }
  }
  if (slices.kept() == 0) return std::nullopt;
  return slices.cycles_per_unit();
}

void EngineFigures::warm_up(std::uint64_t claims_max) {
  const counter::Counter& promotions = engine_.pool_counters()->promotions;
  std::uint64_t before = promotions.value(), quiet = 0;
  while (quiet < quiet_claims && warm_up_claims_ < claims_max) {
    submissions_.clear();
    add_hot(warm_up_claims);
    static_cast<void>(run(submissions_));
    warm_up_claims_ += warm_up_claims;
    const std::uint64_t now = promotions.value();
    quiet = now == before ? quiet + warm_up_claims : 0;
    before = now;
  }
  still_warming_ = quiet < quiet_claims;
}

template <class Make>
void EngineFigures::measure(Stream& stream, ReferenceClock& reference, Make&& make) {
  stream.reference.push_back(reference.measure(hot_));
  for (unsigned tries = 0; tries < tries_max; ++tries) {
    submissions_.clear();
    make();
    const Shares before = decided();
    const auto cycles = run(submissions_);
    if (!cycles) continue;
    const Shares after = decided();
    stream.shares.large += after.large - before.large;
    stream.shares.small += after.small - before.small;
    stream.shares.cold += after.cold - before.cold;
    stream.shares.reference += after.reference - before.reference;
    stream.ours.push_back(*cycles);
    return;
  }
  throw std::runtime_error(
      "other threads take the core every millisecond: nothing can be measured");
}

void EngineFigures::measure(ReferenceClock& reference, std::mt19937_64& random) {
  submissions_.clear();
  add_hot(unmeasured_claims);
  static_cast<void>(run(submissions_));
  measure(hot_stream_, reference, [&] { add_hot(hot_claims); });
  measure(mixed_stream_, reference, [&] {
    for (unsigned i = 0; i < new_keys; ++i) {
      keys_[i] = libsecp256k1_.make_key(random);
      const std::uint32_t number =
          static_cast<std::uint32_t>(hot_.keys()) + new_keys_++ % new_numbers;
      claims_[i] = libsecp256k1_.make_claim(random, keys_[i], number, false);
      add_hot(1);
      submissions_.push_back({{.signature = bytes(claims_[i].signature.data()),
                               .digest = bytes(claims_[i].digest.data()),
                               .key = bytes(keys_[i].point.data()),
                               .key_number = number},
                              claims_[i].good});
    }
  });
}

void EngineFigures::report(const Report& report, double cycles_per_us) const {
  report.fact("engine", fmt::format("{}; {} hot keys, warmed up with {} claims{}", engine_.kernel(),
                                    hot_.keys(), warm_up_claims_,
                                    still_warming_ ? ", too few to be sure of all tables" : ""));
  struct Line {
    const char* name;
    const Stream& stream;
  };
  for (const Line& line : {Line{"engine: hot channels", hot_stream_},
                           Line{"engine: every second claim under a new key", mixed_stream_}}) {
    std::vector<double> rate;
    for (const double cycles : line.stream.ours) rate.push_back(cycles_per_us * 1e6 / cycles);
    report.row({.name = line.name,
                .summary = summarize(ratios(line.stream.reference, line.stream.ours)),
                .unit = "ratio",
                .reference = "secp256k1_ecdsa_verify",
                .note = line.stream.shares.text()});
    report.row({.name = line.name, .summary = summarize(rate), .unit = "claims/s"});
  }
  constexpr double mib = 1 << 20;
  report.row({.name = "engine: memory",
              .summary = exactly(static_cast<double>(resident_bytes_) / mib),
              .unit = "MiB"});
  report.row({.name = "engine: memory of it in tables now",
              .summary = exactly(
                  static_cast<double>(engine_.pool_counters()->table_bytes_in_use.value()) / mib),
              .unit = "MiB"});
}

}  // namespace claimgate::bench
