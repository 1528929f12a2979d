// Event types: who is the same type as whom.

#include "belfry/event_type.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "belfry/library_events.h"

struct Unqualified {};

namespace shop {
struct OrderPlaced {
  double other;
};
}  // namespace shop

namespace belfry {

namespace shop {
struct OrderPlaced {
  int pizza;
};
template <class T>
struct Box {};
struct Declared {
  int a;
};
BELFRY_EVENT_NAME(Declared, "shop.declared", 3);
}  // namespace shop

namespace {

using belfry_spelling::SpelledTypeName;

struct Hidden {};

bool Unique(std::string_view name) { return IsUniqueTypeName(name); }

TEST(EventTypeTest, AnUndeclaredTypeIsKnownByItsQualifiedName) {
  const EventType type = EventTypeOf<shop::OrderPlaced>();
  EXPECT_EQ(type.name(), "belfry::shop::OrderPlaced");
  EXPECT_EQ(type.schema_version(), 0U);
  EXPECT_EQ(type, EventTypeOf<shop::OrderPlaced>());
  EXPECT_TRUE(Unique(type.name()));
  EXPECT_EQ(EventTypeOf<::shop::OrderPlaced>().name(), "shop::OrderPlaced");
}

TEST(EventTypeTest, ADeclaredTypeIsKnownByItsNameAndVersion) {
  EXPECT_EQ(EventTypeOf<shop::Declared>().name(), "shop.declared");
  EXPECT_EQ(EventTypeOf<shop::Declared>().schema_version(), 3U);
  EXPECT_EQ(EventTypeOf<ListenerFailed>().name(), "belfry.listener_failed");
}

TEST(EventTypeTest, IndexesAreDenseAndDistinct) {
  struct A {};
  struct B {};
  EXPECT_NE(EventTypeOf<A>().index(), EventTypeOf<B>().index());
  EXPECT_LT(EventTypeOf<A>().index(), 1000U);
}

TEST(EventTypeTest, TypesThatAreSpelledAlikeStayApart) {
  const EventType one = [] {
    struct Local {};
    return EventTypeOf<Local>();
  }();
  const EventType other = [] {
    struct Local {};
    return EventTypeOf<Local>();
  }();
  EXPECT_NE(one, other);
}

TEST(EventTypeTest, TypesInsideLocalTypesStayApartToo) {
  const EventType one = [] {
    struct Local {
      struct Inner {
        int number;
      };
    };
    return EventTypeOf<Local::Inner>();
  }();
  const EventType other = [] {
    struct Local {
      struct Inner {
        float number;
      };
    };
    return EventTypeOf<Local::Inner>();
  }();
  EXPECT_NE(one, other);
}

TEST(EventTypeTest, NamesThatTwoTypesCouldShareAreNotTakenForUnique) {
  EXPECT_FALSE(Unique(SpelledTypeName<Hidden>()));
  EXPECT_FALSE(Unique(SpelledTypeName<Unqualified>()));
  EXPECT_FALSE(Unique(SpelledTypeName<shop::Box<Hidden>>()));
  EXPECT_FALSE(Unique(SpelledTypeName<shop::Box<Unqualified>>()));
  const auto lambda = [] {};
  EXPECT_FALSE(Unique(SpelledTypeName<shop::Box<decltype(lambda)>>()));
  struct Local {};
  EXPECT_FALSE(Unique(SpelledTypeName<Local>()));
  EXPECT_FALSE(Unique("{anonymous}::X"));
  EXPECT_FALSE(Unique("(anonymous namespace)::X"));
}

TEST(EventTypeTest, QualifiedNamesAndBuiltInArgumentsAreUnique) {
  EXPECT_TRUE(Unique(SpelledTypeName<shop::OrderPlaced>()));
  EXPECT_TRUE(Unique(SpelledTypeName<shop::Box<int>>()));
  EXPECT_TRUE(Unique(SpelledTypeName<shop::Box<const unsigned long*>>()));
  EXPECT_TRUE(Unique(SpelledTypeName<shop::Box<shop::Box<shop::OrderPlaced>>>()));
  EXPECT_TRUE(Unique("shop::Array<int, 16>"));
}

TEST(EventTypeTest, TheTableCopiesTheName) {
  std::string name = "plugin.event";
  const EventType type = InternEventType({name, 1}, 8, 8, nullptr);
  name = "overwritten!";
  EXPECT_EQ(type.name(), "plugin.event");
  EXPECT_EQ(InternEventType({"plugin.event", 1}, 8, 8, nullptr), type);
}

TEST(EventTypeTest, TwoLayoutsThatClaimOneNameAbortNamingBoth) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  InternEventType({"twice", 1}, 8, 8, nullptr);
  EXPECT_DEATH(InternEventType({"twice", 1}, 16, 8, nullptr),
               "claim the name \"twice\": one has 8 bytes .* the other 16 bytes");
  EXPECT_DEATH(InternEventType({"twice", 2}, 8, 8, nullptr), "schema version 1.*schema version 2");
  EXPECT_DEATH(InternEventType({"", 1}, 8, 8, nullptr), "needs a name");
  EXPECT_DEATH(InternEventType({std::string(2000, 'x'), 1}, 8, 8, nullptr),
               "2000 bytes, at most 1024");
}

TEST(EventTypeTest, ThreadsThatInternAtOnceAgree) {
  std::vector<std::thread> threads;
  std::vector<std::uint32_t> indexes(8);
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    threads.emplace_back([&indexes, i] {
      for (int n = 0; n < 200; ++n) {
        indexes[i] = InternEventType({"raced." + std::to_string(n), 1}, 4, 4, nullptr).index();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::uint32_t>(indexes.begin(), indexes.end()).size(), 1U);
}

}  // namespace
}  // namespace belfry
