#include "judging.h"

#include <mansard/base/names.h>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace mansard::explore {
namespace {

constexpr std::string_view kResidual = "residual.";

/// Large enough to be felt through a minimum over schedules, small enough to stay meaningful.
constexpr double kNudge = 1.5, kFromNothing = 1;
/// Rounding noise of an estimate is far below, what a row can tell far above.
constexpr double kMoved = 1e-6;

bool isShare(const CalibrationFile &file, const std::string &key) {
  std::string meaning = file.meaningOf(key);
  for (char &c : meaning)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return file.unitOf(key) == "1" && (meaning.find("share") != std::string::npos ||
                                     key.ends_with("_share") || key.ends_with("_efficiency"));
}

Parameter parameterOf(const CalibrationFile &file, const std::string &key,
                      const hw::Quantity &quantity) {
  Parameter p;
  p.name = key;
  p.value = quantity.value;
  // Positive, and far enough from nothing that a logarithm holds no trap.
  const double tiny = quantity.value > 0 ? std::min(1e-6, quantity.value) : 0;
  p.low = quantity.low && *quantity.low > 0 ? *quantity.low : tiny;
  p.high = quantity.high ? *quantity.high : isShare(file, key) && quantity.value <= 1 ? 1 : 1e9;
  return p;
}

/// The op that a constant is named after, or nothing.
OpSet ownerOf(std::string_view name) {
  const std::string_view first = name.substr(0, name.find('.'));
  if (first.size() == name.size())
    return 0;
  const auto *found = std::find(kOpNames.begin(), kOpNames.end(), first);
  return found == kOpNames.end() ? 0 : OpSet{1} << (found - kOpNames.begin());
}

} // namespace

Result<std::vector<Parameter>> parametersOf(const CalibrationFile &file,
                                            const std::vector<std::string> &only) {
  std::vector<std::string> names;
  for (const auto &[key, entry] : file.document().entries)
    if (entry.kind == hw::Entry::Kind::number && !key.starts_with(kResidual))
      names.push_back(key);
  for (const std::string &prefix : only)
    if (prefix.empty() || std::none_of(names.begin(), names.end(), [&](const std::string &name) {
          return name.starts_with(prefix);
        }))
      return Error{ErrorCode::notFound,
                   fmt::format("no constant's name begins with '{}'{}; there are {}", prefix,
                               hw::suggestion(prefix, names), fmt::join(names, ", ")),
                   file.document().file};
  std::vector<Parameter> parameters;
  for (const std::string &name : names) {
    const hw::Quantity &quantity = file.document().entries.find(name)->second.number;
    const bool chosen = only.empty()
                            ? quantity.confidence == hw::Confidence::fitted
                            : std::any_of(only.begin(), only.end(), [&](const std::string &prefix) {
                                return name.starts_with(prefix);
                              });
    if (chosen)
      parameters.push_back(parameterOf(file, name, quantity));
  }
  if (parameters.empty())
    return Error{ErrorCode::invalidInput,
                 fmt::format("nothing to fit: no constant has the confidence \"fitted\"; name some "
                             "of {}",
                             fmt::join(names, ", ")),
                 file.document().file};
  return parameters;
}

Result<Judging> judge(Bench &bench, const Batches &batches, std::vector<Parameter> &parameters) {
  Judging judging;
  std::vector<Prediction> base(bench.rows().size());
  if (auto done = bench.predict(batches, base); !done)
    return done.error();
  for (Parameter &p : parameters) {
    std::vector<bool> moves(base.size(), false);
    const bool nothing = !(p.value > 0);
    for (const double value :
         {nothing ? kFromNothing : p.value * kNudge, nothing ? kFromNothing : p.value / kNudge}) {
      bench.set(p.name, value);
      std::vector<Prediction> moved = base;
      if (!bench.predict(batches, moved))
        continue;
      for (size_t i = 0; i < base.size(); ++i)
        moves[i] = moves[i] || std::fabs(moved[i].latency_us / base[i].latency_us - 1) > kMoved;
    }
    bench.set(p.name, p.value);
    std::vector<size_t> &rows = judging.rows.emplace_back();
    for (size_t i = 0; i < base.size(); ++i)
      if (moves[i]) {
        rows.push_back(i);
        p.moves |= OpSet{1} << bench.rows()[i].kernel.op;
      }
    judging.moved |= p.moves;
    const OpSet owner = ownerOf(p.name) & p.moves;
    p.judged = owner ? owner : p.moves;
  }
  return judging;
}

} // namespace mansard::explore
