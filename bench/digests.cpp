#include "bench/digests.hpp"

#include <rte_cycles.h>

#include <utility>

#include "bench/measure/program.hpp"

namespace claimgate::bench {

Digests::Digests() {
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    messages_[i].fill(static_cast<std::byte>(i));
    jobs_[i] = {messages_[i].data(), digests_[i].data()};
  }
  ways_.push_back({.digester = need(digest::Digester::create({.kernel = "ipsec-mb"}))});
  for (const digest::Kernel* kernel : digest::kernels()) {
    if (!digest::runs_here(*kernel)) continue;
    // lib/digest/digester.hpp
    ways_.push_back({.digester = need(digest::Digester::create({.kernel = kernel->word})),
                     .goal_ns = kernel == &digest::avx512_kernel ? 50.0 : 95.0});
  }
}

void Digests::measure() {
  std::vector<Slices> slices(ways_.size());
  for (unsigned i = 0; i < slices_a_round; ++i) {
    for (std::size_t way = 0; way < ways_.size(); ++way) {
      const auto slice = [this, way] {
        for (unsigned k = 0; k < bursts_a_slice; ++k) ways_[way].digester.digest(jobs_);
        return bursts_a_slice * jobs_.size();
      };
      while (!slices[way].add(slice)) {
      }
    }
  }
  for (std::size_t way = 0; way < ways_.size(); ++way) {
    ways_[way].cycles.push_back(slices[way].cycles_per_unit());
  }
}

void Digests::report(const Report& report) const {
  const double cycles_a_ns = static_cast<double>(rte_get_tsc_hz()) / 1e9;
  for (const Way& way : ways_) {
    const bool reference = &way == &ways_.front();
    const std::string name =
        "digests alone, " + (reference ? std::string("ipsec-mb") : way.digester.kernel());
    std::vector<double> ns;
    for (const double cycles : way.cycles) ns.push_back(cycles / cycles_a_ns);
    report.row({.name = name, .summary = summarize(way.cycles), .unit = "cycles/claim"});
    Row row{.name = name, .summary = summarize(ns), .unit = "ns/claim"};
    if (way.goal_ns != 0) row.goal = at_most(way.goal_ns);
    report.row(row);
    if (reference) continue;
    report.row({.name = name,
                .summary = summarize(ratios(ways_.front().cycles, way.cycles)),
                .unit = "ratio",
                .reference = "digests alone, ipsec-mb"});
  }
}

}  // namespace claimgate::bench
