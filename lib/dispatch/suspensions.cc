#include "dispatch/suspensions.h"

#include "dispatch/mailbox_faces.h"
#include "dispatch/publication.h"
#include "dispatch/topic.h"

namespace belfry {

bool Suspensions::Suspend(Mail& mail, bool& woken) {
  if (given_up_) return false;
  waiting_.PushBack(mail);
  woken = mail.suspension->phase == Phase::kRunsAgain;
  mail.suspension->phase = woken ? Phase::kWoken : Phase::kWaits;
  if (woken) woken_.PushBack(mail);
  return true;
}

bool Suspensions::Wake(Mail& mail) {
  Phase& phase = mail.suspension->phase;
  if (phase == Phase::kRuns) phase = Phase::kRunsAgain;
  if (phase != Phase::kWaits) return false;
  phase = Phase::kWoken;
  woken_.PushBack(mail);
  return true;
}

bool Suspensions::GoesOnNext(bool may_start) {
  if (any_woken() && (!may_start || std::exchange(started_last_, false))) return true;
  started_last_ = may_start;
  return false;
}

Mail& Suspensions::TakeWoken() {
  Mail& mail = *woken_.PopFront();
  waiting_.Remove(mail);
  mail.suspension->phase = Phase::kRuns;
  return mail;
}

Mail* Suspensions::TakeToGiveUp() {
  given_up_ = true;
  Mail* const mail = waiting_.PopFront();
  if (mail == nullptr) return nullptr;
  if (std::exchange(mail->suspension->phase, Phase::kRuns) == Phase::kWoken) woken_.Remove(*mail);
  return mail;
}

std::size_t Suspensions::See(WaitingMails& seen) const {
  std::size_t count = 0;
  for (const Mail* mail = waiting_.first(); mail != nullptr; mail = mail->by_age.behind) {
    if (count == seen.size()) break;
    WaitingMail& one = seen[count++];
    one.topic = mail->face->topic;
    one.event = mail->publication->envelope().id();
    mail->suspension->rest->WaitsFor(one.waits_for);
  }
  return count;
}

}  // namespace belfry
