// A shutdown's report in words.

#include <chrono>
#include <string>

#include "belfry/shutdown.h"

namespace belfry {
namespace {

// "; 3 queued", or nothing.
std::string Counted(std::uint64_t count, const char* what) {
  return count == 0 ? "" : "; " + std::to_string(count) + " " + what;
}

}  // namespace

std::string_view ToString(DrainResult result) {
  switch (result) {
    case DrainResult::kDrained:
      return "drained";
    case DrainResult::kTimedOut:
      return "timed out";
    case DrainResult::kWouldDeadlock:
      return "would deadlock";
  }
  return "unknown";
}

std::string ToString(const StuckDelivery& delivery) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(delivery.running_for);
  return "listener \"" + delivery.listener + "\" on " + std::string(delivery.event_type.name()) +
         ", thread " + std::to_string(delivery.thread) + ", for " + std::to_string(ms.count()) +
         " ms or longer";
}

std::string ToString(const WaitingDelivery& delivery) {
  return "listener \"" + delivery.listener + "\" on " + std::string(delivery.event_type.name()) +
         " " + ToString(delivery.event) + ", waits for " +
         (delivery.waits_for.empty() ? "its turn" : delivery.waits_for);
}

std::string ToString(const ShutdownReport& report) {
  std::string text = report.complete         ? "shutdown complete"
                     : report.requested_only ? "shutdown requested from inside"
                                             : "shutdown not complete";
  text += Counted(report.cancelled, "cancelled");
  text += Counted(report.unpublished, "not published");
  text += Counted(report.queued, "queued");
  text += Counted(report.stuck.size(), "still running");
  text += Counted(report.waiting.size(), "waiting");
  for (const StuckDelivery& delivery : report.stuck) text += "\n  " + ToString(delivery);
  for (const WaitingDelivery& delivery : report.waiting) text += "\n  " + ToString(delivery);
  return text;
}

}  // namespace belfry
