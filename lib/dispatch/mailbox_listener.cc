#include "dispatch/mailbox_listener.h"

#include <algorithm>
#include <utility>

#include "belfry/event_selection.h"
#include "dispatch/attempt.h"
#include "dispatch/topic.h"

namespace belfry {

using Outcome = DeliveryOutcome::Kind;

namespace {

// No executor has more threads than this; what is suspended takes none.
constexpr unsigned kTurnsMax = 1024;

}  // namespace

class MailboxListener::Turn final : public Runnable {
 public:
  explicit Turn(MailboxListener& listener) : listener_(listener) {}
  void Run() override { listener_.RunTurn(*this); }
  Owner owner() const override { return {listener_.id(), listener_.name()}; }

  std::shared_ptr<MailboxListener> self;  // while it is posted
  Turn* next_free = nullptr;

 private:
  MailboxListener& listener_;
};

MailboxListener::MailboxListener(std::shared_ptr<DispatcherCore> core, Topic& topic,
                                 const MailboxTraits& traits, ListenerOptions& options,
                                 CallableHandle callable,
                                 std::unique_ptr<const EventSelection> selection)
    : ListenerWithQueue(topic),
      core_(std::move(core)),
      traits_(traits),
      selection_(std::move(selection)),
      mailbox_(traits.rules()),
      projections_{std::move(options.key), std::move(options.overflow.same)},
      prepares_(projections_.any() || traits.suspends),
      callables_(callable),
      shut_(traits.sticky) {
  faces_.Add(std::make_unique<MailboxFace>(topic));
  for (unsigned i = 0; i < std::min(traits.concurrency, kTurnsMax); ++i) {
    turns_.push_back(std::make_unique<Turn>(*this));
    turns_.back()->next_free = std::exchange(free_turns_, turns_.back().get());
  }
}

MailboxListener::~MailboxListener() = default;

void MailboxListener::Begin(ListenerId id, std::string& name, Site site) {
  Name(id, name, site, {static_cast<Listener*>(this)});
  held_ = shared_from_this();
}

MailboxFace* MailboxListener::Attach(std::unique_ptr<MailboxFace>& face) {
  const sync::Lock lock(mutex_);
  if (detached_ || faces_.Find(*face->topic) != nullptr) return nullptr;
  return faces_.Add(std::move(face));
}

MailboxFace* MailboxListener::FaceOf(const Topic& topic) const {
  const sync::Lock lock(mutex_);
  return faces_.Find(topic);
}

// --- A publish ---

// A publisher who prepares, and may be inside of the projections: they stay meanwhile.
class MailboxListener::Preparing {
 public:
  // Counted already.
  explicit Preparing(MailboxListener& listener) : listener_(listener) {}
  ~Preparing() {
    bool over = false;
    {
      const sync::Lock lock(listener_.mutex_);
      --listener_.preparing_;
      if (mail != nullptr) listener_.spare_.Keep(*mail);
      over = listener_.detached_;
    }
    if (over) listener_.EndIfOver();
  }
  Preparing(const Preparing&) = delete;
  Preparing& operator=(const Preparing&) = delete;

  Mail* mail = nullptr;  // not the publisher's yet

 private:
  MailboxListener& listener_;
};

Mail* MailboxListener::Prepare(MailboxFace& face, const void* event, std::size_t bytes) {
  Mail* mail = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (detached_) return nullptr;
    mail = spare_.Take();
    if (mail == nullptr || prepares_) ++preparing_;
  }
  const SteadyTime now = traits_.expires() ? core_->clock().Now() : SteadyTime{};
  if (mail != nullptr && !prepares_) {
    mail->face = &face;
    mail->bytes = bytes;
    mail->since = now;
    return mail;
  }
  Preparing preparing(*this);
  preparing.mail = mail != nullptr ? mail : new Mail;
  preparing.mail->face = &face;
  preparing.mail->bytes = bytes;
  preparing.mail->since = now;
  if (traits_.suspends && preparing.mail->suspension == nullptr) {
    preparing.mail->suspension = std::make_unique<Suspension>();
  }
  if (projections_.any()) Project(*preparing.mail, event);
  return std::exchange(preparing.mail, nullptr);
}

// Counted as preparing.
void MailboxListener::Project(Mail& mail, const void* event) {
  Frame* const frame = Frame::Next();
  if (frame == nullptr) throw std::bad_alloc();
  const FrameScope scope(*frame, *core_, {.inside = static_cast<Listener*>(this)});
  const AnyEvent any(mail.face->topic->type(), event);
  const void* const seen = selection_ == nullptr ? event : &any;
  const auto project = [&] { projections_.Of(seen, mail); };
  const auto failed = [&](std::string_view what) {
    mail.unkeyed = true;
    mail.failure = what;
  };
  Catching(project, failed, [] {});
}

MailboxListener::Reserved MailboxListener::Reserve(Mail& mail, Mail*& dropped) {
  const sync::Lock lock(mutex_);
  // Give will give it back: a listener that is gone refuses nothing.
  Mailbox::Room room = detached_ ? Mailbox::Room::kYes : mailbox_.RoomFor(mail);
  // Not where too much is taken by events that are still to come.
  // Library events never wait, and never stop others from getting them.
  const bool of_library = mail.face->topic->of_library();
  const bool drops_oldest =
      traits_.drops_oldest || (of_library && traits_.policy != Overflow::Policy::kDropNewest);
  const bool drops = drops_oldest && mailbox_.FitsWithoutQueued(mail);
  while (drops && room == Mailbox::Room::kNo) {
    Mail* const oldest = mailbox_.TakeOldest();
    --oldest->face->counts.queued;
    ++oldest->face->counts.dropped;
    oldest->next_alike = std::exchange(dropped, oldest);
    room = mailbox_.RoomFor(mail);
  }
  if (room == Mailbox::Room::kYes) {
    mailbox_.Reserve(mail);
    return Reserved::kYes;
  }
  if (traits_.lossy() || of_library) return Reserved::kDropped;
  return room == Mailbox::Room::kNo ? Reserved::kNo : Reserved::kNever;
}

void MailboxListener::GiveBack(const Mail& mail) {
  const sync::Lock lock(mutex_);
  mailbox_.GiveBack(mail);
  RoomMade();
}

std::optional<Nanoseconds> MailboxListener::patience() const {
  if (traits_.policy == Overflow::Policy::kReject) return std::nullopt;
  return traits_.patience;
}

bool MailboxListener::AwaitRoom(EventSize /*size*/, const Mail* mail, SteadyTime deadline) {
  const sync::Lock lock(mutex_);
  bool in_time = true;
  while (in_time) {
    if (detached_ || mailbox_.RoomFor(*mail) != Mailbox::Room::kNo) return true;
    waited_for_ = true;
    in_time = changed_.WaitUntil(mutex_, deadline) || Clock::Real().Now() < deadline;
  }
  return false;
}

void MailboxListener::RoomMade() {
  if (std::exchange(waited_for_, false)) changed_.NotifyAll();
}

MailGiven MailboxListener::Give(Mail& mail, Publication& publication, bool dropped) {
  const sync::Lock lock(mutex_);
  const bool queues = !mail.unkeyed && !dropped;
  if (detached_) {
    if (queues && !mail.first) mailbox_.GiveBack(mail);
    return {};
  }
  if (mail.first) shut_ = false;
  DeliveryCounts& counts = mail.face->counts;
  ++counts.offered;
  if (mail.unkeyed) ++counts.dead;
  if (dropped) ++counts.dropped;
  if (!queues) return {.offered = true, .to_post = TakeTurn()};
  publication.Retain(1);
  mail.publication = &publication;
  mail.lane = publication.lane;
  const bool queued = mail.first ? mailbox_.PutFirst(mail) : mailbox_.Put(mail);
  ++counts.queued;
  // Who waits with the same key has found one that he may replace.
  if (traits_.policy == Overflow::Policy::kCoalesce) RoomMade();
  if (queued) return {true, true, TakeTurn()};
  --mail.face->counts.queued;  // of the one that was replaced
  ++mail.face->counts.coalesced;
  return {.offered = true, .to_post = TakeTurn()};
}

void MailboxListener::Open() {
  Runnable* turn = nullptr;
  {
    const sync::Lock lock(mutex_);
    shut_ = false;
    turn = TakeTurn();
  }
  if (turn != nullptr) Post(*turn);
}

void MailboxListener::Recycle(Mail* mail) {
  const sync::Lock lock(mutex_);
  spare_.Keep(*mail);
}

void MailboxListener::EndUndelivered(Mail* list, Outcome how) {
  for (Mail* mail = list; mail != nullptr;) {
    Mail* const next = std::exchange(mail->next_alike, nullptr);
    mail->publication->Ended(*this, how);
    Recycle(mail);
    mail = next;
  }
}

// --- Turns ---

namespace {

constexpr std::uint64_t kAnyTurn = ~std::uint64_t{0};

}  // namespace

Runnable* MailboxListener::TakeTurn() {
  Turn* const turn = free_turns_;
  if (traits_.executor == nullptr || turn == nullptr) return nullptr;
  if (!suspensions_.any_woken() && !may_start()) return nullptr;
  free_turns_ = std::exchange(turn->next_free, nullptr);
  turn->self = shared_from_this();
  return turn;
}

void MailboxListener::RunTurn(Turn& turn) {
  const std::shared_ptr<MailboxListener> self = std::move(turn.self);
  DeliveringScope delivering(*core_, *this);
  struct TurnEnd {
    ~TurnEnd() { listener.EndTurn(turn); }
    MailboxListener& listener;
    Turn& turn;
  };
  const TurnEnd end{*this, turn};
  unsigned left = traits_.deliveries_max;
  while (left > 0 && DeliverNext(delivering.frame(), kAnyTurn)) --left;
}

void MailboxListener::EndTurn(Turn& turn) {
  Runnable* again = nullptr;
  {
    const sync::Lock lock(mutex_);
    turn.next_free = std::exchange(free_turns_, &turn);
    again = TakeTurn();
  }
  if (again != nullptr) Post(*again);
  core_->TellQuiet();
}

// What was woken has a turn of its own.
void MailboxListener::DeliverUntil(const Publication& publication) {
  DeliverInTurn(publication.turn, false);
}
bool MailboxListener::DeliverDue(std::uint64_t last_turn) {
  DeliverInTurn(last_turn, true);
  const sync::Lock lock(mutex_);
  return suspensions_.any_woken();
}

void MailboxListener::DeliverInTurn(std::uint64_t last_turn, bool may_go_on) {
  DeliveringScope delivering(*core_, *this);
  struct RunEnd {
    ~RunEnd() { core.TellQuiet(); }
    DispatcherCore& core;
  };
  const RunEnd end{*core_};
  while (DeliverNext(delivering.frame(), last_turn, may_go_on)) {
  }
}

}  // namespace belfry
