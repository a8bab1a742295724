// A storage in front of another one, which stands still or refuses where its test says so.
// Any thread, as far as the one behind it may be used so.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/journal/storage.hpp"

namespace claimgate::journal {

class FaultyStorage final : public Storage {
 public:
  // What changes something: write, write_durably, sync, create, rename, remove.
  enum class Fault {
    none,
    stands,      // does not return before the fault is lifted
    fails,       // with nothing done
    fails_late,  // having done it
  };
  explicit FaultyStorage(Storage& disk) : disk_(disk) {}

  // From now on, for every path that begins so; of a renaming the old one counts.
  void set(Fault fault, std::string prefix = {}) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    prefix_ = std::move(prefix);
    lifted_.notify_all();
  }

  [[nodiscard]] Expected<std::unique_ptr<File>> open(std::string_view path,
                                                     Access access) override {
    return wrapped(path, disk_.open(path, access));
  }
  [[nodiscard]] Expected<std::unique_ptr<File>> create(std::string_view path,
                                                       std::uint64_t bytes) override {
    return wrapped(path, through(path, [&] { return disk_.create(path, bytes); }));
  }
  [[nodiscard]] Expected<void> rename(std::string_view from, std::string_view to) override {
    return through(from, [&] { return disk_.rename(from, to); });
  }
  [[nodiscard]] Expected<void> remove(std::string_view path) override {
    return through(path, [&] { return disk_.remove(path); });
  }
  [[nodiscard]] Expected<void> make_folder(std::string_view path) override {
    return disk_.make_folder(path);
  }
  [[nodiscard]] Expected<void> sync_folder(std::string_view path) override {
    return disk_.sync_folder(path);
  }
  [[nodiscard]] Expected<std::vector<FolderEntry>> list(std::string_view folder) override {
    return disk_.list(folder);
  }
  [[nodiscard]] Expected<std::uint64_t> free_bytes() override { return disk_.free_bytes(); }
  [[nodiscard]] std::string where(std::string_view path) const override {
    return disk_.where(path);
  }

 private:
  class FaultyFile final : public File {
   public:
    FaultyFile(FaultyStorage& faults, std::string path, std::unique_ptr<File> file)
        : faults_(faults), path_(std::move(path)), file_(std::move(file)) {}
    [[nodiscard]] Expected<void> write(std::uint64_t offset,
                                       std::span<const std::byte> bytes) override {
      return faults_.through(path_, [&] { return file_->write(offset, bytes); });
    }
    [[nodiscard]] Expected<void> write_durably(std::uint64_t offset,
                                               std::span<const std::byte> bytes) override {
      return faults_.through(path_, [&] { return file_->write_durably(offset, bytes); });
    }
    [[nodiscard]] Expected<void> sync() override {
      return faults_.through(path_, [&] { return file_->sync(); });
    }
    [[nodiscard]] Expected<void> read(std::uint64_t offset, std::span<std::byte> into) override {
      return file_->read(offset, into);
    }
    [[nodiscard]] Expected<std::uint64_t> size() override { return file_->size(); }

   private:
    FaultyStorage& faults_;
    const std::string path_;
    const std::unique_ptr<File> file_;
  };

  [[nodiscard]] Expected<std::unique_ptr<File>> wrapped(std::string_view path,
                                                        Expected<std::unique_ptr<File>> file) {
    if (!file) return file;
    return std::make_unique<FaultyFile>(*this, std::string(path), std::move(*file));
  }

  // What hits `path` now. Waits where it stands.
  [[nodiscard]] Fault meets(std::string_view path) {
    std::unique_lock lock(mutex_);
    const auto hit = [&] { return path.starts_with(prefix_) ? fault_ : Fault::none; };
    lifted_.wait(lock, [&] { return hit() != Fault::stands; });
    return hit();
  }
  template <class Call>
  [[nodiscard]] auto through(std::string_view path, Call&& call) -> decltype(call()) {
    const Fault fault = meets(path);
    if (fault == Fault::none) return call();
    if (fault == Fault::fails_late) (void)call();
    return claimgate::fail("Input/output error", where(path), "a test's fault");
  }

  Storage& disk_;
  std::mutex mutex_;
  std::condition_variable lifted_;
  Fault fault_ = Fault::none;
  std::string prefix_;
};

}  // namespace claimgate::journal
