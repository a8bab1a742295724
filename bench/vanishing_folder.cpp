#include "bench/vanishing_folder.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace claimgate::bench {

VanishingFolder::VanishingFolder(const std::string& parent) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe");
  const journal::Descriptor waited_on(ends[0]);
  alive_ = journal::Descriptor(ends[1]);
  path_ = parent + "/claimgate-durability-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::system_error(errno, std::system_category(), "no folder can be made in " + parent);
  }
  remover_ = ::fork();
  if (remover_ < 0) {
    const int error = errno;
    ::rmdir(path_.c_str());
    throw std::system_error(error, std::system_category(), "fork");
  }
  if (remover_ > 0) return;
  // A session of its own: a terminal's signals are for the benchmark alone.
  ::setsid();
  ::close(alive_.release());
  char none;
  while (::read(waited_on.number(), &none, 1) < 0 && errno == EINTR) {
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  ::_exit(0);
}

VanishingFolder::~VanishingFolder() {
  alive_ = journal::Descriptor(-1);
  (void)TEMP_FAILURE_RETRY(::waitpid(remover_, nullptr, 0));
}

}  // namespace claimgate::bench
