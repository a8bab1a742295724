// bench verify: how many signatures a core verifies by lib/secp's kernels, beside libsecp256k1.
//
//   kernels   every one that runs here, every path, by number of keys, size of batches, state of
//             the caches; the longest pieces of work; what a table costs (kernel_figures.hpp)
//   engine    secp::Engine from submit() to poll() (engine_figures.hpp)
//
// Both sides begin with r‖s as 64 bytes and a parsed key. Interleaved round by round on one pinned
// core, with the calibration; beside each case libsecp256k1 on the same claims. Fails where any
// verdict is not libsecp256k1's.
#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "bench/cache_state.hpp"
#include "bench/ecdsa_claims.hpp"
#include "bench/engine_figures.hpp"
#include "bench/kernel_figures.hpp"
#include "bench/kernel_stand.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/machine.hpp"
#include "bench/measure/program.hpp"
#include "lib/secp/kernels.hpp"

namespace claimgate::bench {
namespace {

constexpr std::array<std::size_t, 4> key_counts = {1, 1000, 10'000, 100'000};
constexpr std::size_t usual_keys_max = 10'000;  // of large tables, too, and of all but full batches
constexpr unsigned claims_few_keys = 8192, claims_many_keys = 16'384, claims_half_broken = 4096;
constexpr std::size_t engine_keys = 1000;
constexpr std::uint64_t warm_up_claims_a_repeat = 131'072, warm_up_claims_max = 1 << 21;

void progress(const std::string& text) {
  fmt::print(stderr, "bench_verify: {}\n", text);
}

double cycles_per_us() {
  const auto began = std::chrono::steady_clock::now();
  const std::uint64_t cycles = __rdtsc();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const std::uint64_t passed = __rdtsc() - cycles;
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
  return static_cast<double>(passed) / took.count();
}

std::size_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("MemAvailable:")) return std::stoull(line.substr(13)) << 10;
  }
  return ~std::size_t{0};
}

std::vector<KernelStand> stands_of(const std::string& asked) {
  std::vector<KernelStand> stands;
  for (const secp::Kernel* kernel : secp::kernels()) {
    if (asked != "all" && asked != secp::word(*kernel)) continue;
    if (secp::runs_here(*kernel)) stands.emplace_back(*kernel);
  }
  if (stands.empty()) {
    throw std::runtime_error(
        fmt::format("no kernel \"{}\" runs here; there are all, ifma, avx2, "
                    "portable",
                    asked));
  }
  return stands;
}

// For as many keys as there are, or as memory allows.
KeyTables tables_of(const KernelStand& builder, const TableShape& shape,
                    std::span<const EcdsaKey> keys, std::size_t keys_max, const Report& report) {
  constexpr std::size_t spare_bytes = std::size_t{1} << 30;
  std::size_t count = std::min(keys.size(), keys_max);
  while (count > key_counts[1] && count * shape.bytes() + spare_bytes > available_bytes()) {
    report.warn(fmt::format("left out: {} tables of {} keys, which take {} MiB", shape.name, count,
                            count * shape.bytes() >> 20));
    count /= 10;
  }
  progress(fmt::format("building {} {} tables", count, shape.name));
  KeyTables tables(builder, shape, keys.first(count));
  report.fact(fmt::format("{} tables", shape.name), tables.text());
  return tables;
}

// One after the other, as many as `options` asks for; with all claims known to libsecp256k1.
class Material {
 public:
  Material(const Options& options, const Libsecp256k1& libsecp256k1) {
    std::size_t most = key_counts[0];
    for (const std::size_t count : key_counts) {
      if (count <= options.keys) most = count;
    }
    progress(fmt::format("making {} keys", most));
    std::mt19937_64 random(1);
    keys_.reserve(most);
    while (keys_.size() < most) keys_.push_back(libsecp256k1.make_key(random));
    for (const std::size_t count : key_counts) {
      if (count > most) break;
      const unsigned claims = count < usual_keys_max ? claims_few_keys : claims_many_keys;
      progress(fmt::format("signing {} claims under {} keys", claims, count));
      by_keys_.emplace_back(libsecp256k1, keys().first(count), claims);
    }
  }
  [[nodiscard]] std::span<const EcdsaKey> keys() const { return keys_; }
  // `tables`: so many keys have tables of either size.
  [[nodiscard]] KernelFigures::Sets sets(const Libsecp256k1& libsecp256k1, std::size_t tables) {
    ClaimSet* usual = &by_keys_.front();
    for (ClaimSet& each : by_keys_) {
      if (each.keys() <= std::min(tables, usual_keys_max)) usual = &each;
    }
    half_broken_ = std::make_unique<ClaimSet>(libsecp256k1, keys().first(usual->keys()),
                                              claims_half_broken, true);
    return {by_keys_, *usual, *half_broken_};
  }
  // Those under 1,000 keys, or what comes nearest.
  [[nodiscard]] ClaimSet& of_engine() {
    return *std::ranges::find(by_keys_, engine_keys, &ClaimSet::keys);
  }

 private:
  std::vector<EcdsaKey> keys_;
  std::vector<ClaimSet> by_keys_;
  std::unique_ptr<ClaimSet> half_broken_;
};

void measure(const Options& options, const Report& report) {
  const double per_us = cycles_per_us();
  report.fact("core", fmt::format("pinned to CPU {}; time stamp counter {:.0f} MHz",
                                  pin_to_last_cpu(), per_us));
  report.fact("reference", "libsecp256k1 " LIBSECP256K1_VERSION);
  const std::vector<KernelStand> stands = stands_of(options.kernel);
  const Libsecp256k1 libsecp256k1;
  Material material(options, libsecp256k1);
  report.fact("keys", fmt::format("{} at most{}", material.keys().size(),
                                  material.keys().size() < key_counts.back()
                                      ? ": more are left to runs without --quick and --keys"
                                      : ""));
  const KeyTables small =
      tables_of(stands.front(), small_tables, material.keys(), ~std::size_t{0}, report);
  const KeyTables large =
      tables_of(stands.front(), large_tables, material.keys(), usual_keys_max, report);
  for (const KernelStand& each : stands) {
    expect_equal_tables(stands.front(), each, small_tables, small, material.keys());
    expect_equal_tables(stands.front(), each, large_tables, large, material.keys());
  }

  CacheState caches;
  ReferenceClock reference(libsecp256k1, caches);
  const Surroundings surroundings{reference, caches, small, large, per_us};
  const auto sets = material.sets(libsecp256k1, std::min(small.keys(), large.keys()));
  std::vector<KernelFigures> kernels;
  for (const KernelStand& each : stands) {
    kernels.emplace_back(each, sets, surroundings);
    report.fact("kernel " + std::string(each.word()),
                fmt::format("{}; batches of {} hot and {} cold claims", each.kernel.name,
                            each.kernel.hot_small.batch, each.kernel.cold.batch));
  }
  report.fact("caches emptied by", fmt::format("{} MiB", caches.evicting_bytes() >> 20));
  progress("warming the engine up");
  EngineFigures engine(options.kernel == "all" ? "auto" : options.kernel, libsecp256k1,
                       material.of_engine(), report);
  engine.warm_up(std::min(warm_up_claims_max, warm_up_claims_a_repeat * options.repeats));

  Calibration calibration;
  std::mt19937_64 random(6);
  for (unsigned round = 0; round < options.repeats; ++round) {
    progress(fmt::format("round {} of {}", round + 1, options.repeats));
    calibration.measure();
    for (KernelFigures& each : kernels) each.measure(random);
    engine.measure(reference, random);
    reference.end_round();
  }
  calibration.report(report);
  reference.report(report, per_us);
  for (const KernelFigures& each : kernels) each.report(report);
  engine.report(report, per_us);
}

}  // namespace
}  // namespace claimgate::bench

int main(int argc, char** argv) {
  return claimgate::bench::run(
      argc, argv,
      {.name = "verify",
       .about = "How many secp256k1 signatures a core verifies by each kernel, and by the engine, "
                "beside libsecp256k1",
       .defaults = {.repeats = 31, .keys = 100'000, .kernel = "all"},
       .quick_repeats = 7,
       .quick_keys = 10'000,
       .measure = claimgate::bench::measure});
}
