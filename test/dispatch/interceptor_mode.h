// What the tests of interceptors have in common: a dispatcher with some, and notes of what they do.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "belfry/interceptor.h"
#include "dispatch/timed_test.h"

namespace belfry {

class InterceptorModeTest : public TimedTest {
 protected:
  void MakeWith(std::vector<Interceptor> interceptors) {
    MakeTimed([&](DispatcherOptions& options) { options.interceptors = std::move(interceptors); });
  }
  void Note(std::string text) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(text));
  }
  std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  // Says what it is called around.
  Interceptor Noting(const std::string& name) {
    return {.around_publish =
                [this, name](const AnyEvent&, PublishOptions&, PublishNext& next) {
                  Note(name + " publish");
                  const PublishResult result = next();
                  if (mode() != Mode::kPool1 && mode() != Mode::kPool4) Note(name + " published");
                  return result;
                },
            .around_delivery =
                [this, name](const AnyEvent&, Context&, DeliveryNext& next) {
                  Note(name + " deliver");
                  Failure failure = next();
                  Note(name + " delivered");
                  return failure;
                }};
  }
  static Interceptor AroundDelivery(decltype(Interceptor::around_delivery) around) {
    return {.around_delivery = std::move(around)};
  }
  static Interceptor AroundPublish(decltype(Interceptor::around_publish) around) {
    return {.around_publish = std::move(around)};
  }
  Interceptor Counting(std::atomic<int>& publishes) {
    return AroundPublish([&](const AnyEvent&, PublishOptions&, PublishNext& next) {
      ++publishes;
      return next();
    });
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> notes_;
};

}  // namespace belfry
