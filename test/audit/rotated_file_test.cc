#include "rotated_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "audit/size_limit.h"
#include "temporary_folder.h"
#include "waiting.h"

namespace audit {
namespace {

using belfry::TemporaryFolder;
using ::testing::HasSubstr;

class RotatedFileTest : public ::testing::Test {
 protected:
  RotatedFileOptions Options(std::uint64_t bytes_max, unsigned files_max) const {
    return {.path = path_, .bytes_max = bytes_max, .files_max = files_max};
  }
  // What is in it, and in those that were put aside, until one is not there.
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (std::string path = path_; std::filesystem::exists(path);
         path = path_ + "." + std::to_string(files.size())) {
      files.push_back(TemporaryFolder::Content(path));
    }
    return files;
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_ / "log";
};

std::string WhyItFails(RotatedFile& file, const std::string& line) {
  try {
    file.Append(line);
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "";
}

TEST_F(RotatedFileTest, AFullFileIsPutAsideAndTheOldestGoes) {
  RotatedFile file(Options(8, 3));
  for (const char* line : {"one\n", "two\n", "three\n", "four\n", "five\n", "six\n"}) {
    file.Append(line);
  }
  EXPECT_EQ(Files(), (std::vector<std::string>{"six\n", "five\n", "four\n"}));
  EXPECT_EQ(folder_.entries(), 3u);
}

TEST_F(RotatedFileTest, AFileIsFilledUpToItsLastByte) {
  RotatedFile file(Options(8, 3));
  file.Append("one\n");
  file.Append("two\n");
  EXPECT_EQ(Files(), (std::vector<std::string>{"one\ntwo\n"}));
  file.Append("3\n");
  EXPECT_EQ(Files(), (std::vector<std::string>{"3\n", "one\ntwo\n"}));
}

TEST_F(RotatedFileTest, ALineThatIsLargerThanAFileHasOneOfItsOwn) {
  RotatedFile file(Options(8, 5));
  for (const char* line : {"a rather long line\n", "one\n", "another long line\n"}) {
    file.Append(line);
  }
  EXPECT_EQ(Files(),
            (std::vector<std::string>{"another long line\n", "one\n", "a rather long line\n"}));
}

TEST_F(RotatedFileTest, WithOneFileWhatWasThereGoes) {
  RotatedFile file(Options(8, 1));
  for (const char* line : {"one\n", "two\n", "three\n"}) file.Append(line);
  EXPECT_EQ(Files(), (std::vector<std::string>{"three\n"}));
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_F(RotatedFileTest, WhatIsThereIsKeptAndCounts) {
  { RotatedFile(Options(8, 3)).Append("one\n"); }
  RotatedFile file(Options(8, 3));
  EXPECT_FALSE(file.found_torn_line());
  file.Append("two\n");
  file.Append("three\n");
  EXPECT_EQ(Files(), (std::vector<std::string>{"three\n", "one\ntwo\n"}));
}

TEST_F(RotatedFileTest, ATornLineIsEndedAtTheStart) {
  TemporaryFolder::Fill(path_, "one\ntw");
  RotatedFile file(Options(100, 3));
  EXPECT_TRUE(file.found_torn_line());
  EXPECT_EQ(Files(), (std::vector<std::string>{"one\ntw\n"}));
  file.Append("three\n");
  EXPECT_EQ(Files(), (std::vector<std::string>{"one\ntw\nthree\n"}));
}

TEST_F(RotatedFileTest, AGapAmongThoseThatWerePutAsideDoesNotMatter) {
  // The process was killed between two renames.
  TemporaryFolder::Fill(path_, "new\n");
  TemporaryFolder::Fill(path_ + ".2", "old\n");
  RotatedFile file(Options(4, 4));
  file.Append("newer\n");
  EXPECT_EQ(Files(), (std::vector<std::string>{"newer\n", "new\n"}));
  EXPECT_EQ(TemporaryFolder::Content(path_ + ".3"), "old\n");
}

TEST_F(RotatedFileTest, AFullDiskFailsTheLineAndTheNextOneTriesAgain) {
  const std::size_t open = belfry::CountDescriptors();
  {
    RotatedFile file({.path = "/dev/full", .bytes_max = 8, .files_max = 3});
    EXPECT_THAT(WhyItFails(file, "one\n"),
                HasSubstr("cannot write to /dev/full: No space left on device"));
    EXPECT_THAT(WhyItFails(file, "two\n"), HasSubstr("No space left on device"));
  }
  EXPECT_EQ(belfry::CountDescriptors(), open);
}

TEST_F(RotatedFileTest, WhatIsNoRegularFileIsNeverPutAside) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  RotatedFile file(Options(4, 3));
  for (const char* line : {"one\n", "two\n", "three\n"}) file.Append(line);
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_F(RotatedFileTest, OfALineThatOnlyPartlyFitsNothingIsLeft) {
  RotatedFile file(Options(100, 3));
  file.Append("one\n");
  {
    const SizeLimit limit(10);
    EXPECT_THAT(WhyItFails(file, "two, which is longer\n"), HasSubstr("cannot write to"));
  }
  EXPECT_EQ(Files(), (std::vector<std::string>{"one\n"}));
  file.Append("three\n");
  EXPECT_EQ(Files(), (std::vector<std::string>{"one\nthree\n"}));
}

TEST_F(RotatedFileTest, WhatCannotBeTakenBackIsEndedBeforeTheNextLine) {
  const int memory = ::memfd_create("log", MFD_ALLOW_SEALING);
  ASSERT_GE(memory, 0);
  ASSERT_EQ(::fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK), 0);
  const std::string path = "/proc/self/fd/" + std::to_string(memory);
  {
    RotatedFile file({.path = path, .bytes_max = 100, .files_max = 3});
    file.Append("one\n");
    {
      const SizeLimit limit(6);
      EXPECT_THAT(WhyItFails(file, "two\n"), HasSubstr("cannot write to"));
      EXPECT_THAT(WhyItFails(file, "two\n"), HasSubstr("cannot write to"));
    }
    file.Append("three\n");
  }
  EXPECT_EQ(TemporaryFolder::Content(path), "one\ntw\nthree\n");
  ::close(memory);
}

TEST_F(RotatedFileTest, AFolderThatCannotBeWrittenToFailsTheLineUntilItCan) {
  // A folder stands where the full file should go.
  std::filesystem::create_directory(path_ + ".1");
  TemporaryFolder::Fill(path_ + ".1/file", "");
  RotatedFile file(Options(4, 2));
  file.Append("one\n");
  EXPECT_THAT(WhyItFails(file, "two\n"), HasSubstr("cannot put aside " + path_));
  EXPECT_EQ(TemporaryFolder::Content(path_), "one\n");
  std::filesystem::remove_all(path_ + ".1");
  file.Append("two\n");
  EXPECT_EQ(Files(), (std::vector<std::string>{"two\n", "one\n"}));
}

TEST_F(RotatedFileTest, AFileThatCannotBeOpenedAgainIsOpenedByTheNextLine) {
  RotatedFile file(Options(4, 3));
  file.Append("one\n");
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &none);
  const std::string first = WhyItFails(file, "two\n");
  const std::string second = WhyItFails(file, "two\n");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(first, HasSubstr("cannot open " + path_ + ": Too many open files"));
  EXPECT_THAT(second, HasSubstr("Too many open files"));
  file.Append("two\n");
  // Only once was it put aside.
  EXPECT_EQ(Files(), (std::vector<std::string>{"two\n", "one\n"}));
}

TEST_F(RotatedFileTest, AFileThatCannotBeOpenedIsSaidAtOnce) {
  const std::size_t open = belfry::CountDescriptors();
  EXPECT_THROW(RotatedFile({.path = folder_ / "none/log", .bytes_max = 8, .files_max = 3}),
               std::system_error);
  EXPECT_THROW(RotatedFile({.path = folder_.path(), .bytes_max = 8, .files_max = 3}),
               std::system_error);
  EXPECT_EQ(belfry::CountDescriptors(), open);
}

}  // namespace
}  // namespace audit
