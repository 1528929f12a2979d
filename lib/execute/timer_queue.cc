#include "belfry/timer_queue.h"

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "belfry/check.h"
#include "execute/flag_scope.h"
#include "execute/period.h"

namespace belfry {

class TimerQueue::Impl {
 public:
  TimerId Add(SteadyTime deadline, std::function<void()> callback, Nanoseconds period,
              std::uint64_t repetitions) {
    BELFRY_CHECK(callback, "a timer needs a callback");
    BELFRY_CHECK(repetitions == 1 || period > Nanoseconds::zero(),
                 "a timer that repeats needs a period above zero");
    const TimerId id{++last_number_};
    deadlines_.emplace(id.number, deadline);
    timers_.emplace(Key{deadline, id.number}, Timer{std::move(callback), period, repetitions});
    return id;
  }

  bool Cancel(TimerId id) {
    const auto found = deadlines_.find(id.number);
    if (found == deadlines_.end()) return false;
    const auto node = timers_.extract(Key{found->second, id.number});
    deadlines_.erase(found);
    return true;  // the callback's destructor may call us: the node goes last
  }

  std::size_t RunDue(SteadyTime now) {
    BELFRY_CHECK(!running_, "a timer's callback ran the timers");
    if (timers_.empty() || timers_.begin()->first.deadline > now) return 0;
    const FlagScope running(running_);
    // The keys are settled first: what callbacks add or arm again waits for the next call.
    due_.clear();
    for (auto timer = timers_.begin(); timer != timers_.end() && timer->first.deadline <= now;
         ++timer) {
      due_.push_back(timer->first);
    }
    std::size_t ran = 0;
    for (const Key key : due_) {
      const auto timer = timers_.find(key);
      if (timer == timers_.end()) continue;  // cancelled by one before it
      ++ran;
      Run(timer, now);
    }
    return ran;
  }

  std::optional<SteadyTime> NextDeadline() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.deadline;
  }

  std::size_t size() const { return timers_.size(); }

 private:
  struct Key {
    SteadyTime deadline;
    std::uint64_t number;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Timer {
    std::function<void()> callback;
    Nanoseconds period;
    std::uint64_t repetitions;
  };
  using Timers = std::map<Key, Timer>;

  // While its callback runs, a timer that will run again is armed already, without the callback;
  // that comes back in the end, unless the timer was cancelled meanwhile.
  class Lent {
   public:
    Lent(Impl& queue, std::uint64_t number, std::function<void()>& callback)
        : queue_(queue), number_(number), callback_(callback) {}
    ~Lent() {
      const auto deadline = queue_.deadlines_.find(number_);
      if (deadline == queue_.deadlines_.end()) return;
      queue_.timers_.find(Key{deadline->second, number_})->second.callback.swap(callback_);
    }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;

   private:
    Impl& queue_;
    const std::uint64_t number_;
    std::function<void()>& callback_;
  };

  void Run(Timers::iterator timer, SteadyTime now) {
    auto node = timers_.extract(timer);
    const std::uint64_t number = node.key().number;
    std::function<void()> callback;
    callback.swap(node.mapped().callback);
    if (node.mapped().repetitions == 1) {
      deadlines_.erase(number);
      callback();
      return;
    }
    if (node.mapped().repetitions != kForever) --node.mapped().repetitions;
    node.key().deadline = Following(node.key().deadline, node.mapped().period, now);
    deadlines_[number] = node.key().deadline;
    timers_.insert(std::move(node));
    const Lent lent(*this, number, callback);
    callback();
  }

  std::uint64_t last_number_ = 0;
  Timers timers_;
  std::unordered_map<std::uint64_t, SteadyTime> deadlines_;  // of those in timers_
  std::vector<Key> due_;
  bool running_ = false;
};

TimerQueue::TimerQueue() : impl_(std::make_unique<Impl>()) {}
TimerQueue::~TimerQueue() = default;

TimerId TimerQueue::Add(SteadyTime deadline, std::function<void()> callback, Nanoseconds period,
                        std::uint64_t repetitions) {
  return impl_->Add(deadline, std::move(callback), period, repetitions);
}

bool TimerQueue::Cancel(TimerId id) { return impl_->Cancel(id); }
std::size_t TimerQueue::RunDue(SteadyTime now) { return impl_->RunDue(now); }
std::optional<SteadyTime> TimerQueue::NextDeadline() const { return impl_->NextDeadline(); }
std::size_t TimerQueue::size() const { return impl_->size(); }

}  // namespace belfry
