// The events that wait at one listener: which of them may start next.
#pragma once

#include <array>
#include <set>
#include <vector>

#include "belfry/lane.h"
#include "model/plan.h"

namespace belfry::model {

// Events are named by their numbers; 0 is none.
class Queue {
 public:
  struct Mail {
    int event = 0;
    int key = 0;
    Lane lane = Lane::kNormal;
  };

  Queue() = default;
  explicit Queue(const ListenerPlan& plan)
      : by_key_(plan.keyed && (plan.concurrency > 1 || plan.ordered || plan.starvation_max > 0)),
        in_a_row_(!by_key_ && (plan.ordered || plan.starvation_max == 0)),
        ordered_(plan.ordered),
        overtaken_max_(plan.starvation_max) {}

  const std::vector<Mail>& waiting() const { return waiting_; }  // by age
  const std::vector<Mail>& parked() const { return parked_; }    // until their retry
  bool empty() const { return waiting_.empty() && parked_.empty(); }

  void Put(const Mail& mail);
  void Replace(int former, int event);  // which gets its place and its lane
  void Drop(int event);
  // The next to start, and whether one may start: where there are no lanes it is open which of
  // several keys comes first.
  int next() const;
  bool MayStart(int event) const;
  void Start(int event);
  void End(int event);
  void Park(int event);
  void Unpark(int event);  // behind what waits
  void Leave(int event);   // is not tried again
  std::vector<Mail> Clear();

 private:
  bool InOrder(const Mail& a, const Mail& b) const;
  bool IsReady(const Mail& mail) const;
  void FindReady();
  int FirstOf(std::size_t lane) const;
  void NotReady(int event);

  bool by_key_ = false;    // events of one key start in order, each after the one before
  bool in_a_row_ = false;  // all do
  bool ordered_ = false;   // what is parked holds what must stay in order with it
  unsigned overtaken_max_ = 0;
  std::vector<Mail> waiting_;
  std::vector<Mail> running_;
  std::vector<Mail> parked_;
  std::vector<Mail> ready_;  // of those that wait, as it came to be
  std::set<int> again_;      // of those that wait: before others of their key
  std::array<unsigned, 3> overtaken_{};
};

}  // namespace belfry::model
