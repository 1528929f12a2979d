// Several loops, each on a thread of its own.
//
//   belfry::LoopGroup loops({.loops = 4, .name = "web"});
//   loops.loop(2).Post([] { Serve(); });  // on the third one's thread
//   loops.PostToEach([] { Greet(); });    // on every one's
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "belfry/event_loop.h"
#include "belfry/event_loop_options.h"
#include "belfry/export.h"

namespace belfry {

struct LoopGroupOptions {
  unsigned loops = 0;                // 0: one per core
  std::string name = "belfry.loop";  // of the threads; the system cuts it to 15 bytes
  EventLoopOptions loop{};           // of each; with on_slow each has a watching thread
};

// Loops that run from the constructor to the destructor.
//
// Thread safety: any thread. The loops belong to their threads: from elsewhere, Post to them.
// Signals: blocked in the group's threads; handlers run elsewhere.
// Lifetime: outlives whatever watches, posts or arms on its loops. The destructor stops the loops,
// joins the threads and then runs, on the calling thread, posted work that is left, whichever loop
// of the group it is for. It must not be called on a thread of the group (aborts).
// Errors: the constructor throws std::system_error when the system refuses a thread or a
// descriptor; all that was started has been joined then. What a callback throws ends the program.
class BELFRY_EXPORT LoopGroup {
 public:
  explicit LoopGroup(LoopGroupOptions options = {});
  ~LoopGroup();
  LoopGroup(const LoopGroup&) = delete;
  LoopGroup& operator=(const LoopGroup&) = delete;

  std::size_t size() const;
  EventLoop& loop(std::size_t index);  // aborts beyond the last one

  // Posts a copy of `work` to each loop. Throws what EventLoop::Post throws; then the first ones
  // have it.
  template <Postable F>
  void PostToEach(const F& work) {
    for (std::size_t i = 0; i < size(); ++i) loop(i).Post(work);
  }

  // Lets each loop return after the turn it is in. The destructor does so, too.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
