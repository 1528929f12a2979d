// Events of bytes, delivered one after the other.
#pragma once

#include <cstdint>

#include "belfry/queued_pass.h"
#include "sync/sync.h"

namespace belfry {

class Frame;
class LazyEnvelope;
class LogPage;
class QueuedListener;

// What a turn of a queued listener delivers from one page of its log, as long as nothing else is to
// be done: the loop knows no page, no envelope and no failure.
//
// Thread safety: the turn's thread.
class QueuedRun final : public QueuedPass {
 public:
  // At most `count` events from `position` on, which is on the page.
  QueuedRun(QueuedListener& listener, Frame& frame, LogPage& page, std::uint64_t position,
            std::uint64_t count);
  ~QueuedRun();
  QueuedRun(const QueuedRun&) = delete;
  QueuedRun& operator=(const QueuedRun&) = delete;

  void Deliver();
  // Whose the envelope is that somebody asks for.
  void Introduce(LazyEnvelope& envelope);

 private:
  friend class QueuedPass;
  void Fail(std::string_view what);

  QueuedListener& listener_;
  Frame& frame_;
  LogPage& page_;
};

}  // namespace belfry
