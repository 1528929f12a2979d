#include "belfry/plugin_file.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "absl/status/status.h"

#include "belfry/plugin_note.h"
#include "plugin/mapped_file.h"
#include "temporary_folder.h"

namespace belfry {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PluginFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& bytes, mode_t mode = 0755) {
    const std::string path = folder_ / "plugin.so";
    std::filesystem::remove(path);
    TemporaryFolder::Fill(path, bytes);
    ::chmod(path.c_str(), mode);
    return path;
  }
  // What reading a file of these bytes says.
  absl::Status Read(const std::string& bytes) { return ReadPluginFile(Write(bytes)).status(); }
  // hello_c with a changed header.
  template <class Change>
  absl::Status ReadChanged(Change change) {
    std::string bytes = hello_;
    ElfW(Ehdr) header{};
    std::memcpy(&header, bytes.data(), sizeof(header));
    change(header);
    std::memcpy(bytes.data(), &header, sizeof(header));
    return Read(bytes);
  }

  const std::string hello_ = TemporaryFolder::Content(MODULE_HELLO_C);
  const TemporaryFolder folder_;
};

TEST_F(PluginFileTest, SaysWhatThePluginSaysOfItself) {
  const auto file = ReadPluginFile(MODULE_HELLO_C, {.writable_by_others = true});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->note.id, "hello_c");
  EXPECT_EQ(file->note.version, "1.0.0");
  EXPECT_EQ(file->note.abi_major, unsigned{BELFRY_ABI_MAJOR});
  ASSERT_EQ(file->note.listens.size(), 1u);
  EXPECT_EQ(file->note.listens[0].name, "shop.order_placed");
  EXPECT_EQ(file->note.listens[0].schema_version, 1u);
  ASSERT_EQ(file->note.publishes.size(), 1u);
  EXPECT_EQ(file->note.publishes[0].name, "shop.order_thanked");
  EXPECT_THAT(file->libraries, Contains(HasSubstr("libc.so")));
  EXPECT_TRUE(file->exports_plugin);
  EXPECT_THAT(file->unique_symbols, IsEmpty());
  EXPECT_FALSE(file->thread_local_destructors);
}

TEST_F(PluginFileTest, SaysThatThreadsWillKeepIt) {
  const auto file = ReadPluginFile(MODULE_LINGERING, {.writable_by_others = true});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->thread_local_destructors);
}

TEST_F(PluginFileTest, SaysThatItsSymbolIsMissing) {
  std::string bytes = hello_;
  const std::string symbol = "belfry_plugin_v1";
  for (std::size_t at = bytes.find(symbol); at != std::string::npos; at = bytes.find(symbol)) {
    bytes.replace(at, symbol.size(), "foundry_plugin_v");
  }
  const auto file = ReadPluginFile(Write(bytes));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(file->exports_plugin);
}

TEST_F(PluginFileTest, NothingOfItIsMapped) {
  ASSERT_TRUE(ReadPluginFile(Write(hello_)).ok());
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    EXPECT_THAT(line, Not(HasSubstr(folder_.path())));
  }
}

TEST_F(PluginFileTest, AFileThatIsNotThereIsRefused) {
  const absl::Status status = ReadPluginFile(folder_ / "none.so").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ / "none.so"));
  EXPECT_EQ(ReadPluginFile(folder_.path()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PluginFileTest, WhatIsNoElfFileIsRefused) {
  EXPECT_THAT(std::string(Read("#!/bin/sh\n").message()), HasSubstr("it has 10 bytes"));
  EXPECT_THAT(std::string(Read(std::string(5000, 'x')).message()), HasSubstr("no ELF file"));
  EXPECT_EQ(Read("").code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PluginFileTest, AProgramIsNoPlugin) {
  EXPECT_THAT(std::string(ReadChanged([](auto& header) { header.e_type = ET_EXEC; }).message()),
              HasSubstr("type 2, not a shared object (3)"));
}

TEST_F(PluginFileTest, ALibraryWithoutANoteIsNoPlugin) {
  // The note's name is nowhere else in the file.
  std::string bytes = hello_;
  for (std::size_t at = bytes.find("Belfry"); at != std::string::npos; at = bytes.find("Belfry")) {
    bytes.replace(at, 6, "Foundry", 6);
  }
  const absl::Status status = Read(bytes);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("BELFRY_PLUGIN"));
}

TEST_F(PluginFileTest, EveryDifferenceOfMachinesIsNamedWithBothValues) {
  const absl::Status status = ReadChanged([](auto& header) {
    header.e_ident[EI_CLASS] = header.e_ident[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
    header.e_ident[EI_DATA] = header.e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
    header.e_machine = static_cast<ElfW(Half)>(EM_S390 << 8);
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("32 bits"), HasSubstr("64 bits")));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("little-endian"), HasSubstr("big-endian")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("it is for S/390, this process is "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("build it for this machine"));
}

TEST_F(PluginFileTest, AnotherProcessorsFileIsRefused) {
  const absl::Status status = ReadChanged([](auto& header) {
    header.e_machine = header.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("AArch64"));
}

TEST_F(PluginFileTest, ATruncatedFileIsRefusedWhereverItEnds) {
  // Behind the last segment there is nothing that a loader needs.
  std::uint64_t needed = 0;
  ElfW(Ehdr) header{};
  std::memcpy(&header, hello_.data(), sizeof(header));
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment{};
    std::memcpy(&segment, hello_.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    needed = std::max<std::uint64_t>(needed, segment.p_offset + segment.p_filesz);
  }
  for (std::uint64_t size = 0; size < needed; size += size < 1200 ? 1 : 97) {
    EXPECT_EQ(Read(hello_.substr(0, size)).code(), absl::StatusCode::kInvalidArgument) << size;
  }
  EXPECT_EQ(Read(hello_.substr(0, needed - 1)).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PluginFileTest, SizesThatLieAreRefused) {
  EXPECT_FALSE(ReadChanged([](auto& header) { header.e_phnum = 65'535; }).ok());
  EXPECT_FALSE(ReadChanged([](auto& header) { header.e_phentsize = 1; }).ok());
  EXPECT_FALSE(ReadChanged([](auto& header) { header.e_phoff = ~ElfW(Off){0}; }).ok());
  EXPECT_FALSE(ReadChanged([](auto& header) { header.e_phoff = ~ElfW(Off){0} - 100; }).ok());
  // Sections are nothing that a loader needs: without them nobody knows of unique symbols.
  EXPECT_TRUE(ReadChanged([](auto& header) { header.e_shoff = ~ElfW(Off){0}; }).ok());
  EXPECT_TRUE(ReadChanged([](auto& header) { header.e_shnum = 65'535; }).ok());
}

TEST_F(PluginFileTest, WhateverBytesAreChangedNothingIsReadThatIsNotThere) {
  std::mt19937 random(8);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = hello_;
    for (int change = 0; change < 8; ++change) {
      bytes[random() % 1500] = static_cast<char>(random());
    }
    if (round % 2 == 0) bytes.resize(bytes.size() - random() % bytes.size());
    static_cast<void>(Read(bytes));
  }
}

TEST_F(PluginFileTest, WhatOthersMayWriteIsRefusedUnlessAllowed) {
  for (const mode_t mode : {0777u, 0775u, 0757u}) {
    const absl::Status status = ReadPluginFile(Write(hello_, mode)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << mode;
    EXPECT_THAT(std::string(status.message()), HasSubstr("chmod go-w"));
    EXPECT_TRUE(ReadPluginFile(Write(hello_, mode), {.writable_by_others = true}).ok());
  }
}

TEST_F(PluginFileTest, AllThatIsWrongIsSaidAtOnce) {
  const absl::Status status = ReadPluginFile(Write("#!/bin/sh\n", 0777)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("chmod go-w"), HasSubstr("; it has 10 bytes")));
}

TEST_F(PluginFileTest, WhatBelongsToOthersIsRefusedUnlessAllowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const std::string path = Write(hello_);
  ASSERT_EQ(::chown(path.c_str(), 4242, 4242), 0);
  const absl::Status status = ReadPluginFile(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("user 4242, this process to 0"));
  EXPECT_TRUE(ReadPluginFile(path, {.owned_by_others = true}).ok());
}

TEST(PluginNoteTest, EachLineThatCannotBeReadIsNamed) {
  const absl::Status status =
      ReadPluginNote("abi 1 0\nid two words\nversion 1\nlistens a.b 0\nkey k colour required\n")
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("line 2 cannot be read: \"id two words\""), HasSubstr("line 4"),
                    HasSubstr("line 5"), HasSubstr("BELFRY_ID")));
}

TEST(PluginNoteTest, AnotherMajorVersionIsRefusedWithBoth) {
  const absl::Status status = ReadPluginNote("abi 2 3\nid x\nversion 1\n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("version 2.3"), HasSubstr("this host has 1.0")));
}

TEST(PluginNoteTest, WhatANewerMinorVersionSaysBeyondIsPassedOver) {
  EXPECT_TRUE(ReadPluginNote("abi 1 7\nid x\nversion 1\nsings aloud\n").ok());
  EXPECT_FALSE(ReadPluginNote("abi 1 0\nid x\nversion 1\nsings aloud\n").ok());
}

TEST(PluginNoteTest, KeysHaveATypeAndMayBeRequired) {
  const auto note = ReadPluginNote(BELFRY_NOTE_TEXT(BELFRY_ID("x") BELFRY_PLUGIN_VERSION(
      "1") BELFRY_REQUIRES_KEY("greeting", "text") BELFRY_ALLOWS_KEY("times", "integer")));
  ASSERT_TRUE(note.ok()) << note.status();
  ASSERT_EQ(note->keys.size(), 2u);
  EXPECT_EQ(note->keys[0].name, "greeting");
  EXPECT_TRUE(note->keys[0].required);
  EXPECT_EQ(note->keys[1].type, "integer");
  EXPECT_FALSE(note->keys[1].required);
}

TEST(MappedFileTest, OurOwnProgramIsMappedAndNothingIsAtNull) {
  static const int ours = 0;
  EXPECT_TRUE(IsMapped(MappedFileAt(&ours)));
  EXPECT_EQ(MappedFileAt(nullptr), "");
  EXPECT_FALSE(IsMapped("00:00 123456789"));
}

}  // namespace
}  // namespace belfry
