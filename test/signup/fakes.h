// A sign-up's users and mails, in memory and on one thread.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/testing/fake_files.h"
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

  absl::StatusOr<AddedUser> AddPending(const std::string& email, const std::string& name) override {
    if (throws) throw std::runtime_error("the store broke");
    if (!add_fails.ok()) return add_fails;
    const auto [row, made] = rows.try_emplace(email);
    if (made) row->second = {"user" + std::to_string(rows.size()), name};
    AddedUser added{{row->second.id, email, row->second.name}};
    if (!made)
      added.state = row->second.active ? AddedUser::State::kActive : AddedUser::State::kPending;
    return added;
  }

  absl::Status Activate(const std::string& id) override {
    if (!activate_fails.ok()) return activate_fails;
    for (auto& [email, row] : rows) {
      if (row.id != id) continue;
      if (row.active) return absl::AlreadyExistsError(id);
      row.active = true;
      return absl::OkStatus();
    }
    return absl::NotFoundError(id);
  }

  absl::StatusOr<std::vector<User>> Pending() override {
    std::vector<User> pending;
    for (const auto& [email, row] : rows) {
      if (!row.active) pending.push_back({row.id, email, row.name});
    }
    return pending;
  }

  std::map<std::string, Row> rows;  // by e-mail
  absl::Status add_fails;
  absl::Status activate_fails;
  bool throws = false;
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
