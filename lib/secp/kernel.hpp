// What the engine asks of a kernel: the arithmetic of one instruction set, behind plain functions.
//
// Each kernel is one translation unit, compiled for its instruction set and sharing no inline
// function with any other (DESIGN.md, "One unit, one CPU"), so this header names nothing of the
// standard library but integers.
//
// A work area belongs to one thread at a time; the functions keep nothing elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace claimgate::secp {

// The generator's table: one for a process, made by build_*().
inline constexpr unsigned generator_width = 13, generator_windows = 10;
inline constexpr std::size_t entry_bytes = 64;  // x, y: four words each, below p

// A key's tables: windows · 2^(width - 1) entries.
inline constexpr unsigned small_width = 5, small_windows = 26;
inline constexpr unsigned large_width = 8, large_windows = 17;
[[gnu::always_inline]] constexpr std::size_t table_bytes(unsigned width,
                                                         unsigned windows) noexcept {
  return (std::size_t{windows} << (width - 1)) * entry_bytes;
}

// Precondition of every claim that a kernel is handed: 0 < r < n, 0 < s <= n/2 (in_range()), and
// what the pointers name stays readable until begin() has returned; tables until the end.
struct HotClaim {
  const unsigned char* signature;  // 64: r‖s, big endian
  const unsigned char* digest;     // 32, big endian; may be n and more
  const std::uint64_t* table;      // the key's, of the size that the function is for
};
struct ColdClaim {
  const unsigned char* signature;
  const unsigned char* digest;
  const unsigned char* key;  // 64: x‖y, big endian, a point of the curve
};

// Undecided: an exceptional case of the addition formulas, which only a signature made for it
// meets.
enum : std::uint8_t { refused = 0, accepted = 1, undecided = 2 };
[[gnu::always_inline]] constexpr std::uint8_t verdict(unsigned good,
                                                      unsigned exceptional) noexcept {
  return exceptional != 0 ? undecided : good != 0 ? accepted : refused;
}

struct Kernel {
  // A batch: begin() takes up to `batch` claims (at least one), step() does some microseconds of
  // work at a time and says when every verdict stands. begin() has the tables' lines fetched, but
  // for a batch that is begun ahead of its turn: those are fetched in `parts`, of `batch` lines at
  // most, by and by while another batch's steps are under way.
  template <class Claim>
  struct Batch {
    unsigned batch;
    std::size_t work_bytes;  // 64-byte aligned
    unsigned parts;          // 0: nothing to fetch
    void (*begin)(void* work, const Claim* claims, unsigned count, const std::uint64_t* generator,
                  bool ahead);
    void (*fetch)(const void* work, unsigned part);
    bool (*step)(void* work, std::uint8_t* verdicts);
  };
  const char* name;
  unsigned lanes;
  Batch<HotClaim> hot_small, hot_large;
  Batch<ColdClaim> cold;
  std::uint8_t (*one_small)(const HotClaim& claim, const std::uint64_t* generator);
  std::uint8_t (*one_large)(const HotClaim& claim, const std::uint64_t* generator);
  // A table: begin() with the point (x, y as words, least significant first), step() as above.
  std::size_t build_work_bytes;  // 64-byte aligned
  void (*build_begin)(void* work, const std::uint64_t point[8], unsigned width, unsigned windows,
                      std::uint64_t* table);
  bool (*build_step)(void* work);
};

extern const Kernel portable_kernel;
extern const Kernel avx2_kernel;
extern const Kernel ifma_kernel;

}  // namespace claimgate::secp
