// A disk that keeps what it must and no more. Sectors of 512 bytes: one that was written and not
// synced is, after a crash, as before, as written, or torn in between. A name that was made,
// changed or removed and whose folder was not synced may be back where it was.
//
// The power goes before the I/O of a chosen number: PowerCut is thrown out of it, nothing is done
// any more until crash() has settled what is left. One thread; everything from the seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "lib/journal/storage.hpp"

namespace claimgate::journal {

struct PowerCut {};

inline constexpr std::size_t sector_bytes = 512;

class SimulatedDisk final : public Storage {
 public:
  struct Content {
    std::vector<std::byte> now;        // what a read returns
    std::vector<std::byte> durable;    // what is on the platter
    std::vector<std::uint32_t> dirty;  // sectors in which the two may differ, each once
    std::vector<bool> is_dirty;
  };
  using Names = std::map<std::string, std::shared_ptr<Content>, std::less<>>;  // none: a folder

  explicit SimulatedDisk(std::uint64_t seed) : random_(seed) {}

  // The power goes at the n-th I/O from here, n >= 1; 0: never.
  void cut_power_at(std::uint64_t io) noexcept { ios_left_ = io; }
  [[nodiscard]] std::uint64_t ios() const noexcept { return ios_; }
  // Settles what unsynced sectors and names have become. Open files are of no use afterwards.
  void crash();
  // Bytes that new files may take; beyond them create() fails.
  void limit(std::uint64_t bytes) noexcept { limit_ = bytes; }
  // The n-th sync from here fails, n >= 1, and what it was to make durable may or may not be.
  void fail_sync_at(std::uint64_t sync) noexcept { syncs_left_ = sync; }
  // Flips one bit of what is on the platter, and of what a read returns.
  void rot(std::string_view path, std::uint64_t bit);
  [[nodiscard]] const Names& names() const noexcept { return names_; }
  [[nodiscard]] Names& names() noexcept { return names_; }

  [[nodiscard]] Expected<std::unique_ptr<File>> open(std::string_view path, Access) override;
  [[nodiscard]] Expected<std::unique_ptr<File>> create(std::string_view path,
                                                       std::uint64_t bytes) override;
  [[nodiscard]] Expected<void> rename(std::string_view from, std::string_view to) override;
  [[nodiscard]] Expected<void> remove(std::string_view path) override;
  [[nodiscard]] Expected<void> make_folder(std::string_view path) override;
  [[nodiscard]] Expected<void> sync_folder(std::string_view path) override;
  [[nodiscard]] Expected<std::vector<FolderEntry>> list(std::string_view folder) override;
  [[nodiscard]] Expected<std::uint64_t> free_bytes() override;
  [[nodiscard]] std::string where(std::string_view path) const override {
    return "disk:" + std::string(path);
  }

 private:
  friend class SimulatedFile;
  struct NameChange {
    std::string folder;
    std::string removed;  // a path, or ""
    std::string made;     // likewise
    std::shared_ptr<Content> content;
  };
  void count_io();
  [[nodiscard]] Expected<void> sync(Content& content, std::uint64_t offset, std::uint64_t bytes);
  static void apply(Names& names, const NameChange& change);
  void change(NameChange change);
  void settle(Content& content);

  std::mt19937_64 random_;
  Names names_;                      // as the running system sees them
  Names durable_names_;              // as they would be found
  std::vector<NameChange> changes_;  // between the two, in order
  std::uint64_t ios_ = 0;
  std::uint64_t ios_left_ = 0;
  std::uint64_t syncs_left_ = 0;
  std::uint64_t limit_ = std::uint64_t{1} << 40;
};

class SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, std::string path,
                std::shared_ptr<SimulatedDisk::Content> content)
      : disk_(disk), path_(std::move(path)), content_(std::move(content)) {}
  [[nodiscard]] Expected<void> write(std::uint64_t offset,
                                     std::span<const std::byte> bytes) override;
  [[nodiscard]] Expected<void> write_durably(std::uint64_t offset,
                                             std::span<const std::byte> bytes) override;
  [[nodiscard]] Expected<void> sync() override;
  [[nodiscard]] Expected<void> read(std::uint64_t offset, std::span<std::byte> into) override;
  [[nodiscard]] Expected<std::uint64_t> size() override;
  // The second half of a write_durably() whose first half was write(): groups under way at once.
  [[nodiscard]] Expected<void> harden(std::uint64_t offset, std::uint64_t bytes);

 private:
  SimulatedDisk& disk_;
  const std::string path_;
  std::shared_ptr<SimulatedDisk::Content> content_;
};

}  // namespace claimgate::journal
