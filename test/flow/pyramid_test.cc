// Three steps, each of which needs the one before: as nested callbacks, and as a task.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "flow/task_fixture.h"

namespace belfry {
namespace {

struct Asked {
  int id = 0;
};
struct User {
  std::string name;
  int project = 0;
};
struct Project {
  std::string title;
  std::string url;
};
struct Answer {
  std::string text;
};
struct Described {
  std::string user;
  std::string project;
  std::string text;
};

// Each step is asked for twice: by a callback, and by a completion.
class PyramidTest : public TaskTest {
 protected:
  void SetUp() override {
    TaskTest::SetUp();
    described_ = dispatcher->Subscribe(
        [this](const Described& e) { Note(e.user + " " + e.project + " " + e.text); }, Options());
  }
  void TearDown() override {
    described_.Reset();
    TaskTest::TearDown();
  }

  void FindUser(int id, const std::function<void(User)>& then) {
    FindUser(id).Then([then](const User& user) { then(user); });
  }
  void FindProject(int id, const std::function<void(Project)>& then) {
    FindProject(id).Then([then](const Project& project) { then(project); });
  }
  void CallService(const std::string& url, const std::function<void(Answer)>& then) {
    CallService(url).Then([then](const Answer& answer) { then(answer); });
  }
  Completion<User> FindUser(int id) { return Later(User{"Ada", id + 1}); }
  Completion<Project> FindProject(int id) {
    return Later(Project{"Engine " + std::to_string(id), "http://example.org"});
  }
  Completion<Answer> CallService(const std::string& url) { return Later(Answer{"at " + url}); }

  void Publish(Described described) { dispatcher->Publish(std::move(described)); }

  Task<> Describe(int id) {
    const User user = co_await FindUser(id);
    const Project project = co_await FindProject(user.project);
    const Answer answer = co_await CallService(project.url);
    Publish(Described{user.name, project.title, answer.text});
  }

 private:
  template <class T>
  Completion<T> Later(T value) {
    const Completion<T> later;
    timers.RunAfter(1s, [later, value = std::move(value)] { later.Finish(value); });
    return later;
  }

  Subscription described_;
};

BELFRY_IN_TASK_MODES(PyramidTest);

TEST_P(PyramidTest, AsCallbacks) {
  const int id = 7;
  FindUser(id, [=, this](User user) {
    FindProject(user.project, [=, this](Project project) {
      CallService(project.url, [=, this](Answer answer) {
        Publish(Described{user.name, project.title, answer.text});
      });
    });
  });
  timers.Advance(3s);
  Settle();
  EXPECT_EQ(notes(), Notes{"Ada Engine 8 at http://example.org"});
}

TEST_P(PyramidTest, AsATask) {
  const Subscription asked =
      dispatcher->Subscribe([this](const Asked& e) { return Describe(e.id); }, Options());
  EXPECT_TRUE(dispatcher->Publish(Asked{7}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Eventually([&] { return RunReady(), armed(); }));
    Pass(1s);
  }
  Settle();
  EXPECT_EQ(notes(), Notes{"Ada Engine 8 at http://example.org"});
}

}  // namespace
}  // namespace belfry
