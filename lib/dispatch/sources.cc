#include "dispatch/sources.h"

#include <algorithm>
#include <utility>

#include "dispatch/catching.h"

namespace belfry {

std::uint64_t Sources::Add(std::string name, std::function<void()> stop, WaitsFor waits_for) {
  std::list<Source> added;
  added.push_back({0, std::move(name), std::move(stop),
                   std::make_shared<const WaitsFor>(std::move(waits_for))});
  std::uint64_t id = 0;
  {
    const sync::Lock lock(mutex_);
    id = added.front().id = ++last_id_;
    if (!stopped_) sources_.splice(sources_.end(), added);
  }
  if (!added.empty()) Stop(added.front());
  return id;
}

void Sources::Remove(std::uint64_t id) {
  std::list<Source> removed;
  const sync::Lock lock(mutex_);
  while (telling_ == id && teller_ != std::this_thread::get_id()) told_.Wait(mutex_);
  const auto found = std::find_if(sources_.begin(), sources_.end(),
                                  [id](const Source& source) { return source.id == id; });
  if (found != sources_.end()) removed.splice(removed.end(), sources_, found);
}

void Sources::StopAll() {
  for (;;) {
    std::list<Source> next;
    {
      const sync::Lock lock(mutex_);
      stopped_ = true;
      if (sources_.empty()) return;
      next.splice(next.end(), sources_, std::prev(sources_.end()));
      telling_ = next.front().id;
      teller_ = std::this_thread::get_id();
    }
    const Telling telling(*this);
    Stop(next.front());
    next.clear();  // with what it captured, before ~Source returns elsewhere
  }
}

std::vector<std::string> Sources::WaitFor() const {
  std::vector<std::shared_ptr<const WaitsFor>> asked;
  {
    const sync::Lock lock(mutex_);
    for (const Source& source : sources_) asked.push_back(source.waits_for);
  }
  std::vector<std::string> all;
  for (const auto& waits_for : asked) {
    if (*waits_for == nullptr) continue;
    for (std::string& each : (*waits_for)()) all.push_back(std::move(each));
  }
  return all;
}

Sources::Telling::~Telling() {
  const sync::Lock lock(sources_.mutex_);
  sources_.telling_ = 0;
  sources_.told_.NotifyAll();
}

void Sources::Stop(const Source& source) const {
  Catching([&] { source.stop(); }, [&](std::string_view what) { failed_(source.name, what); },
           [] {});
}

}  // namespace belfry
