// POCO in the synchronous works: a BasicEvent and delegates. Those name a member function of an
// object, so each lambda lives in one.
#include <Poco/BasicEvent.h>
#include <Poco/Delegate.h>

#include <memory>
#include <utility>

#include "bench/event.h"
#include "bench/sync_register.h"

namespace {

using PocoEvent = Poco::BasicEvent<const bench::Event>;

template <class F>
class Target {
 public:
  Target(PocoEvent& event, F listener) : event_(event), listener_(std::move(listener)) {
    event_ += Poco::delegate(this, &Target::OnEvent);
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  ~Target() { event_ -= Poco::delegate(this, &Target::OnEvent); }

  void OnEvent(const void* /*sender*/, const bench::Event& event) { listener_(event); }

 private:
  PocoEvent& event_;
  F listener_;
};

class PocoSubject {
 public:
  static constexpr bool kThreadSafe = true;
  static constexpr bool kSubscribes = true;

  template <class F>
  std::unique_ptr<Target<F>> Add(F listener) {
    return std::make_unique<Target<F>>(event_, std::move(listener));
  }
  void Emit(const bench::Event& event) { event_.notify(this, event); }

 private:
  PocoEvent event_;
};

[[maybe_unused]] const bool registered = bench::RegisterSync<PocoSubject>("POCO");

}  // namespace
