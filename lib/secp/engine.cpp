#include "lib/secp/engine.hpp"

#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>

#include "lib/secp/kernels.hpp"
#include "lib/secp/known_answers.hpp"

namespace claimgate::secp {
namespace {

constexpr std::size_t small_bytes = table_bytes(small_width, small_windows);
constexpr std::size_t large_bytes = table_bytes(large_width, large_windows);
constexpr std::size_t generator_bytes = table_bytes(generator_width, generator_windows);

const unsigned char* bytes(const std::byte* at) noexcept {
  return reinterpret_cast<const unsigned char*>(at);
}

// 0 < r < n, 0 < s <= n/2. Before anything shares an inversion: a zero would poison it.
bool in_range(const std::byte* signature) noexcept {
  constexpr std::array<std::uint64_t, 4> n = {0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFE,
                                              0xBAAEDCE6AF48A03B, 0xBFD25E8CD0364141};
  constexpr std::array<std::uint64_t, 4> above_half_n = {0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF,
                                                         0x5D576E7357A4501D, 0xDFE92F46681B20A1};
  const auto number = [](const std::byte* at) {
    std::array<std::uint64_t, 4> words;  // the most significant first: they compare as numbers
    std::memcpy(words.data(), at, 32);
    for (std::uint64_t& word : words) word = __builtin_bswap64(word);
    return words;
  };
  constexpr std::array<std::uint64_t, 4> zero = {};
  const auto r = number(signature), s = number(signature + 32);
  return r != zero && r < n && s != zero && s < above_half_n;
}

std::uint64_t cycles_per_us() {
  const auto began = std::chrono::steady_clock::now();
  const std::uint64_t cycles = __rdtsc();
  while (std::chrono::steady_clock::now() - began < std::chrono::milliseconds(5)) {
  }
  return (__rdtsc() - cycles) / 5000;
}

enum class Status : std::uint8_t { pending, refused, accepted };

// A claim between submit() and poll().
struct Lane {
  Claim claim;
  std::array<std::byte, 64> signature;  // as it was judged in_range(): its frame may be a peer's
  const std::uint64_t* table;           // null where it has none
  TableNumber pinned;
  Status status;
};

using LaneNumber = std::uint16_t;

// Lanes that wait for one path, in the order of their submission.
class Queue {
 public:
  void push(LaneNumber lane) noexcept { lanes_[last_++ % lanes_.size()] = lane; }
  LaneNumber pop() noexcept { return lanes_[first_++ % lanes_.size()]; }
  [[nodiscard]] LaneNumber front() const noexcept { return lanes_[first_ % lanes_.size()]; }
  [[nodiscard]] unsigned size() const noexcept { return last_ - first_; }

 private:
  std::array<LaneNumber, Engine::lanes_max> lanes_;
  unsigned first_ = 0, last_ = 0;
};

}  // namespace

// ------------------------------------------------------------------------------------------------

struct Engine::State {
  explicit State(Reference libsecp256k1) noexcept : reference(std::move(libsecp256k1)) {}

  Reference reference;
  const Kernel* kernel = nullptr;  // none: everything goes to the reference
  std::string name = "libsecp256k1";
  std::vector<std::string> remarks;
  memory::Region memory;  // the generator's table, work areas
  std::uint64_t* generator = nullptr;
  void* build_work = nullptr;
  std::optional<KeyPool> pool;
  Measured measured{};
  std::uint64_t poll_cycles = 0;
  EngineCounters counters;
  Audit audit;

  // Lanes, by number modulo lanes_max: answered_ .. submitted_ are in flight.
  std::array<Lane, lanes_max> lanes;
  std::uint64_t submitted = 0, answered = 0;
  std::uint64_t accepted_until_audit = Audit::every;

  enum PathNumber : unsigned { large, small, cold, paths };
  std::array<Queue, paths> waiting;
  Queue to_reference;

  // The batch that is under way, and the one that is next: begun ahead, so that its tables' lines
  // are fetched, `part` by part, between the other's steps.
  struct Batch {
    void* work;
    PathNumber path;
    unsigned count, part;
    std::array<LaneNumber, lanes_max> lanes;
  };
  std::array<Batch, 2> batches;
  Batch* running = nullptr;
  Batch* next = nullptr;
  std::array<std::uint8_t, lanes_max> verdicts;

  // The table that is under way.
  std::optional<BuildJob> job;
  bool building = false;    // its work has begun
  bool build_next = false;  // before the next piece of a claim's work
  std::uint64_t seen_cycles = 0, building_cycles = 0;

  [[nodiscard]] Expected<void> start(const EngineOptions& options);
  [[nodiscard]] Expected<void> take(const Kernel& candidate, const EngineOptions& options);

  [[nodiscard]] unsigned batch_size(PathNumber path) const noexcept {
    return path == large   ? kernel->hot_large.batch
           : path == small ? kernel->hot_small.batch
                           : kernel->cold.batch;
  }
  [[nodiscard]] bool kernel_in_use() const noexcept {
    return kernel != nullptr && !audit.withdrawn();
  }

  void submit(const Claim& claim) noexcept;
  unsigned poll(std::span<bool> results) noexcept;
  bool work() noexcept;
  Batch* begin(PathNumber path, unsigned count, bool ahead) noexcept;
  [[nodiscard]] bool begin_next() noexcept;
  void step_batch() noexcept;
  void fetch_next(unsigned parts) noexcept;
  void step_build() noexcept;
  void one_by_reference(LaneNumber number) noexcept;
  void one_by_one(PathNumber path) noexcept;
  void decide(LaneNumber number, std::uint8_t verdict, PathNumber path) noexcept;
  void settle(Lane& lane, bool good) noexcept;
};

Expected<void> Engine::State::start(const EngineOptions& options) {
  if (options.kernel == "reference") return {};
  bool known = options.kernel == "auto";
  for (const Kernel* candidate : kernels()) {
    const bool asked = options.kernel == word(*candidate);
    known = known || asked;
    if (!asked && options.kernel != "auto") continue;
    if (!runs_here(*candidate)) {
      if (!asked) continue;
      return fail("this CPU, or its operating system, cannot run " + std::string(candidate->name),
                  "verify.kernel", "Leave verify.kernel at \"auto\"");
    }
    auto taken = take(*candidate, options);
    if (!taken) return taken;
    if (kernel != nullptr) break;
    if (asked) {
      return fail(remarks.back(), "verify.kernel",
                  "The CPU may be broken: run claimctl doctor, and replace it");
    }
  }
  if (!known) {
    return fail("there is no kernel \"" + options.kernel + "\"", "verify.kernel",
                "Choose auto, ifma, avx2, portable or reference");
  }
  return {};
}

// Sets `kernel` where the candidate passes its test; a remark says why not.
Expected<void> Engine::State::take(const Kernel& candidate, const EngineOptions& options) {
  const auto lines = [](std::size_t n) { return (n + 63) & ~std::size_t{63}; };
  const std::size_t batch_bytes = lines(std::max(
      {candidate.hot_small.work_bytes, candidate.hot_large.work_bytes, candidate.cold.work_bytes}));
  const std::size_t build_bytes = lines(candidate.build_work_bytes);
  auto region = memory::Region::map(generator_bytes + 2 * batch_bytes + build_bytes, options.pages);
  if (!region) return std::unexpected(region.error());
  auto scratch =
      memory::Region::map(known_keys * (small_bytes + large_bytes), memory::Pages::normal);
  if (!scratch) return std::unexpected(scratch.error());
  memory = std::move(*region);
  generator = reinterpret_cast<std::uint64_t*>(memory.bytes());
  for (unsigned i = 0; i < 2; ++i) {
    batches[i].work = memory.bytes() + generator_bytes + i * batch_bytes;
  }
  build_work = memory.bytes() + generator_bytes + 2 * batch_bytes;

  auto* const tables = reinterpret_cast<std::uint64_t*>(scratch->bytes());
  const Workplace at{candidate,       generator,
                     batches[0].work, build_work,
                     tables,          tables + known_keys * small_bytes / sizeof(std::uint64_t)};
  build(candidate, build_work, generator_point, generator_width, generator_windows, generator);
  if (const auto fault = fault_of(at); !fault.empty()) {
    remarks.push_back(std::string(candidate.name) + " gives wrong answers on this CPU (" +
                      std::string(fault) + ") and is not used");
    return {};
  }
  measured = measure(at, reference);
  auto made = KeyPool::create({.keys_max = options.keys_max,
                               .budget_bytes = options.table_bytes,
                               .small_bytes = small_bytes,
                               .large_bytes = large_bytes,
                               .large_share = 0.5,
                               .costs = measured.costs,
                               .pages = options.pages});
  if (!made) return std::unexpected(made.error());
  pool.emplace(std::move(*made));
  kernel = &candidate;
  name = candidate.name;
  return {};
}

void Engine::State::submit(const Claim& claim) noexcept {
  const auto number = static_cast<LaneNumber>(submitted++ % lanes_max);
  Lane& lane = lanes[number];
  lane.claim = claim;
  std::memcpy(lane.signature.data(), claim.signature, lane.signature.size());
  lane.claim.signature = lane.signature.data();
  lane.table = nullptr;
  lane.pinned = no_table;
  lane.status = Status::pending;
  if (!in_range(lane.claim.signature)) {
    counters.out_of_range.add(1);
    lane.status = Status::refused;
    return;
  }
  if (!kernel_in_use()) {
    to_reference.push(number);
    return;
  }
  const Use use = pool->use(claim.key_number, Key(claim.key, 64));
  switch (use.path) {
    case Path::quarantined:
      to_reference.push(number);
      return;
    case Path::cold:
      waiting[cold].push(number);
      return;
    case Path::small:
    case Path::large:
      pool->pin(use.table);
      lane.pinned = use.table;
      lane.table = use.address;
      waiting[use.path == Path::large ? large : small].push(number);
  }
}

unsigned Engine::State::poll(std::span<bool> results) noexcept {
  const std::uint64_t began = __rdtsc();
  if (pool) {
    pool->spent(began - std::exchange(seen_cycles, began), std::exchange(building_cycles, 0));
    if (!job && kernel_in_use()) job = pool->next_build();
  }
  while (work() && __rdtsc() - began < poll_cycles) {
  }
  unsigned count = 0;
  for (; answered < submitted; ++answered) {
    const Status status = lanes[answered % lanes_max].status;
    if (status == Status::pending) break;
    results[count++] = status == Status::accepted;
  }
  return count;
}

// One piece of work: false where there is none.
bool Engine::State::work() noexcept {
  if (job && (build_next || submitted == answered)) {
    build_next = false;
    step_build();
    return true;
  }
  if (running != nullptr) {
    if (!begin_next()) step_batch();
    return true;
  }
  if (to_reference.size() > 0) {
    one_by_reference(to_reference.pop());
    return true;
  }
  if (next != nullptr) {
    fetch_next(kernel->hot_small.parts + kernel->hot_large.parts);  // what is left
    running = std::exchange(next, nullptr);
    return true;
  }
  // A full batch first, else whoever has waited longest, with all that wait for the same. Nobody is
  // kept for others to come: what comes while a batch is under way makes the next one, so batches
  // grow with the load.
  PathNumber chosen = paths;
  std::uint64_t oldest = 0;
  for (unsigned path = 0; path < paths; ++path) {
    const unsigned size = waiting[path].size();
    if (size == 0) continue;
    const auto number = static_cast<PathNumber>(path);
    if (size >= batch_size(number)) {
      chosen = number;
      break;
    }
    const std::uint64_t age = (submitted - 1 - waiting[path].front()) % lanes_max;
    if (chosen != paths && age <= oldest) continue;
    oldest = age;
    chosen = number;
  }
  if (chosen == paths) return false;
  if (!kernel_in_use()) {  // withdrawn while they waited
    one_by_reference(waiting[chosen].pop());
    return true;
  }
  const unsigned size = waiting[chosen].size();
  const unsigned few = chosen == large   ? measured.one_large_max
                       : chosen == small ? measured.one_small_max
                                         : measured.cold_reference_max;
  if (size <= few) {
    one_by_one(chosen);
  } else {
    running = begin(chosen, std::min(size, batch_size(chosen)), false);
  }
  return true;
}

// Where a full hot batch waits behind the one that is under way.
bool Engine::State::begin_next() noexcept {
  if (next != nullptr || !kernel_in_use()) return false;
  for (const PathNumber path : {large, small}) {
    if (waiting[path].size() < batch_size(path)) continue;
    next = begin(path, batch_size(path), true);
    return true;
  }
  return false;
}

void Engine::State::fetch_next(unsigned parts) noexcept {
  const auto& batch = next->path == large ? kernel->hot_large : kernel->hot_small;
  for (; parts > 0 && next->part < batch.parts; --parts) batch.fetch(next->work, next->part++);
}

// Into the area that the batch under way does not use.
Engine::State::Batch* Engine::State::begin(PathNumber path, unsigned count, bool ahead) noexcept {
  Batch& made = batches[running == &batches[0] ? 1 : 0];
  made.path = path;
  made.count = count;
  made.part = ahead ? 0 : ~0U;
  std::array<HotClaim, lanes_max> hot;
  std::array<ColdClaim, lanes_max> without;
  for (unsigned i = 0; i < count; ++i) {
    const LaneNumber number = waiting[path].pop();
    made.lanes[i] = number;
    const Lane& lane = lanes[number];
    if (path == cold) {
      without[i] = {bytes(lane.claim.signature), bytes(lane.claim.digest), bytes(lane.claim.key)};
    } else {
      hot[i] = {bytes(lane.claim.signature), bytes(lane.claim.digest), lane.table};
    }
  }
  if (path == cold) {
    kernel->cold.begin(made.work, without.data(), count, generator, ahead);
  } else {
    (path == large ? kernel->hot_large : kernel->hot_small)
        .begin(made.work, hot.data(), count, generator, ahead);
  }
  counters.batches.add(1);
  counters.batch_claims.add(count);
  return &made;
}

void Engine::State::step_batch() noexcept {
  constexpr unsigned parts_a_step = 2;  // a hot batch has steps for all of them
  const auto step = running->path == large   ? kernel->hot_large.step
                    : running->path == small ? kernel->hot_small.step
                                             : kernel->cold.step;
  if (next != nullptr) fetch_next(parts_a_step);
  if (!step(running->work, verdicts.data())) return;
  const Batch& done = *std::exchange(running, nullptr);
  build_next = true;
  for (unsigned i = 0; i < done.count; ++i) decide(done.lanes[i], verdicts[i], done.path);
}

void Engine::State::step_build() noexcept {
  const std::uint64_t began = __rdtsc();
  if (!building) {
    std::array<std::uint64_t, 8> point;
    words_of_key(point.data(), job->key.data());
    const bool is_small = job->size == TableSize::small;
    kernel->build_begin(build_work, point.data(), is_small ? small_width : large_width,
                        is_small ? small_windows : large_windows, job->address);
    building = true;
  } else if (kernel->build_step(build_work)) {
    static_cast<void>(pool->built(*job));
    job.reset();
    building = false;
  }
  building_cycles += __rdtsc() - began;
}

void Engine::State::one_by_one(PathNumber path) noexcept {
  build_next = true;
  const LaneNumber number = waiting[path].pop();
  if (path == cold) {
    one_by_reference(number);
    return;
  }
  const Lane& lane = lanes[number];
  const HotClaim claim{bytes(lane.claim.signature), bytes(lane.claim.digest), lane.table};
  decide(number, (path == large ? kernel->one_large : kernel->one_small)(claim, generator), path);
}

void Engine::State::decide(LaneNumber number, std::uint8_t verdict, PathNumber path) noexcept {
  Lane& lane = lanes[number];
  if (lane.pinned != no_table) {
    pool->unpin(lane.pinned);
    lane.pinned = no_table;
  }
  if (verdict == undecided) {
    counters.undecided.add(1);
    pool->exceptional(lane.claim.key_number, Key(lane.claim.key, 64));
    to_reference.push(number);
    return;
  }
  if (!kernel_in_use()) {  // withdrawn meanwhile: what it says counts no more
    to_reference.push(number);
    return;
  }
  (path == large ? counters.hot_large : path == small ? counters.hot_small : counters.cold).add(1);
  const bool good = verdict == accepted;
  settle(lane, good);
  if (good && --accepted_until_audit == 0) {
    accepted_until_audit = Audit::every;
    audit.offer(lane.claim.signature, lane.claim.digest, lane.claim.key);
  }
}

void Engine::State::one_by_reference(LaneNumber number) noexcept {
  build_next = true;
  Lane& lane = lanes[number];
  if (lane.pinned != no_table) {
    pool->unpin(lane.pinned);
    lane.pinned = no_table;
  }
  counters.reference.add(1);
  settle(lane, reference.verify(lane.claim.signature, lane.claim.digest, lane.claim.key));
}

void Engine::State::settle(Lane& lane, bool good) noexcept {
  lane.status = good ? Status::accepted : Status::refused;
  if (good && pool) pool->verified(lane.claim.key_number, Key(lane.claim.key, 64));
}

// ------------------------------------------------------------------------------------------------

Engine::Engine(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Expected<Engine> Engine::create(const EngineOptions& options) {
  auto reference = Reference::create();
  if (!reference) return std::unexpected(reference.error());
  auto state = std::make_unique<State>(std::move(*reference));
  if (auto started = state->start(options); !started) return std::unexpected(started.error());
  state->poll_cycles = poll_us * cycles_per_us();
  state->seen_cycles = __rdtsc();
  return Engine(std::move(state));
}

unsigned Engine::free_lanes() const noexcept {
  return lanes_max - static_cast<unsigned>(state_->submitted - state_->answered);
}
void Engine::submit(const Claim& claim) noexcept {
  state_->submit(claim);
}
unsigned Engine::poll(std::span<bool> results) noexcept {
  return state_->poll(results);
}
const EngineCounters& Engine::counters() const noexcept {
  return state_->counters;
}
const KeyPoolCounters* Engine::pool_counters() const noexcept {
  return state_->pool ? &state_->pool->counters() : nullptr;
}
Audit& Engine::audit() const noexcept {
  return state_->audit;
}
std::string_view Engine::kernel() const noexcept {
  return state_->name;
}
const std::vector<std::string>& Engine::remarks() const noexcept {
  return state_->remarks;
}

}  // namespace claimgate::secp
