#include "bench/kernel_figures.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

namespace claimgate::bench {
namespace {

constexpr unsigned reference_slices = 4, reference_claims = 8;  // of a case, of a slice
constexpr unsigned few_claims = 64, many_claims = 256;          // of a case, in a round
constexpr unsigned single_claims = 8;        // a slice, where claims come one at a time
constexpr std::size_t pieces_wanted = 2000;  // a round: its p99.9 is the third longest
constexpr unsigned small_tables_a_slice = 8, large_tables_a_slice = 2, building_slices = 3;
constexpr std::size_t usual_keys = 10'000;  // for which the goals are

struct Goals {
  std::string_view word;
  std::optional<Goal> small, large, cold;
};
const std::array goals = {Goals{"ifma", at_least(13), at_least(14.5), at_least(7)},
                          Goals{"avx2", at_least(6), at_least(7.5), at_least(2)},
                          Goals{"portable", at_least(4.5), at_least(4.5), std::nullopt}};
constexpr Goal single_goal = at_least(3);
constexpr Goal piece_goal_us = at_most(100);

const Goals& goals_of(std::string_view word) {
  return *std::ranges::find(goals, word, &Goals::word);
}

std::string number(std::size_t count) {
  return count < 1000 ? fmt::format("{}", count)
                      : fmt::format("{},{:03}", count / 1000, count % 1000);
}
std::string keys_text(std::size_t count) {
  return number(count) + (count == 1 ? " key" : " keys");
}

}  // namespace

// ---- the reference ----------------------------------------------------------------

double ReferenceClock::measure(ClaimSet& claims) {
  caches_.fetch_libsecp256k1();
  Slices slices;
  while (slices.kept() < reference_slices) {
    const auto some = claims.take(reference_claims);
    unsigned as_known = 0;
    slices.add([&] {
      for (const EcdsaClaim& claim : some) {
        as_known += libsecp256k1_.verify(claim, claims.key_of(claim)) == claim.good;
      }
      return some.size();
    });
    if (as_known != some.size()) throw std::runtime_error("libsecp256k1 changes its mind");
  }
  this_round_.push_back(slices.cycles_per_unit());
  return slices.cycles_per_unit();
}

void ReferenceClock::end_round() {
  rounds_.push_back(quantile(std::exchange(this_round_, {}), 0.5));
}

void ReferenceClock::report(const Report& report, double cycles_per_us) const {
  std::vector<double> rate;
  for (const double cycles : rounds_) rate.push_back(cycles_per_us * 1e6 / cycles);
  report.row(
      {.name = "secp256k1_ecdsa_verify", .summary = summarize(rounds_), .unit = "cycles/claim"});
  report.row({.name = "secp256k1_ecdsa_verify", .summary = summarize(rate), .unit = "claims/s"});
}

// ---- what is measured ---------------------------------------------------------------------------

KernelFigures::KernelFigures(const KernelStand& stand, const Sets& sets, const Surroundings& with)
    : stand_(stand), with_(with), usual_(sets.usual) {
  add_hot(sets, Path::small);
  add_hot(sets, Path::large);
  add_cold(sets);
  const secp::Kernel& kernel = stand.kernel;
  pieces_ = {{"hot, small tables", Path::small, kernel.hot_small.batch, nullptr, {}},
             {"hot, large tables", Path::large, kernel.hot_large.batch, nullptr, {}},
             {"cold", Path::cold, kernel.cold.batch, nullptr, {}},
             {"batch of 1, small tables", Path::small, 1, nullptr, {}},
             {"batch of 1, large tables", Path::large, 1, nullptr, {}},
             {"building a small table", std::nullopt, 0, &small_tables, {}},
             {"building a large table", std::nullopt, 0, &large_tables, {}}};
  buildings_ = {{&small_tables, {}, {}}, {&large_tables, {}, {}}};
}

void KernelFigures::add_hot(const Sets& sets, Path path) {
  const bool is_small = path == Path::small;
  const secp::Kernel& kernel = stand_.kernel;
  const unsigned full = (is_small ? kernel.hot_small : kernel.hot_large).batch;
  const Goals& wanted = goals_of(stand_.word());
  const std::string name = fmt::format("{}: hot, {} tables, ", stand_.word(),
                                       (is_small ? small_tables : large_tables).name);
  for (ClaimSet& set : sets.by_keys) {
    if (set.keys() > (is_small ? with_.small : with_.large).keys()) continue;
    CaseOptions each{.name = name + keys_text(set.keys()),
                     .path = path,
                     .claims = &set,
                     .batch = full,
                     .with_rate = true};
    if (set.keys() == usual_keys) each.goal = is_small ? wanted.small : wanted.large;
    cases_.push_back({std::move(each), {}, {}});
  }
  const CaseOptions usual{
      .name = name + keys_text(usual_.keys()), .path = path, .claims = &usual_, .batch = full};
  const auto add = [&](const char* how, auto change) {
    CaseOptions each = usual;
    each.name += how;
    change(each);
    cases_.push_back({std::move(each), {}, {}});
  };
  add(", batches of 8", [](CaseOptions& each) { each.batch = 8; });
  add(", batches of 1", [](CaseOptions& each) {
    each.batch = 1;
    if (usual_keys == each.claims->keys()) each.goal = single_goal;
  });
  add(", half invalid", [&](CaseOptions& each) { each.claims = &sets.half_broken; });
  add(", not in any cache", [](CaseOptions& each) { each.evicted = true; });
}

void KernelFigures::add_cold(const Sets& sets) {
  const unsigned full = stand_.kernel.cold.batch;
  const std::string name = fmt::format("{}: cold", stand_.word());
  CaseOptions usual{.name = name, .path = Path::cold, .claims = &usual_, .batch = full};
  CaseOptions each = usual;
  each.with_rate = true;
  each.goal = goals_of(stand_.word()).cold;
  cases_.push_back({each, {}, {}});
  each = usual;
  each.name += ", batches of 1";
  each.batch = 1;
  cases_.push_back({each, {}, {}});
  each = usual;
  each.name += ", half invalid";
  each.claims = &sets.half_broken;
  cases_.push_back({each, {}, {}});
  each = usual;
  each.name += ", nothing in any cache";
  each.evicted = true;
  cases_.push_back({each, {}, {}});
}

// ---- how it is measured -------------------------------------------------------------------------

namespace {

template <class Claim, class Make, class Around>
void in_batches(const KernelStand& stand, const secp::Kernel::Batch<Claim>& path,
                std::span<const EcdsaClaim> claims, unsigned batch, std::uint8_t* verdicts,
                Make&& make, Around&& around) {
  std::array<Claim, claims_a_take> made;
  for (std::size_t first = 0; first < claims.size(); first += batch) {
    for (unsigned i = 0; i < batch; ++i) made[i] = make(claims[first + i]);
    stand.verify(path, std::span<const Claim>(made.data(), batch), verdicts + first, around);
  }
}

}  // namespace

// Precondition: `batch` divides the number of claims.
template <class Around>
void KernelFigures::verify(Path path, const ClaimSet& set, std::span<const EcdsaClaim> claims,
                           unsigned batch, std::uint8_t* verdicts, Around&& around) const {
  const secp::Kernel& kernel = stand_.kernel;
  if (path == Path::cold) {
    const auto make = [&](const EcdsaClaim& claim) {
      return secp::ColdClaim{claim.signature.data(), claim.digest.data(),
                             set.key_of(claim).point.data()};
    };
    in_batches(stand_, kernel.cold, claims, batch, verdicts, make, around);
    return;
  }
  const bool is_small = path == Path::small;
  const KeyTables& tables = is_small ? with_.small : with_.large;
  const auto make = [&](const EcdsaClaim& claim) {
    return secp::HotClaim{claim.signature.data(), claim.digest.data(), tables.of(claim.key)};
  };
  if (batch > 1) {
    in_batches(stand_, is_small ? kernel.hot_small : kernel.hot_large, claims, batch, verdicts,
               make, around);
    return;
  }
  const auto one = is_small ? kernel.one_small : kernel.one_large;
  for (const EcdsaClaim& claim : claims) {
    around([&] { *verdicts++ = one(make(claim), stand_.generator()); });
  }
}

void KernelFigures::check(const std::string& name, std::span<const EcdsaClaim> claims,
                          const std::uint8_t* verdicts) const {
  for (std::size_t i = 0; i < claims.size(); ++i) {
    if (verdicts[i] == (claims[i].good ? secp::accepted : secp::refused)) continue;
    throw std::runtime_error(fmt::format("{}: {} {} a claim that libsecp256k1 {}", name,
                                         stand_.kernel.name,
                                         verdicts[i] == secp::accepted  ? "accepts"
                                         : verdicts[i] == secp::refused ? "refuses"
                                                                        : "does not decide",
                                         claims[i].good ? "accepts" : "refuses"));
  }
}

// What a worker would find in the caches that does nothing else: the generator's table, and keys'
// tables where there is room for all of them.
void KernelFigures::warm(const CaseOptions& options) const {
  if (options.path != Path::cold) {
    const KeyTables& tables = options.path == Path::small ? with_.small : with_.large;
    const auto bytes = tables.of_first(options.claims->keys());
    if (bytes.size() <= with_.caches.last_level_bytes()) CacheState::fetch(bytes);
  }
  CacheState::fetch(stand_.generator_bytes());
}

void KernelFigures::measure(Case& each) {
  const CaseOptions& options = each.options;
  // A slice is a full batch, or so many smaller ones that it is worth reading the clock.
  const unsigned count = std::max(options.batch, single_claims);
  const unsigned wanted = options.batch < single_claims ? few_claims : many_claims;
  each.reference.push_back(with_.reference.measure(*options.claims));
  warm(options);
  Slices slices;
  std::array<std::uint8_t, claims_a_take> verdicts{};
  while (slices.kept() * count < wanted) {
    const auto claims = options.claims->take(count);
    verdicts.fill(secp::undecided);
    if (options.evicted) with_.caches.evict();
    slices.add([&] {
      verify(options.path, *options.claims, claims, options.batch, verdicts.data(),
             [](auto&& work) { work(); });
      return claims.size();
    });
    check(options.name, claims, verdicts.data());
  }
  each.ours.push_back(slices.cycles_per_unit());
}

void KernelFigures::measure(Pieces& each) {
  std::vector<double> all, some;
  const auto timed = [&](auto&& work) {
    const std::uint64_t began = __rdtsc();
    work();
    some.push_back(static_cast<double>(__rdtsc() - began));
  };
  Slices slices;
  std::array<std::uint8_t, claims_a_take> verdicts{};
  while (all.size() < pieces_wanted) {
    some.clear();
    const unsigned count = each.batch == 1 ? single_claims : each.batch;
    const auto claims = usual_.take(std::max(count, 1u));
    const bool kept = slices.add([&]() -> std::uint64_t {
      if (each.path) {
        verify(*each.path, usual_, claims, each.batch, verdicts.data(), timed);
      } else {
        stand_.build(usual_.key_of(claims.front()), *each.shape, stand_.scratch(), timed);
      }
      return 1;
    });
    if (each.path) check(each.name, claims, verdicts.data());
    if (!kept) continue;
    all.insert(all.end(), some.begin(), some.end());
    each.longest.push_back(std::ranges::max(some));
  }
  each.count += all.size();
  each.p999.push_back(quantile(std::move(all), 0.999));
}

void KernelFigures::measure(Building& each) {
  each.reference.push_back(with_.reference.measure(usual_));
  const unsigned count = each.shape == &small_tables ? small_tables_a_slice : large_tables_a_slice;
  Slices slices;
  while (slices.kept() < building_slices) {
    const auto claims = usual_.take(count);
    slices.add([&] {
      for (const EcdsaClaim& claim : claims) {
        stand_.build(usual_.key_of(claim), *each.shape, stand_.scratch());
      }
      return claims.size();
    });
  }
  each.ours.push_back(slices.cycles_per_unit());
}

void KernelFigures::measure(std::mt19937_64& random) {
  std::vector<std::size_t> order(cases_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::shuffle(order, random);
  for (const std::size_t at : order) measure(cases_[at]);
  for (Pieces& each : pieces_) measure(each);
  for (Building& each : buildings_) measure(each);
}

// ---- what it came to ----------------------------------------------------------------------------

void KernelFigures::report(const Report& report) const {
  for (const Case& each : cases_) {
    report.row({.name = each.options.name,
                .summary = summarize(ratios(each.reference, each.ours)),
                .unit = "ratio",
                .goal = each.options.goal,
                .reference = "secp256k1_ecdsa_verify"});
    if (!each.options.with_rate) continue;
    std::vector<double> rate;
    for (const double cycles : each.ours) rate.push_back(with_.cycles_per_us * 1e6 / cycles);
    report.row({.name = each.options.name, .summary = summarize(rate), .unit = "claims/s"});
  }
  for (const Building& each : buildings_) {
    const std::string name =
        fmt::format("{}: building a {} table", stand_.word(), each.shape->name);
    report.row({.name = name,
                .summary = summarize(ratios(each.ours, each.reference)),
                .unit = "verifications",
                .reference = "secp256k1_ecdsa_verify"});
  }
  for (const Pieces& each : pieces_) {
    const std::string name = fmt::format("{}: piece of work, {}", stand_.word(), each.name);
    std::vector<double> p999_us;
    for (const double cycles : each.p999) p999_us.push_back(cycles / with_.cycles_per_us);
    report.row({.name = name + ", p99.9",
                .summary = summarize(p999_us),
                .unit = "us",
                .goal = piece_goal_us});
    report.row({.name = name + ", longest",
                .summary = exactly(std::ranges::max(each.longest) / with_.cycles_per_us),
                .unit = "us",
                .note = fmt::format("of {}; {:.1f} in half of the {}", each.count,
                                    quantile(each.longest, 0.5) / with_.cycles_per_us,
                                    each.path ? "batches" : "tables")});
  }
}

}  // namespace claimgate::bench
