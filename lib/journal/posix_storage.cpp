#include "lib/journal/posix_storage.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace claimgate::journal {
namespace {

constexpr std::string_view unfinished =
    ".zeroing";  // behind the name of a file that create() makes

// What every part of a path is opened with.
constexpr int never_through_links = O_NOFOLLOW | O_CLOEXEC;
constexpr int folder_to_pass = O_PATH | O_DIRECTORY | never_through_links;
constexpr int folder_to_use = O_RDONLY | O_DIRECTORY | never_through_links;

Descriptor open_at(int folder, const char* name, int flags, mode_t mode = 0) noexcept {
  return Descriptor(static_cast<int>(TEMP_FAILURE_RETRY(::openat(folder, name, flags, mode))));
}

// A name of exactly one entry of a folder.
bool is_name(std::string_view name) noexcept {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == name.npos;
}

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

}  // namespace

Expected<std::unique_ptr<PosixStorage>> PosixStorage::open(const std::string& folder) {
  Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) {
    const int error = errno;
    auto failure = refused("cannot open the state folder", folder, error);
    if (error == ENOENT || error == ENOTDIR) failure.error().remedy = "name an existing folder";
    return failure;
  }
  return std::unique_ptr<PosixStorage>(new PosixStorage(folder, std::move(opened)));
}

PosixStorage::Place PosixStorage::place(std::string_view path) const {
  Descriptor at = open_at(folder_.number(), ".", folder_to_pass);
  for (;;) {
    const std::size_t slash = path.find('/');
    std::string name(path.substr(0, slash));
    if (at && !is_name(name)) {
      errno = EXDEV;  // openat2(2) says this where a path would leave the folder
      return {Descriptor(-1), {}};
    }
    if (!at || slash == path.npos) return {std::move(at), std::move(name)};
    at = open_at(at.number(), name.c_str(), folder_to_pass);
    path.remove_prefix(slash + 1);
  }
}

Descriptor PosixStorage::open_folder(std::string_view path) const {
  if (path.empty()) return open_at(folder_.number(), ".", folder_to_use);
  const Place at = place(path);
  return at ? open_at(at.folder.number(), at.name.c_str(), folder_to_use) : Descriptor(-1);
}

std::string PosixStorage::where(std::string_view path) const {
  return path.empty() ? path_ : fmt::format("{}/{}", path_, path);
}

Expected<std::unique_ptr<File>> PosixStorage::open(std::string_view path, Access access) {
  const Place at = place(path);
  // Not blocking, for a FIFO; the File itself sets the flags it wants.
  const int mode = access == Access::read_only ? O_RDONLY : O_RDWR;
  Descriptor file =
      at ? open_at(at.folder.number(), at.name.c_str(), mode | O_NONBLOCK | never_through_links)
         : Descriptor(-1);
  struct stat status {};
  if (!file || ::fstat(file.number(), &status) != 0) {
    const int error = errno;
    return refused("cannot open the file", where(path), error);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail("not a file", where(path), "move away what is there in its place");
  }
  return std::make_unique<PosixFile>(std::move(file), where(path), granted_);
}

Expected<std::unique_ptr<File>> PosixStorage::create(std::string_view path, std::uint64_t bytes) {
  const Place at = place(path);
  const std::string making = at.name + std::string(unfinished);
  const bool clear =
      at && (::unlinkat(at.folder.number(), making.c_str(), 0) == 0 || errno == ENOENT);
  Descriptor made = clear ? open_at(at.folder.number(), making.c_str(),
                                    O_RDWR | O_CREAT | O_EXCL | never_through_links, 0600)
                          : Descriptor(-1);
  if (!made) {
    const int error = errno;
    return refused("cannot create the file", where(path), error);
  }
  auto file = std::make_unique<PosixFile>(std::move(made), where(path), granted_);
  auto done = file->fill_with_zeros(bytes);
  if (done &&
      ::renameat(at.folder.number(), making.c_str(), at.folder.number(), at.name.c_str()) != 0) {
    const int error = errno;
    done = refused("cannot give the new file its name", where(path), error);
  }
  if (!done) {
    ::unlinkat(at.folder.number(), making.c_str(), 0);
    return std::unexpected(std::move(done).error());
  }
  return file;
}

Expected<void> PosixStorage::rename(std::string_view from, std::string_view to) {
  const Place old = place(from);
  const Place now = old ? place(to) : Place{Descriptor(-1), {}};
  if (now && ::renameat(old.folder.number(), old.name.c_str(), now.folder.number(),
                        now.name.c_str()) == 0) {
    return {};
  }
  const int error = errno;
  return refused(fmt::format("cannot rename it to {}", where(to)), where(from), error);
}

Expected<void> PosixStorage::remove(std::string_view path) {
  const Place at = place(path);
  if (at && ::unlinkat(at.folder.number(), at.name.c_str(), 0) == 0) return {};
  const int error = errno;
  return refused("cannot remove the file", where(path), error);
}

Expected<void> PosixStorage::make_folder(std::string_view path) {
  const Place at = place(path);
  if (at && ::mkdirat(at.folder.number(), at.name.c_str(), 0700) == 0) return {};
  if (at && errno == EEXIST && open_at(at.folder.number(), at.name.c_str(), folder_to_pass)) {
    return {};
  }
  const int error = errno;
  return refused("cannot make the folder", where(path), error);
}

Expected<void> PosixStorage::sync_folder(std::string_view path) {
  const Descriptor folder = open_folder(path);
  if (folder && TEMP_FAILURE_RETRY(::fsync(folder.number())) == 0) return {};
  const int error = errno;
  return refused("cannot make the names in the folder durable", where(path), error);
}

Expected<std::vector<FolderEntry>> PosixStorage::list(std::string_view folder) {
  std::vector<FolderEntry> entries;
  Descriptor opened = open_folder(folder);
  if (!opened && errno == ENOENT) return entries;
  const auto failed = [&] {
    const int error = errno;
    return refused("cannot list the folder", where(folder), error);
  };
  if (!opened) return failed();
  const std::unique_ptr<DIR, CloseFolder> names(::fdopendir(opened.number()));
  if (!names) return failed();
  const int number = opened.release();  // the DIR's from here on
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(names.get());
    if (entry == nullptr && errno != 0) return failed();
    if (entry == nullptr) return entries;
    const std::string_view name = entry->d_name;
    if (!is_name(name) || name.ends_with(unfinished)) continue;
    struct stat status {};
    if (::fstatat(number, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // removed since
      return failed();
    }
    const bool is_folder = S_ISDIR(status.st_mode);
    entries.push_back({.name = std::string(name),
                       .is_folder = is_folder,
                       .bytes = is_folder ? 0 : static_cast<std::uint64_t>(status.st_size)});
  }
}

Expected<std::uint64_t> PosixStorage::free_bytes() {
  struct statvfs room {};
  if (::fstatvfs(folder_.number(), &room) == 0) {
    return std::uint64_t{room.f_bavail} * room.f_frsize;
  }
  const int error = errno;
  return refused("cannot ask how much space is free", where(""), error);
}

}  // namespace claimgate::journal
