// Configuration: one TOML file, and single keys given over it.
//
// Every member is its key's default. A Config that load() returned has been judged whole: keys,
// types, ranges, addresses and account ids. What only the running machine can say (is this CPU
// ours, does this group exist) is judged where it is used. Plain values; control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/failure/failure.hpp"
#include "lib/memory/region.hpp"
#include "lib/xrpl/base58.hpp"
#include "src/config/log_level.hpp"
#include "src/nic/huge_pages.hpp"
#include "src/pipeline/idle.hpp"

namespace claimgate::config {

struct Config {
  struct Node {
    std::string state_dir = "/var/lib/claimgate";  // journal and checkpoints
    bool operator==(const Node&) const = default;
  } node;

  struct Worker {
    std::optional<unsigned> cpu;          // nullopt: "auto", the last CPU allowed
    std::optional<unsigned> control_cpu;  // nullopt: "auto", the first CPU allowed
    pipeline::Idle idle = pipeline::Idle::spin;
    std::uint32_t held_max = 4096;  // datagrams in flight
    bool operator==(const Worker&) const = default;
  } worker;

  struct Eal {
    nic::HugePages huge_pages = nic::HugePages::automatic;
    std::uint32_t memory_mib = 0;  // 0: as much as the pools need
    std::string file_prefix = "claimgate";
    bool telemetry = false;
    bool operator==(const Eal&) const = default;
  } eal;

  struct Port {
    std::string device =
        "net_memif0,role=server,socket=/run/claimgate/memif.sock,socket-abstract=no,id=0,rsize=11,"
        "bsize=2048";
    std::uint16_t rx_descriptors = 1024;
    std::uint16_t tx_descriptors = 1024;
    std::vector<std::string> addresses{"10.93.0.1/24", "fd00:93::1/64"};
    bool any_address = false;
    bool trusted_peer = false;
    bool promiscuous = true;
    // A PCI address, to be allowed on the bus; otherwise the arguments of a virtual device.
    [[nodiscard]] bool is_pci() const noexcept;
    bool operator==(const Port&) const = default;
  } port;

  struct Claims {
    bool answer_unknown = true;
    bool coalesce = true;
    std::uint16_t busy_retry_ms = 20;
    bool operator==(const Claims&) const = default;
  } claims;

  struct Channels {
    static constexpr std::size_t destinations_max = 1024;
    std::uint32_t capacity = 1'000'000;
    std::vector<std::string> destinations;         // as written: classic addresses
    std::vector<xrpl::AccountId> destination_ids;  // the same, decoded, in the same order
    std::uint32_t settle_delay_min_s = 3600;
    std::uint32_t margin_s = 600;
    bool operator==(const Channels&) const = default;
  } channels;

  // What is written, and when a verdict may leave.
  struct Durability {
    bool async =
        false;  // mode = "async": verdicts leave at once, and say that they are not durable
    std::uint32_t async_max_ms = 100;
    std::uint32_t segment_mib = 256;
    std::uint32_t spare_segments = 4;
    std::uint32_t journal_max_mib = 2048;
    std::uint32_t checkpoint_mib_per_s = 64;
    bool operator==(const Durability&) const = default;
  } durability;

  // How signatures are verified.
  struct Verify {
    std::string kernel = "auto";
    std::uint32_t table_mib = 256;  // for keys' tables and their bookkeeping
    bool operator==(const Verify&) const = default;
  } verify;

  struct Memory {
    claimgate::memory::Pages table_pages = claimgate::memory::Pages::huge;
    bool operator==(const Memory&) const = default;
  } memory;

  struct Admin {
    std::string socket = "/run/claimgate/admin.sock";
    std::string group;                      // owns the socket; empty: claimd's own group
    std::vector<std::uint32_t> admin_uids;  // may change things, besides root and claimd's user
    std::vector<std::uint32_t> admin_gids;
    bool operator==(const Admin&) const = default;
  } admin;

  struct Metrics {
    std::string listen = "127.0.0.1:9464";  // empty: no metrics
    bool operator==(const Metrics&) const = default;
  } metrics;

  struct Log {
    LogLevel level = LogLevel::info;
    bool operator==(const Log&) const = default;
  } log;

  bool operator==(const Config&) const = default;
};

// Reads `path` (empty: defaults only), then applies `overrides`, "worker.idle=yield" each: text
// needs no quotes, lists are "[…]" or separated by commas. All that is wrong is reported at once,
// one line each: file:line (or the override), what is there, what was expected, and for a key that
// does not exist the nearest one that does.
[[nodiscard]] Expected<Config> load(const std::string& path,
                                    std::span<const std::string> overrides);

struct KnownKey {
  std::string name;      // "worker.held_max"
  std::string expected;  // "a whole number from 64 to 65536"
};
// Every key there is, in the order of the reference file.
[[nodiscard]] std::vector<KnownKey> known_keys();

struct Cpus {
  unsigned control = 0;
  unsigned worker = 0;
};
// Turns "auto" into CPUs of `allowed` (ascending, not empty; nic::allowed_cpus()). Fails where a
// configured CPU is not among them. With one CPU both share it.
[[nodiscard]] Expected<Cpus> choose_cpus(const Config::Worker& worker,
                                         std::span<const unsigned> allowed);

}  // namespace claimgate::config
