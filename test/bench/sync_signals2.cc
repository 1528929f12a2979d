// Boost.Signals2 in the synchronous works: a signal as it comes, with its default mutex.
#include <utility>

#include <boost/signals2.hpp>

#include "bench/event.h"
#include "bench/sync_register.h"

namespace {

class SignalSubject {
 public:
  static constexpr bool kThreadSafe = true;
  static constexpr bool kSubscribes = true;

  template <class F>
  boost::signals2::scoped_connection Add(F listener) {
    return signal_.connect(std::move(listener));
  }
  void Emit(const bench::Event& event) { signal_(event); }

 private:
  boost::signals2::signal<void(const bench::Event&)> signal_;
};

[[maybe_unused]] const bool registered = bench::RegisterSync<SignalSubject>("Boost.Signals2");

}  // namespace
