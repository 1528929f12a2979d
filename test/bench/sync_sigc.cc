// libsigc++ in the synchronous works. Its signals are for one thread.
#include <utility>

#include "bench/event.h"
#include "bench/sync_register.h"
#include <sigc++/sigc++.h>

namespace {

class Handle {
 public:
  explicit Handle(sigc::connection connection) : connection_(std::move(connection)) {}
  Handle(Handle&& other) noexcept : connection_(std::exchange(other.connection_, {})) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() { connection_.disconnect(); }

 private:
  sigc::connection connection_;
};

class SigcSubject {
 public:
  static constexpr bool kThreadSafe = false;
  static constexpr bool kSubscribes = true;

  template <class F>
  Handle Add(F listener) {
    return Handle(signal_.connect(std::move(listener)));
  }
  void Emit(const bench::Event& event) { signal_.emit(event); }

 private:
  sigc::signal<void(const bench::Event&)> signal_;
};

[[maybe_unused]] const bool registered = bench::RegisterSync<SigcSubject>("libsigc++");

}  // namespace
