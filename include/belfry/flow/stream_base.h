// The part of a stream that does not depend on its type.
//
// Users need nothing from this header but WhenFull.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "belfry/export.h"
#include "belfry/flow/task_wait.h"

namespace belfry {

// What becomes of an event that finds a stream full.
enum class WhenFull {
  kDropOldest,  // the oldest one goes
  kDropNewest,  // it is not kept
  kEnd,         // nor anything that comes later: the stream ends behind what it has
};

class StreamWaiter;

// Where one event lies.
struct StreamPlace {
  StreamPlace* next = nullptr;
};

// What is kept, what is spare, and who waits.
//
// Thread safety: any thread.
class BELFRY_EXPORT StreamBase {
 public:
  StreamBase(std::size_t events_max, WhenFull when_full);
  StreamBase(const StreamBase&) = delete;
  StreamBase& operator=(const StreamBase&) = delete;

  bool ready() const;  // there is one, or its end
  std::uint64_t dropped() const;

 protected:
  ~StreamBase();
  StreamPlace* TakeSpare();  // null: there is none
  void GiveBack(StreamPlace* place);
  // The place of the event that is not kept for it: of the oldest, or its own; or null.
  StreamPlace* PutErased(StreamPlace* place);
  StreamPlace* Pop();  // the oldest; null: there is none

 private:
  friend class StreamWaiter;
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

class BELFRY_EXPORT StreamWaiter : public TaskWait {
 protected:
  StreamWaiter(Site site, std::string_view event) : TaskWait(site), event_(event) {}
  ~StreamWaiter() = default;

  bool Start(StreamBase& stream, TaskRun& run, std::coroutine_handle<> awaiting);  // or it is ready
  void Stop(StreamBase& stream);

 private:
  friend class StreamBase;
  void WaitsFor(WaitText& text) const override { text << "the next " << event_; }

  const std::string_view event_;  // its type's name
};

}  // namespace belfry
