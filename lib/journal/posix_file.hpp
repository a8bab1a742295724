// A file of PosixStorage: whole transfers at offsets, and no second chance after a failed write.
// Owner and thread: storage.hpp.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "lib/journal/descriptor.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

// What the system refused with `error`: what, the system's reason, where, and what to do about it.
[[nodiscard]] std::unexpected<Failure> refused(const std::string& what, std::string where,
                                               int error);

// What the disk grants to all files of a storage, until one had to do without. Any thread.
struct Granted {
  std::atomic<bool> direct{true};         // past the page cache
  std::atomic<bool> durable_write{true};  // written and flushed by one call
};

class PosixFile final : public File {
 public:
  // `descriptor` is open; whether it goes past the page cache is found out here and at the first
  // transfer. `where` is for messages.
  PosixFile(Descriptor descriptor, std::string where, std::shared_ptr<Granted> granted);

  [[nodiscard]] Expected<void> write(std::uint64_t offset,
                                     std::span<const std::byte> bytes) override;
  [[nodiscard]] Expected<void> write_durably(std::uint64_t offset,
                                             std::span<const std::byte> bytes) override;
  [[nodiscard]] Expected<void> sync() override;
  [[nodiscard]] Expected<void> read(std::uint64_t offset, std::span<std::byte> into) override;
  [[nodiscard]] Expected<std::uint64_t> size() override;

  // Zeros from the start, on the disk when it returns. Room for them is asked for first: a full
  // disk shows before anything is written.
  [[nodiscard]] Expected<void> fill_with_zeros(std::uint64_t bytes);

 private:
  // All of `bytes`, by as many calls of `some` as it takes. `what`: "write" or "read".
  template <class Bytes, class Some>
  [[nodiscard]] Expected<void> transfer(const char* what, std::uint64_t offset, Bytes bytes,
                                        Some some);
  [[nodiscard]] Expected<void> flush();
  // The same, and nothing is written any more once it is a Failure.
  [[nodiscard]] Expected<void> remembered(Expected<void> done);
  void go_through_the_page_cache() noexcept;

  Descriptor descriptor_;
  std::string where_;
  std::shared_ptr<Granted> granted_;
  bool direct_ = true;
  std::optional<Failure> failed_;
};

}  // namespace claimgate::journal
