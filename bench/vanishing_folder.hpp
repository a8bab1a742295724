// A fresh folder that is gone when its owner is, however that ends: a process of its own waits for
// the end of this one, or of this object, and removes it. Made before any thread is.
#pragma once

#include <sys/types.h>

#include <string>

#include "lib/journal/descriptor.hpp"

namespace claimgate::bench {

class VanishingFolder {
 public:
  // Below `parent`. Throws where none can be made there.
  explicit VanishingFolder(const std::string& parent);
  VanishingFolder(const VanishingFolder&) = delete;
  VanishingFolder& operator=(const VanishingFolder&) = delete;
  ~VanishingFolder();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  journal::Descriptor alive_{-1};  // a pipe's end: the kernel closes it if nobody else does
  pid_t remover_;
};

}  // namespace claimgate::bench
