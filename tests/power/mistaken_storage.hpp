// A file system with one mistake in what it makes durable: what shows that a power cut is noticed.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "lib/journal/storage.hpp"

namespace claimgate::power {

enum class Mistake {
  none,
  unsynced_writes,  // write_durably() returns before the disk has flushed
  unsynced_names,   // sync_folder() does nothing
};

class MistakenFile final : public journal::File {
 public:
  explicit MistakenFile(std::unique_ptr<journal::File> file) : file_(std::move(file)) {}
  [[nodiscard]] Expected<void> write(std::uint64_t offset,
                                     std::span<const std::byte> bytes) override {
    return file_->write(offset, bytes);
  }
  [[nodiscard]] Expected<void> write_durably(std::uint64_t offset,
                                             std::span<const std::byte> bytes) override {
    return file_->write(offset, bytes);
  }
  [[nodiscard]] Expected<void> sync() override { return file_->sync(); }
  [[nodiscard]] Expected<void> read(std::uint64_t offset, std::span<std::byte> into) override {
    return file_->read(offset, into);
  }
  [[nodiscard]] Expected<std::uint64_t> size() override { return file_->size(); }

 private:
  std::unique_ptr<journal::File> file_;
};

class MistakenStorage final : public journal::Storage {
 public:
  MistakenStorage(journal::Storage& storage, Mistake mistake)
      : storage_(storage), mistake_(mistake) {}

  [[nodiscard]] Expected<std::unique_ptr<journal::File>> open(std::string_view path,
                                                              journal::Access access) override {
    return mistaken(storage_.open(path, access));
  }
  [[nodiscard]] Expected<std::unique_ptr<journal::File>> create(std::string_view path,
                                                                std::uint64_t bytes) override {
    return mistaken(storage_.create(path, bytes));
  }
  [[nodiscard]] Expected<void> rename(std::string_view from, std::string_view to) override {
    return storage_.rename(from, to);
  }
  [[nodiscard]] Expected<void> remove(std::string_view path) override {
    return storage_.remove(path);
  }
  [[nodiscard]] Expected<void> make_folder(std::string_view path) override {
    return storage_.make_folder(path);
  }
  [[nodiscard]] Expected<void> sync_folder(std::string_view path) override {
    if (mistake_ == Mistake::unsynced_names) return {};
    return storage_.sync_folder(path);
  }
  [[nodiscard]] Expected<std::vector<journal::FolderEntry>> list(std::string_view folder) override {
    return storage_.list(folder);
  }
  [[nodiscard]] Expected<std::uint64_t> free_bytes() override { return storage_.free_bytes(); }
  [[nodiscard]] std::string where(std::string_view path) const override {
    return storage_.where(path);
  }

 private:
  [[nodiscard]] Expected<std::unique_ptr<journal::File>> mistaken(
      Expected<std::unique_ptr<journal::File>> file) const {
    if (!file || mistake_ != Mistake::unsynced_writes) return file;
    return std::make_unique<MistakenFile>(std::move(*file));
  }

  journal::Storage& storage_;
  const Mistake mistake_;
};

}  // namespace claimgate::power
