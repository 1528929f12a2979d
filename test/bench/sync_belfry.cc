// Belfry in the synchronous works: inline listeners of one dispatcher.
#include <utility>

#include "belfry/dispatcher.h"
#include "bench/event.h"
#include "bench/sync_register.h"

namespace {

class BelfrySubject {
 public:
  static constexpr bool kThreadSafe = true;
  static constexpr bool kSubscribes = true;

  template <class F>
  belfry::Subscription Add(F listener) {
    return dispatcher_.Subscribe(std::move(listener), {.run = belfry::Run::kInline});
  }
  void Emit(bench::Event&& event) { dispatcher_.Publish(std::move(event)); }

 private:
  belfry::Dispatcher dispatcher_;
};

[[maybe_unused]] const bool registered = bench::RegisterSync<BelfrySubject>("belfry");

}  // namespace
