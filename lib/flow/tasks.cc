#include "belfry/flow/tasks.h"

#include "absl/status/status.h"

namespace belfry {
namespace {

ListenerOptions OptionsOf(TasksOptions options, const Tasks* self) {
  ListenerOptions of_listener;
  of_listener.name = std::move(options.name);
  of_listener.executor = options.executor;
  of_listener.concurrency = options.at_once_max;
  of_listener.filter = [self](const TaskStarted& started) { return started.by == self; };
  return of_listener;
}

}  // namespace

Tasks::Tasks(Dispatcher& dispatcher, TasksOptions options, Site site)
    : publisher_(dispatcher.publisher()),
      subscription_(
          dispatcher.Subscribe([](const TaskStarted& started) { return (*started.begin)(); },
                               OptionsOf(std::move(options), this), site)) {}

absl::Status Tasks::Begin(std::function<Task<>()> begin) {
  const auto shared = std::make_shared<std::function<Task<>()>>(std::move(begin));
  return publisher_.Publish(TaskStarted{this, shared}).status();
}

}  // namespace belfry
