// What a dispatcher on one thread must do, as plainly as it can be said.
//
// The model does not call listeners: it is told what happens, when it happens, and says what was
// wrong with it. So where the promises leave an order open (among the inline listeners of an event,
// among the turns on an executor), whatever the dispatcher chooses is right; all else is not.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "belfry/dispatcher.h"
#include "model/agenda.h"
#include "model/state.h"

namespace belfry::model {

class Model {
 public:
  using Outcome = DeliveryOutcome::Kind;

  // `stats` are asked when somebody may have been passed over, which nobody sees.
  Model(bool synchronous, std::function<Stats()> stats)
      : synchronous_(synchronous), stats_(std::move(stats)) {}

  // "" as long as nothing was wrong; from then on nothing is looked at any more.
  const std::string& wrong() const { return wrong_; }
  bool Expect(bool right, const std::string& what);

  // --- What is done to the dispatcher ---
  void BeginOperation();                                    // before each
  int Announce(const EventPlan& plan, bool plain = false);  // an event, by number from now on
  void Publish(int event);
  void Published(int event, PublishResult result);
  void Commit(std::vector<int> events);  // a batch
  void Committed(PublishResult result, std::size_t left);
  int Add(const ListenerPlan& plan, std::string name);  // somebody who subscribes
  void Added(int listener, ListenerId id);
  void Detach(int listener);
  void ResetDone(int listener, ResetResult result, bool destroyed);
  void ReplaceDone(int listener, ReplaceResult result, bool destroyed);
  void SetMuted(int listener, bool muted);
  void DropOwner(int owner) { objects_[static_cast<std::size_t>(owner)] = ++last_object_; }
  void BeginRun(int executor);
  void EndRun(bool all_done);
  void BeginWait(Nanoseconds time);
  void EndWait();
  void Schedule(int event, Nanoseconds delay, PublishResult result);
  void Cancel(int event, bool was_to_come);
  const Agenda& agenda() const { return agenda_; }
  void Forget(std::size_t letters);
  void ForgetSticky(Type type, bool was_there);
  void Drained(DrainResult result);
  std::uint64_t Discard();  // how many deliveries that cancels
  void CloseIntake();
  void Close();

  // --- What listeners and their filters see ---
  void Asked(int listener, int event);
  void Unwanted() { End(Outcome::kFiltered); }
  void Start(int listener, int generation, int event);
  void End(Outcome outcome, bool permanent = false);
  void Return(std::vector<int> events);  // ends when these are published

  // --- What must be true between operations ---
  void Compare(const Stats& stats);
  const std::map<int, ListenerState>& listeners() const { return listeners_; }
  const EventState& event(int number) const { return events_.at(number); }
  TypeState totals() const;  // of all types
  bool nothing_queued() const;
  std::uint64_t unpublished() const { return unpublished_; }
  int living_events() const;  // those of which Living is a part
  std::size_t letters() const { return letters_; }
  const Told& told() const { return told_; }

 private:
  // --- Who gets an event: model_publish.cc ---
  enum class Room { kYes, kNo, kNever };
  bool IsInline(const ListenerState& l) const { return l.plan.inlined && !synchronous_; }
  bool HasNoKey(const ListenerState& l, int event) const;
  int Alike(const ListenerState& l, int event) const;
  std::vector<int> Keeping(const ListenerState& l) const;
  bool FitsWithoutQueue(const ListenerState& l, int event) const;
  Room RoomFor(const ListenerState& l, int event) const;
  std::vector<PublishResult> Refusals(int event);
  bool Admit(int event, bool by_itself);
  void Give(ListenerState& l, int event);
  void Offer(ListenerState& l, int event);
  void KeepSticky(int event);
  void GiveSticky(ListenerState& l);
  int TurnOf(const ListenerState& l, int event) const;

  // --- What happens without being seen ---
  bool Under(Frame::Kind kind) const;  // way
  bool InPassOf(const ListenerState& l) const;
  bool Gone(const ListenerState& l) const;
  bool Silent(const ListenerState& l) const { return l.muted || Gone(l); }
  bool Expired(const ListenerState& l, int event, Nanoseconds more = {}) const;
  bool GoesWithoutCall(const ListenerState& l, int event) const;
  static std::vector<Frame::Called>::iterator Find(Frame& pass, int listener);
  void Advance(int listener = 0, int event = 0);
  void EndPass();
  void CatchUp();
  void Settle(int listener = 0, int event = 0);
  bool MayBePassedOver(int listener);
  bool PassOver(int listener);
  bool NextTurn(int& listener, int& event);
  bool NextOf(ListenerState& l, int last_turn, int& listener, int& event);

  // --- What happens in time: model_time.cc ---
  bool FireNext();
  void Unpark(ListenerState& l, int event);
  void PublishDue(int event);
  void NoticePublished(const Stats& stats);

  void TakeTurn(int listener, int event);
  void TakeFromQueue(ListenerState& l, int event, const std::string& what);
  void EndListener(int listener);
  void Failed(ListenerState& l);
  void Count(ListenerState& l, int event, Outcome outcome);
  std::string Of(int listener, int event) const;

  const bool synchronous_;
  const std::function<Stats()> stats_;
  std::string wrong_;
  bool closed_ = false;
  std::map<int, ListenerState> listeners_;
  std::map<int, EventState> events_;
  std::map<Type, TypeState> types_;
  std::vector<Frame> stack_;  // from the outermost to the innermost
  std::map<Type, int> sticky_;
  std::deque<std::pair<int, Type>> turns_;  // of a synchronous dispatcher
  int last_turn_ = 0;
  int in_turn_ = 0;      // the listener whose turn the first of them is, or was last
  std::deque<int> due_;  // a synchronous dispatcher: whose retries are
  int due_until_ = 0;    // the turn up to which the first of them has its turn now; 0: not yet
  Agenda agenda_;
  std::deque<int> on_the_way_;  // events on the dispatcher's executor
  std::uint64_t unpublished_ = 0;
  std::size_t letters_ = 0;
  int last_object_ = kOwners;
  std::vector<int> objects_{1, 2};  // what each owner is now
  std::map<int, int> holders_;      // deliveries that keep an object alive
  Told told_;
};

}  // namespace belfry::model
