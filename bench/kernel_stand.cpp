#include "bench/kernel_stand.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/measure/program.hpp"
#include "lib/secp/kernels.hpp"
#include "lib/secp/known_answers.hpp"

namespace claimgate::bench {
namespace {

constexpr std::size_t generator_table_bytes =
    secp::table_bytes(secp::generator_width, secp::generator_windows);
constexpr std::size_t lines(std::size_t bytes) {
  return (bytes + 63) & ~std::size_t{63};
}

}  // namespace

KernelStand::KernelStand(const secp::Kernel& its_kernel) : kernel(its_kernel) {
  const std::size_t batch_bytes = lines(
      std::max({kernel.hot_small.work_bytes, kernel.hot_large.work_bytes, kernel.cold.work_bytes}));
  const std::size_t build_bytes = lines(kernel.build_work_bytes);
  const std::size_t scratch_bytes = std::max(small_tables.bytes(), large_tables.bytes());
  memory_ = need(memory::Region::map(
      generator_table_bytes + scratch_bytes + batch_bytes + build_bytes, memory::Pages::huge));
  std::byte* at = memory_.bytes();
  generator_ = reinterpret_cast<std::uint64_t*>(at);
  scratch_ = reinterpret_cast<std::uint64_t*>(at += generator_table_bytes);
  batch_work_ = at += scratch_bytes;
  build_work_ = at += batch_bytes;
  secp::build(kernel, build_work_, secp::generator_point, secp::generator_width,
              secp::generator_windows, generator_);
}

std::span<const std::byte> KernelStand::generator_bytes() const noexcept {
  return {memory_.bytes(), generator_table_bytes};
}

std::string_view KernelStand::word() const {
  return secp::word(kernel);
}

std::array<std::uint64_t, 8> KernelStand::words_of(const EcdsaKey& key) {
  std::array<std::uint64_t, 8> point;
  secp::words_of_key(point.data(), reinterpret_cast<const std::byte*>(key.point.data()));
  return point;
}

KeyTables::KeyTables(const KernelStand& builder, const TableShape& shape,
                     std::span<const EcdsaKey> keys)
    : region_(need(memory::Region::map(keys.size() * shape.bytes(), memory::Pages::huge))),
      keys_(keys.size()),
      bytes_(shape.bytes()) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    builder.build(keys[i], shape,
                  reinterpret_cast<std::uint64_t*>(region_.bytes() + i * shape.bytes()));
  }
}

std::string KeyTables::text() const {
  return fmt::format("{} of {:.0f} KB, {} MiB of {} pages", keys_,
                     static_cast<double>(bytes_) / 1024, (keys_ * bytes_) >> 20,
                     memory::name(region_.pages()));
}

void expect_equal_tables(const KernelStand& first, const KernelStand& other,
                         const TableShape& shape, const KeyTables& tables,
                         std::span<const EcdsaKey> keys) {
  bool equal = std::memcmp(first.generator(), other.generator(), generator_table_bytes) == 0;
  for (std::uint32_t i = 0; i < 8; ++i) {
    other.build(keys[i], shape, other.scratch());
    equal = equal && std::memcmp(other.scratch(), tables.of(i), shape.bytes()) == 0;
  }
  if (!equal) {
    throw std::runtime_error(fmt::format("{} and {} do not build the same {} tables", first.word(),
                                         other.word(), shape.name));
  }
}

}  // namespace claimgate::bench
