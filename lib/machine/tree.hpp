// Reads the small text files of /sys and /proc under a root, so that a test can lay out another
// machine in a folder. Any thread; only reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace claimgate::machine {

class Tree {
 public:
  explicit Tree(std::filesystem::path root) : root_(std::move(root)) {}

  // `at` may begin with a slash: it is always meant under the root.
  [[nodiscard]] std::filesystem::path path(std::string_view at) const;
  [[nodiscard]] bool exists(std::string_view at) const;
  // The whole text, or nullopt: not there, or not ours to read.
  [[nodiscard]] std::optional<std::string> text(std::string_view at) const;
  // The first line, without the white space around it.
  [[nodiscard]] std::optional<std::string> line(std::string_view at) const;
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view at) const;  // 12, 0x8086
  // The last part of where a link leads: a device's "driver" -> "vfio-pci".
  [[nodiscard]] std::optional<std::string> link(std::string_view at) const;
  [[nodiscard]] std::vector<std::string> names(std::string_view folder) const;  // sorted
  // Whether the process may do `mode` (R_OK, W_OK, X_OK) there, by its effective ids.
  [[nodiscard]] bool allows(std::string_view at, int mode) const;

 private:
  std::filesystem::path root_;
};

// "0-3,8" as the kernel writes lists of CPUs; whatever it is not gives an empty one.
[[nodiscard]] std::vector<unsigned> cpu_list(std::string_view text);
// Back again, for people.
[[nodiscard]] std::string cpu_list_text(const std::vector<unsigned>& cpus);

}  // namespace claimgate::machine
