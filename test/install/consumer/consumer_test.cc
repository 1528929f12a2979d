#include <gtest/gtest.h>

#include <string>

#include "belfry/testing/explore.h"
#include "belfry/testing/fake_files.h"

struct Asked {
  std::string path;
};

TEST(ConsumerTest, AFileIsReadInEveryOrder) {
  belfry::testing::ExpectInEveryOrder([](belfry::testing::World& world) {
    belfry::testing::FakeFiles files(world);
    files.Put("a", "hello");
    files.Put("b", "world");
    std::string content;
    auto ask = world.dispatcher().Subscribe([&](const Asked& asked) { files.Read(asked.path); });
    auto read = world.dispatcher().Subscribe(
        [&](const belfry::FileReadFinished& done) { content += done.content; });
    world.dispatcher().Publish(Asked{"a"});
    world.dispatcher().Publish(Asked{"b"});
    world.Run();
    EXPECT_TRUE(content == "helloworld" || content == "worldhello") << content;
  });
}
