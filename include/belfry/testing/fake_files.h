// Files in memory, for a test's world.
//
//   belfry::testing::World world;
//   belfry::testing::FakeFiles files(world);
//   files.Put("welcome.txt", "Hello {{name}}");
//   files.FailNth(2, absl::ResourceExhaustedError("disk full"));
//   auto wiring = WireWelcome(world.dispatcher(), files);  // as the program does
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/clock.h"
#include "belfry/export.h"
#include "belfry/files.h"

namespace belfry::testing {

class World;

// BlockingFiles without a disk: the same events, statuses and texts. Each operation ends in a step
// of the world, and takes effect in that moment; with Explore they end in every order.
//
// It cannot show: a file of which only a part is there while it is written without a temporary, or
// after a power cut (FileWriteOptions::durable is noted, no more); directories that are missing,
// since every path may be written; modes, owners, links and file systems.
//
// A read is never short here, since with BlockingFiles it never is: when the system reads or writes
// less than it was asked to, they go on until they have all, so no listener sees it. Half a file is
// what another program has only half written: Put(path, half of it).
//
// Thread safety: the world's thread. Lifetime: ends before its world. The destructor finishes what
// was asked for and publishes its events, once; at the dispatcher's shutdown it accepts no more,
// and what finishes after that has no event, but whoever awaits it goes on.
class BELFRY_EXPORT FakeFiles final : public Files {
 public:
  // `threads` makes no difference: there are as many as operations.
  explicit FakeFiles(World& world, BlockingFilesOptions options = {});
  ~FakeFiles() override;

  FileRequest<FileReadFinished> Read(std::string path) override;
  FileRequest<FileWriteFinished> Write(std::string path, std::string content,
                                       FileWriteOptions options = FileWriteOptions()) override;

  // --- What is there ---
  void Put(std::string path, std::string content);
  void Remove(const std::string& path);
  const std::map<std::string, std::string>& content() const;  // by path
  // What was accepted, in the order in which it was asked for, whatever became of it.
  struct AskedWrite {
    FileOperation operation = 0;
    std::string path{};
    std::string content{};
    FileWriteOptions options{};
  };
  const std::vector<AskedWrite>& writes() const;

  // --- When it ends, for what is asked for from now on ---
  // Nothing, as at first: at any time, in any order.
  void SetLatency(std::optional<Nanoseconds> latency);
  void SetLatency(std::string path, Nanoseconds latency);  // of this path

  // --- What goes wrong ---
  // A write that fails leaves the path as it was if it has a temporary; else half of the content.
  // The operation of that number (the first is 1) ends like this.
  void FailNth(FileOperation nth, absl::Status status);
  // With Explore: it may end like this, or not; both are tried.
  void MayFailNth(FileOperation nth, absl::Status status);
  // All operations that end from now on with this path, or with it as their temporary; OK: no more.
  void Fail(std::string path, absl::Status status);
  // Read and Write are refused, until it is said otherwise.
  void Refuse(bool refuses = true);

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;  // shared with itself: it may go inside one of its own events
};

}  // namespace belfry::testing
