// A kernel of lib/secp with what it needs to run, and tables of many keys.
//
// Thread: the one that measures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bench/ecdsa_claims.hpp"
#include "lib/memory/region.hpp"
#include "lib/secp/kernel.hpp"

namespace claimgate::bench {

struct TableShape {
  const char* name;
  unsigned width, windows;
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return secp::table_bytes(width, windows);
  }
};
inline constexpr TableShape small_tables{"small", secp::small_width, secp::small_windows};
inline constexpr TableShape large_tables{"large", secp::large_width, secp::large_windows};

class KernelStand {
 public:
  explicit KernelStand(const secp::Kernel& kernel);

  // The same for all kernels, as every table is: coordinates below p.
  [[nodiscard]] const std::uint64_t* generator() const noexcept { return generator_; }
  [[nodiscard]] std::span<const std::byte> generator_bytes() const noexcept;
  [[nodiscard]] std::string_view word() const;

  // A table from start to end, each piece of the work handed to `around`, which has to do it.
  template <class Around>
  void build(const EcdsaKey& key, const TableShape& shape, std::uint64_t* table,
             Around&& around) const {
    const auto point = words_of(key);
    around(
        [&] { kernel.build_begin(build_work_, point.data(), shape.width, shape.windows, table); });
    for (bool done = false; !done;) around([&] { done = kernel.build_step(build_work_); });
  }
  void build(const EcdsaKey& key, const TableShape& shape, std::uint64_t* table) const {
    build(key, shape, table, [](auto&& work) { work(); });
  }
  // Room for one table of either size, to build into.
  [[nodiscard]] std::uint64_t* scratch() const noexcept { return scratch_; }

  // One batch, likewise.
  template <class Claim, class Around>
  void verify(const secp::Kernel::Batch<Claim>& path, std::span<const Claim> claims,
              std::uint8_t* verdicts, Around&& around) const {
    around([&] {
      path.begin(batch_work_, claims.data(), static_cast<unsigned>(claims.size()), generator_,
                 false);
    });
    for (bool done = false; !done;) around([&] { done = path.step(batch_work_, verdicts); });
  }

  const secp::Kernel& kernel;

 private:
  [[nodiscard]] static std::array<std::uint64_t, 8> words_of(const EcdsaKey& key);

  memory::Region memory_;
  std::uint64_t* generator_;
  std::uint64_t* scratch_;
  void* batch_work_;
  void* build_work_;
};

// The tables of one shape of the first keys, in one region.
class KeyTables {
 public:
  // Without any.
  KeyTables() = default;
  // Built by `builder`. Throws where memory cannot be had.
  KeyTables(const KernelStand& builder, const TableShape& shape, std::span<const EcdsaKey> keys);

  [[nodiscard]] const std::uint64_t* of(std::uint32_t key) const noexcept {
    return reinterpret_cast<const std::uint64_t*>(region_.bytes() + key * bytes_);
  }
  [[nodiscard]] std::size_t keys() const noexcept { return keys_; }
  // The tables of so many keys.
  [[nodiscard]] std::span<const std::byte> of_first(std::size_t keys) const noexcept {
    return {region_.bytes(), keys * bytes_};
  }
  [[nodiscard]] std::string text() const;

 private:
  memory::Region region_;
  std::size_t keys_ = 0, bytes_ = 0;
};

// Throws unless `other` builds the tables that are there: the generator's and some keys' ones.
void expect_equal_tables(const KernelStand& first, const KernelStand& other,
                         const TableShape& shape, const KeyTables& tables,
                         std::span<const EcdsaKey> keys);

}  // namespace claimgate::bench
