// The journal's Storage on a real file system: a state folder that is opened once, and everything
// in it by its descriptor.
//
// open() and create() go past the page cache (O_DIRECT) where the file system takes that.
// write_durably() is pwritev2 with RWF_DSYNC, the write and its flush in one call; pwrite and
// fdatasync where the kernel does not know it. create() writes zeros for real under `path`.zeroing,
// syncs and renames: whatever ends the machine, `path` is the old file, none, or the new one whole.
// list() does not show what a crash left under such a name; the next create() of `path` replaces
// it.
//
// Folders 0700, files 0600. The state folder's own path may go through symbolic links (systemd
// makes such for it); below it every one is refused, as is what is neither a file nor a folder.
// Paths that would leave the state folder are refused, too.
//
// A File of which a write or a sync failed refuses all further ones with the same Failure.
//
// Owner: whoever opened it; Files may outlive it. Threads as storage.hpp says. Who holds the state
// folder's lock is the caller's concern, and so is SIGXFSZ, which kills where there is a limit on
// file sizes unless it is ignored (then the write fails).
#pragma once

#include <memory>
#include <string>

#include "lib/journal/descriptor.hpp"
#include "lib/journal/posix_file.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

class PosixStorage final : public Storage {
 public:
  // Fails where there is no such folder: making it, and its lock, is the caller's.
  [[nodiscard]] static Expected<std::unique_ptr<PosixStorage>> open(const std::string& folder);

  // False once a file had to go through the page cache. Tells after the first create() or write.
  [[nodiscard]] bool direct() const noexcept { return granted_->direct; }
  // False once a durable write took two system calls. Tells after the first write_durably().
  [[nodiscard]] bool durable_in_one_call() const noexcept { return granted_->durable_write; }

  [[nodiscard]] Expected<std::unique_ptr<File>> open(std::string_view path, Access access) override;
  [[nodiscard]] Expected<std::unique_ptr<File>> create(std::string_view path,
                                                       std::uint64_t bytes) override;
  [[nodiscard]] Expected<void> rename(std::string_view from, std::string_view to) override;
  [[nodiscard]] Expected<void> remove(std::string_view path) override;
  [[nodiscard]] Expected<void> make_folder(std::string_view path) override;
  [[nodiscard]] Expected<void> sync_folder(std::string_view path) override;
  [[nodiscard]] Expected<std::vector<FolderEntry>> list(std::string_view folder) override;
  [[nodiscard]] Expected<std::uint64_t> free_bytes() override;
  [[nodiscard]] std::string where(std::string_view path) const override;

 private:
  // A name in a folder that is open.
  struct Place {
    Descriptor folder;
    std::string name;
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(folder); }
  };

  PosixStorage(std::string path, Descriptor folder)
      : path_(std::move(path)), folder_(std::move(folder)), granted_(std::make_shared<Granted>()) {}

  // Both leave errno behind where they fail.
  [[nodiscard]] Place place(std::string_view path) const;
  [[nodiscard]] Descriptor open_folder(std::string_view path) const;

  std::string path_;
  Descriptor folder_;
  std::shared_ptr<Granted> granted_;
};

}  // namespace claimgate::journal
