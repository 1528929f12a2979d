#include "belfry/dead_letters.h"

#include <string>

#include "absl/status/status.h"

#include "dispatch/dispatcher_core.h"
#include "dispatch/redelivery.h"

namespace belfry {

std::vector<DeadLetter> DeadLetters::List() const { return core_->dead_letters().List(); }
std::size_t DeadLetters::size() const { return core_->dead_letters().size(); }
bool DeadLetters::Discard(std::uint64_t number) const {
  return core_->dead_letters().Discard(number);
}
std::size_t DeadLetters::DiscardAll() const { return core_->dead_letters().Clear(); }

absl::Status DeadLetters::Retry(std::uint64_t number) const {
  const auto about = [&](const std::string& what) {
    return "dead letter " + std::to_string(number) + what;
  };
  DeadLetterBox::Taken taken(core_->dead_letters(), number);
  if (!taken) return absl::NotFoundError(about(" is not there"));
  const std::string name = ": listener \"" + taken.letter()->letter.listener + "\" is ";
  const std::shared_ptr<MailboxListener> listener = taken.letter()->listener.lock();
  if (listener == nullptr || listener->detached()) return absl::NotFoundError(about(name + "gone"));
  if (listener->Listed().stats.muted) return absl::FailedPreconditionError(about(name + "muted"));
  return Redelivery(*core_).RetryDeadLetter(taken, *listener).status();
}

}  // namespace belfry
