// What the journal asks of a disk. Two implementations: the file system (posix_storage.hpp), and
// the simulated disk of the tests, which loses, tears and reorders whatever was not synced.
//
// Every call may block and is for control and committer threads, never for a worker. One thread at
// a time per File; a Storage may be used from several.
//
// A Failure means that nothing is known about what the call was to change. After a failed write or
// sync of a File nothing more may be trusted to it: Linux drops dirty pages whose write-back failed
// and reports the error once, so a second sync that succeeds proves nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/failure/failure.hpp"

namespace claimgate::journal {

// Unit of every offset and length, and alignment of every buffer: what O_DIRECT needs on any disk.
inline constexpr std::size_t page_bytes = 4096;

class File {
 public:
  virtual ~File() = default;
  // Precondition of all: offset, size and address are multiples of page_bytes.
  // Short transfers and interruptions are dealt with inside.
  [[nodiscard]] virtual Expected<void> write(std::uint64_t offset,
                                             std::span<const std::byte> bytes) = 0;
  // As write(), and on the disk when it returns. Other writes of this file may not be.
  [[nodiscard]] virtual Expected<void> write_durably(std::uint64_t offset,
                                                     std::span<const std::byte> bytes) = 0;
  // Every write so far is on the disk when it returns, the file's size too. Its name:
  // sync_folder().
  [[nodiscard]] virtual Expected<void> sync() = 0;
  // Fills the whole span; fails where the file ends before.
  [[nodiscard]] virtual Expected<void> read(std::uint64_t offset, std::span<std::byte> into) = 0;
  [[nodiscard]] virtual Expected<std::uint64_t> size() = 0;
};

enum class Access { read_only, read_write };

struct FolderEntry {
  std::string name;
  bool is_folder = false;
  std::uint64_t bytes = 0;  // of a file
};

// Paths are relative to the state folder, '/' between folders: "lane-0/seg-7.jnl".
class Storage {
 public:
  virtual ~Storage() = default;
  // Fails where it does not exist.
  [[nodiscard]] virtual Expected<std::unique_ptr<File>> open(std::string_view path,
                                                             Access access) = 0;
  // A new file of `bytes` zeros, written and synced, so that later writes into it change no
  // metadata; mode 0600. Replaces a file of that name. Its name is durable after sync_folder().
  [[nodiscard]] virtual Expected<std::unique_ptr<File>> create(std::string_view path,
                                                               std::uint64_t bytes) = 0;
  // The four are durable after sync_folder() of the folder that holds the name, and survive a crash
  // before it in the order in which they were done: none, some or all.
  [[nodiscard]] virtual Expected<void> rename(std::string_view from, std::string_view to) = 0;
  [[nodiscard]] virtual Expected<void> remove(std::string_view path) = 0;
  [[nodiscard]] virtual Expected<void> make_folder(std::string_view path) = 0;  // may exist already
  [[nodiscard]] virtual Expected<void> sync_folder(std::string_view path) = 0;  // "": the topmost
  // In no particular order; empty where there is no such folder.
  [[nodiscard]] virtual Expected<std::vector<FolderEntry>> list(std::string_view folder) = 0;
  // Bytes that could still be written to new files.
  [[nodiscard]] virtual Expected<std::uint64_t> free_bytes() = 0;
  // Where `path` is, for messages: the state folder's own path in front.
  [[nodiscard]] virtual std::string where(std::string_view path) const = 0;
};

}  // namespace claimgate::journal
