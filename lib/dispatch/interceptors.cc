#include "dispatch/interceptors.h"

#include <cxxabi.h>

#include <optional>
#include <string>
#include <utility>

#include "belfry/check.h"
#include "dispatch/catching.h"
#include "dispatch/library_event.h"

namespace belfry {

Interceptors::Interceptors(const std::vector<Interceptor>& all) {
  for (const Interceptor& interceptor : all) {
    if (interceptor.around_publish) of_publishes_.push_back(interceptor.around_publish);
    if (interceptor.around_delivery) of_deliveries_.push_back(interceptor.around_delivery);
  }
}

// --- Around a publish ---

class Interceptors::PublishStep final : public PublishNext {
 public:
  PublishStep(const Interceptors& interceptors, std::size_t next, Intercepted& intercepted)
      : interceptors_(interceptors), next_(next), intercepted_(intercepted) {}

  PublishResult operator()() override {
    BELFRY_CHECK(!std::exchange(called_, true), "an interceptor publishes an event at most once");
    result_ = interceptors_.PublishFrom(next_, intercepted_);
    return *result_;
  }
  // What became of the publish, once that is known.
  const std::optional<PublishResult>& result() const { return result_; }

 private:
  const Interceptors& interceptors_;
  const std::size_t next_;
  Intercepted& intercepted_;
  bool called_ = false;
  std::optional<PublishResult> result_;
};

PublishResult Interceptors::PublishFrom(std::size_t index, Intercepted& intercepted) const {
  if (index == of_publishes_.size()) {
    intercepted.reached = true;
    return intercepted.publish();
  }
  PublishStep next(*this, index + 1, intercepted);
  PublishResult said;
  try {
    said = of_publishes_[index](intercepted.event, intercepted.options, next);
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    if (!next.result().has_value()) throw;
    Catching([] { throw; }, [&](std::string_view what) { intercepted.told(what); }, [] {});
  }
  if (next.result().has_value()) return *next.result();
  return said.ok() ? PublishResult(PublishResult::Code::kIntercepted, 0) : said;
}

// --- Around a delivery ---

struct Interceptors::Delivering {
  const AnyEvent event;
  const void* const given;
  Context& context;
  Callable& callable;
  bool reached = false;  // whether it came to the callable
};

class Interceptors::DeliveryStep final : public DeliveryNext {
 public:
  DeliveryStep(const Interceptors& interceptors, std::size_t next, Delivering& delivering)
      : interceptors_(interceptors), next_(next), delivering_(delivering) {}

  Failure operator()() override {
    Failure failure;
    Catching([&] { failure = interceptors_.DeliverFrom(next_, delivering_); },
             [&](const Thrown& thrown) {
               failure = Failure::Because(std::string(thrown.what), thrown.permanent);
             },
             [] {});
    return failure;
  }

 private:
  const Interceptors& interceptors_;
  const std::size_t next_;
  Delivering& delivering_;
};

Failure Interceptors::DeliverFrom(std::size_t index, Delivering& delivering) const {
  if (index == of_deliveries_.size()) {
    delivering.reached = true;
    return delivering.callable.Call(delivering.given, &delivering.context);
  }
  DeliveryStep next(*this, index + 1, delivering);
  return of_deliveries_[index](delivering.event, delivering.context, next);
}

Failure Interceptors::Deliver(const void* given, Context& context, Callable& callable) const {
  const Envelope& envelope = context.envelope();
  // Who listens to several types may have asked for the library's, too.
  if (IsLibraryEvent(envelope.type())) return callable.Call(given, &context);
  Delivering delivering{{envelope.type(), envelope.event()}, given, context, callable};
  Failure failure = DeliverFrom(0, delivering);
  return failure || delivering.reached ? std::move(failure)
                                       : Failure::Unwanted("an interceptor did not call it");
}

}  // namespace belfry
