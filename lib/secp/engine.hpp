// The engine: ECDSA claims in, one verdict each, many at a time.
//
//   submit() ─ in range? ─ KeyPool: which path? ─► hot large │ hot small │ cold │ reference
//                                                     │ batches, a few microseconds a step
//   poll()  ◄── verdicts, in the order of submission ─┘      between them: tables are built
//
// The same answer as libsecp256k1 with the ledger's low-S rule, always: what a kernel cannot decide
// is asked of the reference, and some of what it accepts is verified again (audit.hpp).
//
// Owner: one worker. Nothing is allocated after create(). What a claim points to stays readable
// until poll() has answered it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/counter/counter.hpp"
#include "lib/failure/failure.hpp"
#include "lib/memory/region.hpp"
#include "lib/secp/audit.hpp"
#include "lib/secp/kernel.hpp"
#include "lib/secp/key_pool.hpp"
#include "lib/secp/reference.hpp"

namespace claimgate::secp {

struct Claim {
  const std::byte* signature;  // 64: r‖s
  const std::byte* digest;     // 32
  const std::byte* key;        // 64: x‖y, a point on the curve
  std::uint32_t key_number;    // below keys_max: the key's place among the pool's counts
};

struct EngineOptions {
  // "auto": the best that runs here and passes its test; or a kernel's word; or "reference".
  std::string kernel = "auto";
  std::uint32_t keys_max = 1;
  std::size_t table_bytes = std::size_t{256} << 20;  // for keys' tables and their bookkeeping
  memory::Pages pages = memory::Pages::huge;
};

// Written by the worker, read by anyone.
struct EngineCounters {
  counter::Counter hot_large, hot_small, cold;  // claims decided by each path
  counter::Counter reference;                   // by libsecp256k1
  counter::Counter out_of_range;                // refused without any arithmetic
  counter::Counter undecided;                   // exceptional cases, of those by libsecp256k1
  counter::Counter batches, batch_claims;       // of a kernel
};

class Engine {
 public:
  static constexpr unsigned lanes_max = 256;
  // What poll() spends before it returns, and what its last piece of work may take beyond it: a
  // worker is back at its queue within 100 µs.
  static constexpr unsigned poll_us = 30;
  static constexpr std::size_t bytes_per_key = sizeof(KeyWord);  // of the pool's, a key number

  // Fails where "kernel" names none, or one that does not run here, or memory cannot be had.
  // Measures what each path costs: some tens of milliseconds.
  [[nodiscard]] static Expected<Engine> create(const EngineOptions& options);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  [[nodiscard]] unsigned free_lanes() const noexcept;
  // Precondition: free_lanes() > 0.
  void submit(const Claim& claim) noexcept;
  // Works for poll_us at most and a last step, and answers what is ready, in the order of
  // submission; returns how many. Precondition: room for lanes_max results.
  unsigned poll(std::span<bool> results) noexcept;

  // ---- any thread ----------------------------------------------------------------------------
  [[nodiscard]] const EngineCounters& counters() const noexcept;
  [[nodiscard]] const KeyPoolCounters* pool_counters() const noexcept;  // null without a kernel
  [[nodiscard]] Audit& audit() const noexcept;
  [[nodiscard]] std::string_view kernel() const noexcept;  // as an operator should read it
  // What create() found worth saying: kernels that failed their test, tables without memory.
  [[nodiscard]] const std::vector<std::string>& remarks() const noexcept;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace claimgate::secp
