// The users' store, on a real file.

#include "signup/sqlite_user_store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "temporary_folder.h"

namespace signup {
namespace {

class SqliteUserStoreTest : public testing::Test {
 protected:
  std::string path() const { return folder_ / "signup.db"; }
  std::unique_ptr<SqliteUserStore> Open(SqliteUserStore::Options options = {}) const {
    auto store = SqliteUserStore::Open(path(), options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  const belfry::TemporaryFolder folder_;
};

TEST_F(SqliteUserStoreTest, AnAddressHasOneRowWhoeverAsks) {
  const auto store = Open();
  const auto first = store->AddPending("ada@example.org", "Ada");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->state, AddedUser::State::kNew);
  EXPECT_EQ(first->user.id.size(), 32U);
  const auto again = store->AddPending("ADA@example.org", "Somebody");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->state, AddedUser::State::kPending);
  EXPECT_EQ(again->user.id, first->user.id);
  EXPECT_EQ(again->user.name, "Ada") << "the row keeps the name it was made with";
  EXPECT_TRUE(store->Activate(first->user.id).ok());
  EXPECT_EQ(store->AddPending("ada@example.org", "Ada")->state, AddedUser::State::kActive);
}

TEST_F(SqliteUserStoreTest, ActivatingTwiceOrNobodyIsToldApart) {
  const auto store = Open();
  const std::string id = store->AddPending("ada@example.org", "Ada")->user.id;
  EXPECT_TRUE(store->Activate(id).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(store->Activate(id)));
  EXPECT_TRUE(absl::IsNotFound(store->Activate("nobody")));
}

TEST_F(SqliteUserStoreTest, OnlyAPendingRowIsRemoved) {
  const auto store = Open();
  const std::string pending = store->AddPending("ada@example.org", "Ada")->user.id;
  const std::string active = store->AddPending("bob@example.org", "Bob")->user.id;
  EXPECT_TRUE(store->Activate(active).ok());
  for (const std::string& id : {pending, active, std::string("nobody")}) {
    EXPECT_TRUE(store->RemovePending(id).ok());
  }
  EXPECT_TRUE(absl::IsNotFound(store->Activate(pending)));
  EXPECT_TRUE(absl::IsAlreadyExists(store->Activate(active)));
  EXPECT_EQ(store->AddPending("ada@example.org", "Ada")->state, AddedUser::State::kNew);
}

TEST_F(SqliteUserStoreTest, PendingRowsSurviveAndComeOldestFirst) {
  std::vector<std::string> ids;
  {
    const auto store = Open();
    for (const char* email : {"a@x.org", "b@x.org", "c@x.org"}) {
      ids.push_back(store->AddPending(email, "N")->user.id);
    }
    EXPECT_TRUE(store->Activate(ids[1]).ok());
  }
  const auto pending = Open()->Pending();
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(pending->size(), 2U);
  EXPECT_EQ((*pending)[0].id, ids[0]);
  EXPECT_EQ((*pending)[1].email, "c@x.org");
}

TEST_F(SqliteUserStoreTest, ThreadsAndConnectionsAddAtOnceWithoutLoss) {
  const auto one = Open();
  const auto two = Open();
  std::vector<std::thread> threads;
  for (SqliteUserStore* store : {one.get(), two.get()}) {
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([store] {
        for (int i = 0; i < 50; ++i) {
          EXPECT_TRUE(store->AddPending(std::to_string(i) + "@x.org", "N").ok());
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  const auto pending = one->Pending();
  std::set<std::string> ids;
  for (const User& user : *pending) ids.insert(user.id);
  EXPECT_EQ(pending->size(), 50U);
  EXPECT_EQ(ids.size(), 50U);
}

TEST_F(SqliteUserStoreTest, ALockedDatabaseIsUnavailableAndServesWhenItIsFree) {
  const auto store = Open({.busy_time_max = std::chrono::milliseconds(10)});
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto locked = store->AddPending("ada@example.org", "Ada");
  EXPECT_TRUE(absl::IsUnavailable(locked.status())) << locked.status();
  EXPECT_NE(locked.status().message().find(path()), std::string::npos);
  ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE(store->AddPending("ada@example.org", "Ada").ok());
}

TEST_F(SqliteUserStoreTest, WhatCannotBeOpenedIsRefusedNamingTheFile) {
  const auto missing = SqliteUserStore::Open(folder_ / "no/such/signup.db", {});
  EXPECT_FALSE(missing.ok());
  EXPECT_NE(missing.status().message().find("/no/such/signup.db"), std::string::npos);
  std::ofstream(path()) << "this is no database, and it is long enough to be sure of that" << '\n';
  const auto damaged = SqliteUserStore::Open(path(), {});
  EXPECT_TRUE(absl::IsDataLoss(damaged.status())) << damaged.status();
}

}  // namespace
}  // namespace signup
