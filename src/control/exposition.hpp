// Exposition: what Prometheus reads at http://LISTEN/metrics.
//
// Owned by the appliance. Every scrape reads the workers' live counters and calls the functions of
// `Observed` on a thread of the HTTP server, one scrape at a time; nothing is cached in between,
// and the workers notice nothing. Labels: worker and port numbers, reasons, codes; never a channel.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/failure/failure.hpp"
#include "lib/secp/engine.hpp"
#include "src/durability/keeper.hpp"
#include "src/pipeline/stats.hpp"

namespace claimgate::control {

// What the appliance shows. Everything must outlive the Exposition, and every function must be safe
// to call from another thread while the appliance runs.
struct Observed {
  using EachStatistic = std::function<void(std::string_view name, std::uint64_t value)>;

  struct Port {
    std::function<std::uint64_t()> pool_mbufs;      // in all
    std::function<std::uint64_t()> pool_available;  // of them free
    std::function<bool()> link_up;
    std::function<void(const EachStatistic&)> statistics;  // the driver's extended statistics
  };
  struct Ring {
    std::string name;  // "commands"
    std::function<std::uint64_t()> entries;
    std::uint64_t capacity = 0;
  };

  std::vector<const pipeline::Stats*> workers;  // label worker = index
  const durability::Keeper* keeper = nullptr;   // of those workers' lanes; none: no journal
  std::vector<const secp::Engine*> engines;     // of those workers; none: nothing is told of them
  std::vector<Port> ports;                      // label port = index
  std::vector<Ring> rings;
  std::function<std::uint64_t()> channels;
  std::uint64_t channels_capacity = 0;
  std::uint64_t table_bytes = 0;
  std::string dpdk_version;
};

class Exposition {
 public:
  // `listen`: "127.0.0.1:9464", "[::1]:9464"; port 0 takes any free one. Fails where the address
  // cannot be had, naming what to do.
  [[nodiscard]] static Expected<Exposition> start(const std::string& listen, Observed observed);
  Exposition(Exposition&&) noexcept;
  Exposition& operator=(Exposition&&) noexcept;
  ~Exposition();  // stops serving; a scrape under way is finished first

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  struct Server;
  Exposition(std::unique_ptr<Server> server, std::uint16_t port) noexcept;
  std::unique_ptr<Server> server_;
  std::uint16_t port_;
};

}  // namespace claimgate::control
