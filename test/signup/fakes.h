// A sign-up's users and mails, in memory and on one thread.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/testing/fake_files.h"
#include "belfry/testing/world.h"
#include "signup/mailbox.h"
#include "signup/user_store.h"

namespace signup {

class FakeUserStore final : public UserStore {
 public:
  struct Row {
    std::string id;
    std::string name;
    bool active = false;
  };

  explicit FakeUserStore(belfry::testing::World& world) : world_(world) {}

  absl::StatusOr<AddedUser> AddPending(const std::string& email, const std::string& name) override {
    world_.Advance(takes);
    if (throws) throw std::runtime_error("the store broke");
    if (!add_fails.ok()) return add_fails;
    if (MayFail()) return absl::UnavailableError("busy");
    const auto [row, made] = rows.try_emplace(email);
    if (made) {
      row->second = {"user" + std::to_string(made_.size() + 1), name};
      made_.insert(row->second.id);
    }
    AddedUser added{{row->second.id, email, row->second.name}};
    if (!made)
      added.state = row->second.active ? AddedUser::State::kActive : AddedUser::State::kPending;
    return added;
  }

  absl::Status Activate(const std::string& id) override {
    if (!activate_fails.ok()) return activate_fails;
    if (MayFail()) return absl::UnavailableError("busy");
    for (auto& [email, row] : rows) {
      if (row.id != id) continue;
      if (row.active) return absl::AlreadyExistsError(id);
      row.active = true;
      return absl::OkStatus();
    }
    return absl::NotFoundError(id);
  }

  absl::Status RemovePending(const std::string& id) override {
    if (!remove_fails.ok()) return remove_fails;
    std::erase_if(rows, [&](const auto& row) { return row.second.id == id && !row.second.active; });
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<User>> Pending() override {
    std::vector<User> pending;
    for (const auto& [email, row] : rows) {
      if (!row.active) pending.push_back({row.id, email, row.name});
    }
    return pending;
  }

  // Whether it has made a row with this id, which it does once.
  bool made(const std::string& id) const { return made_.contains(id); }

  std::map<std::string, Row> rows;  // by e-mail
  belfry::Nanoseconds takes{};      // to add one
  absl::Status add_fails;
  absl::Status activate_fails;
  absl::Status remove_fails;
  bool throws = false;
  bool may_fail = false;  // to add a row or to activate it; with Explore both are tried

 private:
  bool MayFail() { return may_fail && world_.ChooseFault(); }

  belfry::testing::World& world_;
  std::set<std::string> made_;
};

class FakeMailbox final : public Mailbox {
 public:
  explicit FakeMailbox(const belfry::testing::FakeFiles& files) : files_(files) {}

  std::string TmpPath(const std::string& mail) const override { return "mail/tmp/" + mail; }
  std::string NewPath(const std::string& mail) const override { return "mail/new/" + mail; }
  absl::StatusOr<bool> Has(const std::string& mail) const override {
    if (!fails.ok()) return fails;
    return files_.content().contains(NewPath(mail)) ||
           files_.content().contains("mail/cur/" + mail + ":2,S");
  }

  absl::Status fails;

 private:
  const belfry::testing::FakeFiles& files_;
};

}  // namespace signup
