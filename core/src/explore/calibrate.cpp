#include "bench.h"
#include "judging.h"
#include "search.h"

#include <mansard/base/names.h>
#include <mansard/explore/calibrate.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

namespace mansard::explore {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double percentError(double predicted, double measured) {
  return 100 * std::fabs(predicted / measured - 1);
}

double mean(const std::vector<double> &values) {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return values.empty() ? kNone : sum / static_cast<double>(values.size());
}

/// Estimates of all rows with the constants as they were, as fitted on all rows, and each row as
/// fitted without its site: of the ops in `leftOut`, which have more than one.
struct Predictions {
  std::vector<Prediction> shipped, inSample, heldOut;
  OpSet leftOut = 0;

  bool honest(const Row &row) const { return leftOut >> row.kernel.op & 1; }
  /// The most honest there is of row `i`.
  const Prediction &judged(size_t i, const Row &row) const {
    return honest(row) ? heldOut[i] : inSample[i];
  }
};

OpSet opsOfSeveralSites(const Bench &bench) {
  std::map<uint32_t, std::set<std::string>> sites;
  for (const Row &row : bench.rows())
    sites[row.kernel.op].insert(row.site);
  OpSet ops = 0;
  for (const auto &[op, itsSites] : sites)
    ops |= OpSet{itsSites.size() > 1} << op;
  return ops;
}

std::vector<FitError> errorsOf(const Bench &bench, const Predictions &predicted) {
  struct Group {
    std::vector<double> shipped, inSample, heldOut;
    std::vector<std::string> sites;
  };
  std::map<std::tuple<uint32_t, std::string, std::string, std::string>, Group> groups;
  for (size_t i = 0; i < bench.rows().size(); ++i) {
    const Row &row = bench.rows()[i];
    Group &group = groups[{row.kernel.op, row.metric, bench.targets()[row.target].id,
                           std::string(kDTypes[row.kernel.dtype].name)}];
    group.shipped.push_back(percentError(predicted.shipped[i].latency_us, row.measured_us));
    group.inSample.push_back(percentError(predicted.inSample[i].latency_us, row.measured_us));
    if (predicted.honest(row))
      group.heldOut.push_back(percentError(predicted.heldOut[i].latency_us, row.measured_us));
    group.sites.push_back(row.site);
  }
  std::vector<FitError> out;
  for (auto &[key, group] : groups) {
    FitError &error = out.emplace_back();
    error.op = kOpNames[std::get<0>(key)];
    std::tie(std::ignore, error.metric, error.target, error.dtype) = key;
    error.rows = group.sites.size();
    std::sort(group.sites.begin(), group.sites.end());
    error.sites = static_cast<size_t>(std::unique(group.sites.begin(), group.sites.end()) -
                                      group.sites.begin());
    error.shipped = mean(group.shipped);
    error.inSample = mean(group.inSample);
    error.heldOut = mean(group.heldOut);
  }
  return out;
}

/// "1506 gemm rows of h100-sxm (ai-dynamo/aiconfigurator)".
std::string provenance(const Bench &bench, const std::vector<size_t> &rows) {
  std::map<uint32_t, size_t> byOp;
  std::vector<std::string> targets, origins;
  const auto note = [](std::vector<std::string> &list, const std::string &text) {
    if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end())
      list.push_back(text);
  };
  for (const size_t i : rows) {
    const Row &row = bench.rows()[i];
    ++byOp[row.kernel.op];
    note(targets, bench.targets()[row.target].id);
    note(origins, row.origin.substr(0, row.origin.find(" (")));
  }
  std::sort(targets.begin(), targets.end());
  std::sort(origins.begin(), origins.end());
  std::string counts;
  for (const auto &[op, count] : byOp)
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, kOpNames[op]);
  return fmt::format("{}, {} rows{}", fmt::join(targets, " and "), counts,
                     origins.empty() ? "" : fmt::format(" ({})", fmt::join(origins, ", ")));
}

std::string sourceOf(const Bench &bench, const Predictions &predicted,
                     const std::vector<size_t> &rows) {
  std::vector<double> errors;
  bool honest = true;
  for (const size_t i : rows) {
    const Row &row = bench.rows()[i];
    errors.push_back(percentError(predicted.judged(i, row).latency_us, row.measured_us));
    honest = honest && predicted.honest(row);
  }
  return fmt::format("fitted on {}; {:.1f} % mean absolute error {}", provenance(bench, rows),
                     mean(errors), honest ? "on sites left out" : "on these rows");
}

/// The most honest residuals there are, of the ops in `moved`.
void addBands(const Bench &bench, const Predictions &predicted, OpSet moved, Calibration &out) {
  std::vector<size_t> rows; // as out.residuals
  std::map<std::pair<uint32_t, size_t>, size_t> counts;
  for (size_t i = 0; i < bench.rows().size(); ++i) {
    const Row &row = bench.rows()[i];
    const uint32_t op = row.kernel.op;
    if (!(moved >> op & 1))
      continue;
    const Prediction &prediction = predicted.judged(i, row);
    out.residuals.push_back({op, row.kernel.dtype, prediction.bound, row.site,
                             row.measured_us / prediction.latency_us,
                             fmt::format("{} {}", row.target, report::companyOf(row.kernel))});
    rows.push_back(i);
    ++counts[{op, row.target}];
  }
  for (report::ResidualBand band : report::residualBands(out.residuals)) {
    std::vector<size_t> held;
    for (size_t i = 0; i < rows.size(); ++i)
      if (band.holds(out.residuals[i]))
        held.push_back(rows[i]);
    band.p10 = rounded(band.p10);
    band.p90 = rounded(band.p90);
    const bool heldOut = predicted.leftOut >> band.op & 1;
    out.bands.push_back(
        {band, heldOut,
         fmt::format("{}, {}", provenance(bench, held),
                     heldOut ? "each predicted from sites other than its own" : "in the fit")});
  }
  std::map<uint32_t, std::vector<report::Residual>> byOp;
  for (const report::Residual &residual : out.residuals)
    byOp[residual.op].push_back(residual);
  for (const auto &[op, residuals] : byOp)
    if (const auto share = report::commonShare(residuals)) {
      const bool heldOut = predicted.leftOut >> op & 1;
      out.common.push_back(
          {op, rounded(*share),
           fmt::format(
               "of the variance of {} {} rows{}, common to different sites of the same chip, "
               "types and rows",
               residuals.size(), kOpNames[op],
               heldOut ? ", each predicted from sites other than its own" : "")});
    }
  for (const auto &[key, count] : counts)
    out.measured.push_back(
        {std::string(kOpNames[key.first]), bench.targets()[key.second].id, count});
}

} // namespace

std::string FittedCommon::key() const {
  return fmt::format("residual.{}.{}", kOpNames[op], report::kCommonKey);
}

std::string MeasuredChip::key() const { return fmt::format("residual.{}.measured.{}", op, target); }

Result<Calibration> calibrate(host::Host &host, const hw::Catalog &catalog,
                              const CalibrationRequest &request) {
  const auto wrong = [&](std::string message) {
    return Error{ErrorCode::invalidInput, std::move(message), ""};
  };
  if (request.folds == 1)
    return wrong("one fold would hold out all rows; cross-validation takes 2 folds or more");
  if (request.keep && request.folds == 0)
    return wrong("constants that are kept need cross-validation: without, there is nothing to do");
  auto document = catalog.calibration(request.family);
  if (!document)
    return document.error();
  auto file = CalibrationFile::read(document->file);
  if (!file)
    return file.error();
  auto parameters = parametersOf(*file, request.only);
  if (!parameters)
    return parameters.error();

  Calibration out{std::move(*file), request.family, {}, {}, {}, {}, {}, {}, {}, {}, 0};
  auto loaded = Bench::load(host, catalog, request, out.skipReasons);
  if (!loaded)
    return loaded.error();
  Bench &bench = *loaded;
  if (bench.rows().empty()) {
    std::string reasons;
    for (const auto &[reason, rows] : out.skipReasons)
      reasons += fmt::format("; skipped {}: {}", rows, reason);
    return wrong(fmt::format("no row that can be estimated is of a chip of the family '{}'{}",
                             request.family, reasons));
  }
  const Batches all = bench.batches([](const Row &) { return true; });
  auto judging = judge(bench, all, *parameters);
  if (!judging)
    return judging.error();
  if (!judging->moved)
    return wrong(fmt::format("nothing to fit: none of the {} constants chosen moves any of the {} "
                             "rows",
                             parameters->size(), bench.rows().size()));

  const size_t rows = bench.rows().size();
  Predictions predicted{std::vector<Prediction>(rows), std::vector<Prediction>(rows), {}, 0};
  if (auto done = bench.predict(all, predicted.shipped); !done)
    return done.error();
  const auto told = [&](const std::string &stage) {
    return [&, stage](std::string_view line) {
      if (request.progress)
        request.progress(fmt::format("{}: {}", stage, line));
    };
  };
  const std::vector<Parameter> shipped = *parameters;
  if (!request.keep)
    fit(bench, all, *parameters, Reach::far, told("all rows"));
  if (auto done = bench.predict(all, predicted.inSample); !done)
    return done.error();
  if (request.folds > 0) {
    predicted.heldOut.resize(rows);
    predicted.leftOut = opsOfSeveralSites(bench);
  }
  for (size_t fold = 0; fold < request.folds; ++fold) {
    std::vector<Parameter> apart = *parameters;
    const Batches others = bench.batches([&](const Row &row) { return row.fold != fold; });
    fit(bench, others, apart, Reach::near,
        told(fmt::format("fold {} of {}", fold + 1, request.folds)));
    const Batches left = bench.batches([&](const Row &row) { return row.fold == fold; });
    if (auto done = bench.predict(left, predicted.heldOut); !done)
      return done.error();
  }

  for (size_t i = 0; i < parameters->size(); ++i) {
    const Parameter &p = (*parameters)[i];
    FittedConstant &constant = out.constants.emplace_back();
    constant.name = p.name;
    constant.unit = out.before.unitOf(p.name);
    constant.meaning = out.before.meaningOf(p.name);
    constant.before = shipped[i].value;
    constant.after = p.judged ? p.value : shipped[i].value;
    for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
      if (p.judged >> op & 1)
        constant.ops.emplace_back(kOpNames[op]);
    std::vector<size_t> judgedRows;
    for (const size_t row : judging->rows[i])
      if (p.judged >> bench.rows()[row].kernel.op & 1)
        judgedRows.push_back(row);
    constant.rows = judgedRows.size();
    if (p.judged && !request.keep)
      constant.source = sourceOf(bench, predicted, judgedRows);
  }
  out.errors = errorsOf(bench, predicted);
  addBands(bench, predicted, judging->moved, out);
  for (const Row &row : bench.rows())
    if (const std::string &id = bench.targets()[row.target].id;
        std::find(out.targets.begin(), out.targets.end(), id) == out.targets.end())
      out.targets.push_back(id);
  out.trials = bench.trials();
  return out;
}

Result<CalibrationFile> calibrated(const Calibration &calibration) {
  std::vector<ConstantChange> changes;
  for (const FittedConstant &constant : calibration.constants)
    if (!constant.source.empty())
      changes.push_back({constant.name, constant.after, constant.source});
  std::set<std::string> renewed; // ops
  for (const FittedBand &fitted : calibration.bands) {
    renewed.insert(fmt::format("residual.{}.", kOpNames[fitted.band.op]));
    changes.push_back({fitted.band.key() + ".p10", fitted.band.p10, fitted.source});
    changes.push_back({fitted.band.key() + ".p90", fitted.band.p90, fitted.source});
  }
  for (const FittedCommon &common : calibration.common)
    changes.push_back({common.key(), common.share, common.source});
  for (const MeasuredChip &chip : calibration.measured)
    changes.push_back({chip.key(), static_cast<double>(chip.rows), "rows of the bands"});
  std::vector<std::string> gone;
  for (const auto &[key, entry] : calibration.before.document().entries) {
    const bool kept = std::any_of(changes.begin(), changes.end(),
                                  [&](const ConstantChange &change) { return change.key == key; });
    const bool ours = std::any_of(renewed.begin(), renewed.end(), [&](const std::string &prefix) {
      return key.starts_with(prefix) && !key.ends_with(".unmeasured");
    });
    if (ours && !kept)
      gone.push_back(key);
  }
  return calibration.before.with(changes, gone);
}

} // namespace mansard::explore
