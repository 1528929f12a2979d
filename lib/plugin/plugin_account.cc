#include "plugin/plugin_account.h"

#include "belfry/plugin.h"
#include "belfry/plugin_breaker.h"
#include "plugin/border.h"
#include "plugin/plugin_call.h"

namespace belfry {

PluginAccount::PluginAccount(Dispatcher& dispatcher, const PluginHostOptions& options,
                             int crash_descriptor, const PluginNote& note)
    : dispatcher_(dispatcher),
      options_(options),
      crash_descriptor_(crash_descriptor),
      note_(note),
      clock_(dispatcher.clock()),
      deadline_(options.breaker.deadline),
      breaker_(clock_, options.breaker) {}

bool PluginAccount::IsInside() const {
  for (const PluginCall* call = CurrentPluginCall(); call != nullptr; call = call->outer) {
    if (call->plugin == this) return true;
  }
  return false;
}

std::vector<std::string> PluginAccount::RunningListeners() const {
  std::vector<std::string> names;
  for (const StuckDelivery& delivery : dispatcher_.RunningDeliveries()) {
    if (delivery.listener.starts_with(note_.id + ".")) names.push_back(delivery.listener);
  }
  return names;
}

void PluginAccount::Log(std::uint32_t level, std::string_view line) const {
  if (silent_.load(std::memory_order_acquire)) return;
  if (options_.log) options_.log(note_.id, level, line);
}

void PluginAccount::Tell(CircuitBreaker::Change change) const {
  if (change == CircuitBreaker::Change::kNone || silent_.load(std::memory_order_acquire)) return;
  if (change == CircuitBreaker::Change::kBack) {
    Log(BELFRY_LOG_INFO, "it is called again");
    dispatcher_.Publish(PluginBack{note_.id});
    return;
  }
  const std::string why = breaker_.why();
  Log(BELFRY_LOG_ERROR, "it is cut off: " + why);
  dispatcher_.Publish(PluginCutOff{note_.id, why});
}

void PluginAccount::RunsFor(Nanoseconds longest) {
  if (longest < deadline_) return breaker_.OverdueEnded();
  const std::vector<std::string> running = RunningListeners();
  Tell(breaker_.Overdue((running.empty() ? "a call" : running.front()) +
                        " has been running for at least " + InSeconds(deadline_)));
}

}  // namespace belfry
