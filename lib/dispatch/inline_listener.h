// One inline listener.
#pragma once

#include <cstdint>

#include "dispatch/listener.h"
#include "sync/sync.h"

namespace belfry {

class InlineListeners;
struct InlineGroup;
struct InlineOrder;

// Used again when it is gone, what it was before too, and nobody holds it, so that subscribing
// allocates nothing in the long run.
//
// Thread safety: any thread; what has no atomic is guarded by its topic's mutex.
class InlineListener final : public Listener {
 public:
  explicit InlineListener(Topic& topic) : Listener(topic) {}
  ~InlineListener() = default;

  void Detach() override;
  ResetResult Reset() override;
  ReplaceResult Replace(CallableHandle callable) override;
  void SetMuted(bool muted) override;
  void Finish() override;

 private:
  friend class InlineListeners;
  friend struct InlineOrder;
  friend class InlineRoll;
  enum class State : std::uint8_t { kLive, kDying, kEnding, kGone };

  State state_ = State::kGone;
  std::uint8_t index_ = 0;  // of its cell
  unsigned holders_ = 0;    // its subscription, and a Replace that is under way
  InlineGroup* group_ = nullptr;
  std::uint64_t born_ = 0;           // the first listener set that it is in
  std::uint64_t left_ = 0;           // the first that it is not in any more
  std::uint64_t passes_before_ = 0;  // over its topic, with earlier listener sets
  sync::Atomic<std::uint64_t> failed_{0};
  sync::Atomic<std::uint64_t> filtered_{0};
  // Among the live ones, the younger and the older; among the dying or the spare, the next.
  InlineListener* younger_ = nullptr;
  InlineListener* older_ = nullptr;
  // Callables that it had before and that did not end in time, each with a listener for its cell,
  // which refers to this one: what such a callable does is this one's.
  InlineListener* former_ = nullptr;
  InlineListener* owner_ = nullptr;
};

}  // namespace belfry
