#include "belfry/flow/tasks.h"

#include "absl/status/status.h"

namespace belfry {

Tasks::Tasks(Dispatcher& dispatcher, TasksOptions options, Site site)
    : publisher_(dispatcher.publisher()),
      subscription_(dispatcher.Subscribe(
          [](const TaskStarted& started) { return (*started.begin)(); },
          {.name = std::move(options.name),
           .executor = options.executor,
           .concurrency = options.at_once_max,
           .filter = [self = this](const TaskStarted& started) { return started.by == self; }},
          site)) {}

absl::Status Tasks::Begin(std::function<Task<>()> begin) {
  const auto shared = std::make_shared<std::function<Task<>()>>(std::move(begin));
  return publisher_.Publish(TaskStarted{this, shared}).status();
}

}  // namespace belfry
