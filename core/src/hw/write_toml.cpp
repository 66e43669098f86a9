// Documents as TOML text.
#include <mansard/hw/cann_ini.h>
#include <mansard/hw/document.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace mansard::hw {
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + '"';
}

namespace {

bool isBare(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

/// A dotted key with the parts quoted that need it.
std::string keyText(std::string_view dotted) {
  std::string out;
  while (true) {
    const size_t dot = dotted.find('.');
    const std::string_view part = dotted.substr(0, dot);
    out += isBare(part) ? std::string(part) : quoted(part);
    if (dot == std::string_view::npos)
      return out;
    out += '.';
    dotted.remove_prefix(dot + 1);
  }
}

std::string valueText(const Entry &entry) {
  if (entry.kind == Entry::Kind::text)
    return quoted(entry.text);
  if (entry.kind == Entry::Kind::flag)
    return entry.number.value != 0 ? "true" : "false";
  const Quantity &q = entry.number;
  if (!entry.sourced)
    return fmt::format("{}", q.value);
  std::string out = fmt::format("{{ value = {}", q.value);
  if (q.low)
    out += fmt::format(", low = {}", *q.low);
  if (q.high)
    out += fmt::format(", high = {}", *q.high);
  return out + fmt::format(", source = {}, confidence = \"{}\" }}", quoted(q.source),
                           kConfidenceNames[static_cast<size_t>(q.confidence)]);
}

/// Section of a key: its first part, or the first two under links.
std::string_view sectionOf(std::string_view key) {
  size_t dot = key.find('.');
  if (dot != std::string_view::npos && key.starts_with("links."))
    dot = key.find('.', dot + 1);
  return dot == std::string_view::npos ? std::string_view() : key.substr(0, dot);
}

/// Place of a name in a target file; unknown ones come last, by name.
template <size_t N>
size_t rank(const std::array<std::string_view, N> &order, std::string_view name) {
  return static_cast<size_t>(
      std::distance(order.begin(), std::find(order.begin(), order.end(), name)));
}

constexpr std::array<std::string_view, 9> kTop{
    "id", "name", "vendor", "family", "model", "status", "year", "inherits", "devices_per_chip"};
constexpr std::array<std::string_view, 11> kSections{
    "compute",   "matrix",         "vector",          "sram", "registers", "l2", "memory",
    "links.die", "links.scale_up", "links.scale_out", "power"};

struct Line {
  std::string_view section, key;
  std::string text;
};

} // namespace

std::string writeToml(const Document &document) {
  std::vector<Line> lines;
  const auto add = [&](std::string_view key, const std::string &value) {
    const std::string_view section = sectionOf(key);
    const std::string_view rest = section.empty() ? key : key.substr(section.size() + 1);
    lines.push_back({section, rest, fmt::format("{} = {}\n", keyText(rest), value)});
  };
  for (const auto &[key, entry] : document.entries)
    add(key, valueText(entry));
  for (const auto &[key, texts] : document.lists) {
    std::string items;
    for (const std::string &text : texts)
      items += fmt::format("\n  {},", quoted(text));
    add(key, fmt::format("[{}{}]", items, texts.empty() ? "" : "\n"));
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line &a, const Line &b) {
    if (a.section != b.section) {
      const bool aTop = a.section.empty(), bTop = b.section.empty();
      if (aTop || bTop)
        return aTop;
      const size_t aRank = rank(kSections, a.section), bRank = rank(kSections, b.section);
      return aRank != bRank ? aRank < bRank : a.section < b.section;
    }
    return a.section.empty() && rank(kTop, a.key) < rank(kTop, b.key);
  });
  std::string out;
  std::string_view section;
  for (const Line &line : lines) {
    if (line.section != section)
      out += fmt::format("\n[{}]\n", keyText(line.section));
    section = line.section;
    out += line.text;
  }
  return out;
}

} // namespace mansard::hw
