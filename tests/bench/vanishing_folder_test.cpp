#include "bench/vanishing_folder.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/scratch_folder.hpp"

namespace claimgate::bench {
namespace {

namespace fs = std::filesystem;

class VanishingFolders : public ::testing::Test {
 protected:
  [[nodiscard]] std::string parent() const { return scratch_.file(""); }
  [[nodiscard]] bool nothing_left() const { return fs::is_empty(parent()); }
  ScratchFolder scratch_;
};

void fill(const VanishingFolder& folder) {
  std::ofstream(folder.path() + "/file") << "x";
  fs::create_directory(folder.path() + "/deeper");
  std::ofstream(folder.path() + "/deeper/file") << "x";
}

TEST_F(VanishingFolders, AreThereAndGoWithTheirOwner) {
  {
    const VanishingFolder folder(parent()), other(parent());
    EXPECT_NE(folder.path(), other.path());
    fill(folder);
    EXPECT_TRUE(fs::exists(folder.path() + "/deeper/file"));
  }
  EXPECT_TRUE(nothing_left());
}

TEST_F(VanishingFolders, GoWhateverEndsTheProgram) {
  // What removes the folder outlives its parent, and becomes a child of this one to be waited for.
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  for (const int signal : {SIGKILL, SIGTERM, SIGINT}) {
    const pid_t owner = ::fork();
    if (owner == 0) {
      const VanishingFolder folder(parent());
      fill(folder);
      ::raise(signal);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(owner, &status, 0), owner);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal);
    ASSERT_GT(::waitpid(-1, &status, 0), 0);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(nothing_left()) << signal;
  }
}

TEST_F(VanishingFolders, ThatCannotBeMadeAreSaid) {
  EXPECT_THROW(VanishingFolder(parent() + "/none"), std::runtime_error);
}

}  // namespace
}  // namespace claimgate::bench
