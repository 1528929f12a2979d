#include "model/queue.h"

#include <algorithm>
#include <utility>

namespace belfry::model {
namespace {

std::vector<Queue::Mail>::iterator Find(std::vector<Queue::Mail>& all, int event) {
  return std::find_if(all.begin(), all.end(),
                      [&](const Queue::Mail& mail) { return mail.event == event; });
}

Queue::Mail Take(std::vector<Queue::Mail>& all, int event) {
  const auto found = Find(all, event);
  const Queue::Mail mail = *found;
  all.erase(found);
  return mail;
}

}  // namespace

// --- Who is ready ---

bool Queue::InOrder(const Mail& a, const Mail& b) const {
  return in_a_row_ || (by_key_ && a.key == b.key);
}

// O1, O6: first in, first out, of one key where there is one; who holds it comes before others.
bool Queue::IsReady(const Mail& mail) const {
  const auto holds = [&](const Mail& other) {
    return other.event != mail.event && InOrder(other, mail);
  };
  if (std::any_of(running_.begin(), running_.end(), holds)) return false;
  if (ordered_) {
    if (std::any_of(parked_.begin(), parked_.end(), holds)) return false;
    if (again_.count(mail.event) > 0) return true;
    if (std::any_of(waiting_.begin(), waiting_.end(), [&](const Mail& other) {
          return again_.count(other.event) > 0 && holds(other);
        })) {
      return false;
    }
  }
  const auto self = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const Mail& other) { return other.event == mail.event; });
  return std::none_of(waiting_.begin(), self, holds);
}

void Queue::FindReady() {
  for (const Mail& mail : waiting_) {
    if (Find(ready_, mail.event) == ready_.end() && IsReady(mail)) ready_.push_back(mail);
  }
}

int Queue::FirstOf(std::size_t lane) const {
  const auto first = std::find_if(ready_.begin(), ready_.end(), [&](const Mail& mail) {
    return static_cast<std::size_t>(mail.lane) == lane;
  });
  return first == ready_.end() ? 0 : first->event;
}

// B5: the most urgent one, unless the first of another lane was overtaken so often.
int Queue::next() const {
  if (ready_.empty()) return 0;
  if (overtaken_max_ == 0) return ready_.front().event;
  int next = 0;
  for (std::size_t lane = 0; lane < overtaken_.size(); ++lane) {
    const int first = FirstOf(lane);
    if (first == 0) continue;
    if (next != 0 && overtaken_[lane] >= overtaken_max_) return first;
    if (next == 0) next = first;
  }
  return next;
}

bool Queue::MayStart(int event) const {
  if (overtaken_max_ > 0) return event == next();
  return std::any_of(ready_.begin(), ready_.end(),
                     [&](const Mail& mail) { return mail.event == event; });
}

// --- Coming and going ---

void Queue::Put(const Mail& mail) {
  waiting_.push_back(mail);
  FindReady();
}

void Queue::Replace(int former, int event) {
  Find(waiting_, former)->event = event;
  const auto ready = Find(ready_, former);
  if (ready != ready_.end()) ready->event = event;
  if (again_.erase(former) > 0) again_.insert(event);
}

// The next one of its lane has not been overtaken.
void Queue::NotReady(int event) {
  const auto ready = Find(ready_, event);
  if (ready == ready_.end()) return;
  const auto lane = static_cast<std::size_t>(ready->lane);
  if (FirstOf(lane) == event) overtaken_.at(lane) = 0;
  ready_.erase(ready);
}

void Queue::Drop(int event) {
  NotReady(event);
  Take(waiting_, event);
  again_.erase(event);
  FindReady();
}

void Queue::Start(int event) {
  NotReady(event);
  running_.push_back(Take(waiting_, event));
  again_.erase(event);
  for (auto lane = static_cast<std::size_t>(running_.back().lane) + 1; lane < overtaken_.size();
       ++lane) {
    if (FirstOf(lane) != 0) ++overtaken_.at(lane);
  }
  FindReady();
}

void Queue::End(int event) {
  Take(running_, event);
  FindReady();
}

void Queue::Park(int event) {
  parked_.push_back(Take(running_, event));
  FindReady();
}

void Queue::Unpark(int event) {
  waiting_.push_back(Take(parked_, event));
  if (ordered_) again_.insert(event);
  FindReady();
}

void Queue::Leave(int event) {
  Take(parked_, event);
  FindReady();
}

std::vector<Queue::Mail> Queue::Clear() {
  std::vector<Mail> all = std::exchange(waiting_, {});
  all.insert(all.end(), parked_.begin(), parked_.end());
  parked_.clear();
  ready_.clear();
  again_.clear();
  return all;
}

}  // namespace belfry::model
