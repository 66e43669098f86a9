#include "../report/json.h"

#include <mansard/base/dtype.h>
#include <mansard/base/names.h>
#include <mansard/explore/calibrate.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace mansard::explore {
namespace {

using report::Json;
using report::TextTable;
using Align = TextTable::Align;

std::string tenths(double value) {
  return std::isfinite(value) ? fmt::format("{:.1f}", value) : "-";
}

/// A positive change in percent; from nothing there is none.
std::string change(const FittedConstant &c) {
  return c.before != 0 ? fmt::format("{:+.1f}", 100 * (c.after / c.before - 1)) : "";
}

std::string dtypeOf(const report::ResidualBand &band) {
  return band.dtype < MANSARD_DTYPE_COUNT ? std::string(kDTypes[band.dtype].name) : "all";
}

std::string boundOf(const report::ResidualBand &band) {
  return band.bound < MANSARD_BOUND_COUNT ? std::string(kBoundNames[band.bound]) : "all";
}

/// Mean over the groups of an op, each row weighing the same.
FitError overall(const std::vector<FitError> &errors, size_t first, size_t last) {
  FitError sum;
  sum.op = errors[first].op;
  sum.metric = "all";
  for (size_t i = first; i < last; ++i) {
    const FitError &e = errors[i];
    const double rows = static_cast<double>(e.rows);
    sum.rows += e.rows;
    sum.shipped += rows * e.shipped;
    sum.inSample += rows * e.inSample;
    sum.heldOut += rows * e.heldOut;
  }
  for (double *figure : {&sum.shipped, &sum.inSample, &sum.heldOut})
    *figure /= static_cast<double>(sum.rows);
  return sum;
}

} // namespace

std::string calibrationTable(const Calibration &calibration) {
  TextTable constants({{"constant", {}},
                       {"unit", {}},
                       {"before", Align::right},
                       {"after", Align::right},
                       {"change %", Align::right},
                       {"rows", Align::right},
                       {"judged by", {}}});
  for (const FittedConstant &c : calibration.constants)
    constants.addRow(
        {c.name, c.unit, fmt::format("{:.5g}", c.before), fmt::format("{:.5g}", c.after),
         c.ops.empty() ? "" : change(c), std::to_string(c.rows),
         c.ops.empty() ? "moves no row; stays" : fmt::format("{}", fmt::join(c.ops, ", "))});

  TextTable errors({{"op", {}},
                    {"metric", {}},
                    {"target", {}},
                    {"dtype", {}},
                    {"rows", Align::right},
                    {"sites", Align::right},
                    {"MAPE % before", Align::right},
                    {"fitted", Align::right},
                    {"held out", Align::right}});
  const auto addError = [&](const FitError &e) {
    errors.addRow({e.op, e.metric, e.target, e.dtype, std::to_string(e.rows),
                   e.sites ? std::to_string(e.sites) : "", tenths(e.shipped), tenths(e.inSample),
                   tenths(e.heldOut)});
  };
  const std::vector<FitError> &all = calibration.errors;
  for (size_t first = 0, last = 0; first < all.size(); first = last) {
    for (last = first; last < all.size() && all[last].op == all[first].op; ++last)
      addError(all[last]);
    if (last - first > 1)
      addError(overall(all, first, last));
    errors.addRow({});
  }

  TextTable bands({{"measured / predicted", {}},
                   {"dtype", {}},
                   {"bound", {}},
                   {"rows", Align::right},
                   {"10 %", Align::right},
                   {"90 %", Align::right},
                   {"", {}}});
  for (const FittedBand &fitted : calibration.bands) {
    const report::ResidualBand &band = fitted.band;
    bands.addRow({std::string(kOpNames[band.op]), dtypeOf(band), boundOf(band),
                  std::to_string(band.rows), fmt::format("{:.3f}", band.p10),
                  fmt::format("{:.3f}", band.p90), fitted.heldOut ? "held out" : "of the fit"});
  }
  return constants.text(0) + '\n' + errors.text(0) + bands.text(0);
}

std::string calibrationJson(const Calibration &calibration) {
  Json constants = Json::array(), errors = Json::array(), residuals = Json::array();
  for (const FittedConstant &c : calibration.constants)
    constants.push_back(Json{{"name", c.name},
                             {"unit", c.unit},
                             {"meaning", c.meaning},
                             {"before", c.before},
                             {"after", c.after},
                             {"ops", c.ops},
                             {"rows", c.rows},
                             {"source", c.source}});
  for (const FitError &e : calibration.errors)
    errors.push_back(Json{{"op", e.op},
                          {"metric", e.metric},
                          {"target", e.target},
                          {"dtype", e.dtype},
                          {"rows", e.rows},
                          {"sites", e.sites},
                          {"mape_before", e.shipped},
                          {"mape_fitted", e.inSample},
                          {"mape_held_out", e.heldOut}});
  for (const FittedBand &fitted : calibration.bands)
    residuals.push_back(Json{{"op", kOpNames[fitted.band.op]},
                             {"dtype", dtypeOf(fitted.band)},
                             {"bound", boundOf(fitted.band)},
                             {"rows", fitted.band.rows},
                             {"p10", fitted.band.p10},
                             {"p90", fitted.band.p90},
                             {"held_out", fitted.heldOut}});
  Json common = Json::object();
  for (const FittedCommon &fitted : calibration.common)
    common[std::string(kOpNames[fitted.op])] = fitted.share;
  return report::dump(Json{{"family", calibration.family},
                           {"targets", calibration.targets},
                           {"constants", constants},
                           {"errors", errors},
                           {"residuals", residuals},
                           {"common", common}});
}

} // namespace mansard::explore
