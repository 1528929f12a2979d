#include "belfry/flow/causes.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>

#include "flow/causes_graph.h"

namespace belfry {
namespace {

// With what stands for a quotation mark, and for a backslash.
std::string Escaped(std::string_view text, std::string_view quote, std::string_view backslash) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"') {
      escaped += quote;
    } else if (c == '\\') {
      escaped += backslash;
    } else {
      escaped += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return escaped;
}

// --- Text ---

// Deeper ones are not indented any further.
constexpr std::size_t kIndentedMax = 40;

// The lines of one graph.
class Tree {
 public:
  explicit Tree(const CauseGraph& graph) : graph_(graph) {}

  std::string Draw() {
    for (auto root = graph_.roots().rbegin(); root != graph_.roots().rend(); ++root) {
      waiting_.push_back({*root, "", "", 0});
    }
    while (!waiting_.empty()) {
      const Waiting next = std::move(waiting_.back());
      waiting_.pop_back();
      Draw(next);
    }
    return std::move(text_);
  }

 private:
  // A node to be drawn, and what stands in front of it, and of those below.
  struct Waiting {
    const TracedEvent* event;
    std::string branch;
    std::string below;
    std::size_t depth;
  };

  void Draw(const Waiting& drawn) {
    const TracedEvent& event = *drawn.event;
    text_ += drawn.branch + event.name + " " + graph_.Number(event.id);
    if (!event.by.empty()) text_ += " by " + event.by;
    if (event.cause && !graph_.Has(event.cause)) {
      text_ += ", caused by " + graph_.Number(event.cause) + ", of which nothing is known";
    }
    for (std::size_t i = 0; i < event.links.size(); ++i) {
      text_ += (i == 0 ? ", linked to " : ", ") + graph_.Number(event.links[i]);
    }
    text_ += "\n";
    const std::vector<const TracedEvent*>& effects = graph_.EffectsOf(event.id);
    const bool indented = drawn.depth < kIndentedMax;
    for (std::size_t i = effects.size(); i-- > 0;) {
      const bool last = i + 1 == effects.size();
      waiting_.push_back({effects[i], drawn.below + (last ? "└─ " : "├─ "),
                          indented ? drawn.below + (last ? "   " : "│  ") : drawn.below,
                          drawn.depth + 1});
    }
  }

  const CauseGraph& graph_;
  std::vector<Waiting> waiting_;
  std::string text_;
};

// --- JSON ---

std::string JsonText(std::string_view text) { return "\"" + Escaped(text, "\\\"", "\\\\") + "\""; }

std::string JsonEvent(const TracedEvent& event) {
  std::string links;
  for (const EventId link : event.links) {
    links += (links.empty() ? "" : ", ") + JsonText(ToString(link));
  }
  return "{\"id\": " + JsonText(ToString(event.id)) +
         ", \"cause\": " + JsonText(ToString(event.cause)) +
         ", \"correlation\": " + JsonText(ToString(event.correlation)) + ", \"links\": [" + links +
         "], \"name\": " + JsonText(event.name) + ", \"by\": " + JsonText(event.by) + "}";
}

std::string Json(const CauseGraph& graph, EventId id) {
  std::string events;
  for (const TracedEvent* event : graph.events()) {
    events += (events.empty() ? "\n  " : ",\n  ") + JsonEvent(*event);
  }
  return "{\"of\": " + JsonText(ToString(id)) + ", \"events\": [" + events + "]}\n";
}

// --- Mermaid ---

std::string MermaidText(std::string_view text) {
  return "\"" + Escaped(text, "#quot;", "\\") + "\"";
}

std::string Mermaid(const CauseGraph& graph, EventId id) {
  std::string text = "flowchart TD\n";
  std::map<EventId, std::string> nodes;
  for (const TracedEvent* event : graph.events()) {
    const std::string node = "e" + std::to_string(nodes.size() + 1);
    nodes[event->id] = node;
    text += "  " + node + "[" + MermaidText(event->name + " " + graph.Number(event->id)) + "]\n";
  }
  for (const TracedEvent* event : graph.events()) {
    const std::string& node = nodes[event->id];
    const std::string label = event->by.empty() ? "" : "|" + MermaidText(event->by) + "|";
    const auto arrow = [&](EventId from, const std::string& kind) {
      if (!graph.Has(from)) return;
      text.append("  ").append(nodes[from]).append(kind).append(node).append("\n");
    };
    arrow(event->cause, " -->" + label + " ");
    for (const EventId link : event->links) {
      arrow(link, " -.-> ");
    }
  }
  if (graph.Has(id)) text += "  style " + nodes[id] + " stroke-width:4px\n";
  return text;
}

}  // namespace

std::string DescribeCauses(const std::vector<TracedEvent>& events, EventId id, CauseFormat format) {
  const CauseGraph graph(events, id);
  switch (format) {
    case CauseFormat::kJson:
      return Json(graph, id);
    case CauseFormat::kMermaid:
      return Mermaid(graph, id);
    case CauseFormat::kText:
      break;
  }
  if (!graph.Has(id)) return "nothing is known of event " + ToString(id) + "\n";
  return Tree(graph).Draw();
}

}  // namespace belfry
