#include <mansard/report/csv.h>
#include <mansard/report/files.h>

#include <fmt/core.h>

#include <algorithm>

namespace mansard::report {
namespace {

/// Walks the text once; knows the line it is on.
class Reader {
public:
  Reader(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") // a byte order mark, as spreadsheets write it
      text_.remove_prefix(3);
  }

  bool atEnd() const { return at_ >= text_.size(); }
  size_t line() const { return line_; }
  Error error(std::string message, size_t line) const {
    return {ErrorCode::invalidInput, std::move(message), fmt::format("{}:{}", file_, line)};
  }

  /// The cells up to the end of the line; none for a blank line.
  Result<std::vector<std::string>> row() {
    std::vector<std::string> cells;
    const size_t first = line_;
    bool any = false;
    for (;;) {
      std::string cell;
      const bool quoted = !atEnd() && text_[at_] == '"';
      if (quoted) {
        if (!quotedCell(cell))
          return error("a quoted cell never ends", first);
      } else {
        while (!atEnd() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r')
          cell += text_[at_++];
      }
      any = any || quoted || !cell.empty();
      cells.push_back(std::move(cell));
      if (!atEnd() && text_[at_] == ',') {
        ++at_;
        any = true;
        continue;
      }
      if (!endOfLine())
        return error("text follows the closing quote of a cell", first);
      break;
    }
    if (!any)
      cells.clear();
    return cells;
  }

private:
  bool quotedCell(std::string &cell) {
    for (++at_; !atEnd(); ++at_) {
      if (text_[at_] == '\n')
        ++line_;
      if (text_[at_] != '"') {
        cell += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        cell += text_[++at_];
      } else {
        ++at_;
        return true;
      }
    }
    return false;
  }

  bool endOfLine() {
    if (atEnd())
      return true;
    if (text_[at_] == '\r')
      ++at_;
    if (!atEnd() && text_[at_] == '\n') {
      ++at_;
      ++line_;
      return true;
    }
    return atEnd() || text_[at_ - 1] == '\r';
  }

  std::string_view text_;
  std::string file_;
  size_t at_ = 0, line_ = 1;
};

} // namespace

std::optional<size_t> CsvTable::column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end())
    return std::nullopt;
  return static_cast<size_t>(found - header.begin());
}

Result<CsvTable> parseCsv(std::string_view text, std::string file) {
  CsvTable table;
  table.file = file;
  Reader reader(text, std::move(file));
  while (!reader.atEnd()) {
    const size_t line = reader.line();
    auto cells = reader.row();
    if (!cells)
      return cells.error();
    if (cells->empty())
      continue;
    if (table.header.empty()) {
      for (auto cell = cells->begin(); cell != cells->end(); ++cell)
        if (std::find(cells->begin(), cell, *cell) != cell)
          return reader.error(fmt::format("column \"{}\" is there twice", *cell), line);
      table.header = std::move(*cells);
      continue;
    }
    if (cells->size() != table.header.size())
      return reader.error(
          fmt::format("the row has {} cells, the header {}", cells->size(), table.header.size()),
          line);
    table.rows.push_back(std::move(*cells));
    table.lines.push_back(line);
  }
  if (table.header.empty())
    return reader.error("no header row", 1);
  return table;
}

Result<CsvTable> readCsv(const std::string &path) {
  auto text = readFile(path);
  if (!text)
    return text.error();
  return parseCsv(*text, path);
}

std::string csvLine(const std::vector<std::string> &cells) {
  std::string line;
  for (const std::string &cell : cells) {
    if (&cell != &cells.front())
      line += ',';
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
      line += cell;
      continue;
    }
    line += '"';
    for (char c : cell)
      line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + '\n';
}

} // namespace mansard::report
