#include "bench.h"

#include <mansard/base/names.h>
#include <mansard/report/kernel_report.h>

#include <fmt/format.h>

#include <cmath>
#include <tuple>

namespace mansard::explore {
namespace {

/// What a message says beyond the description of the one kernel it is about.
std::string general(const std::string &message) {
  const size_t colon = message.find(": ");
  return colon == std::string::npos ? message : message.substr(colon + 2);
}

} // namespace

Result<size_t> Bench::targetOf(const hw::Catalog &catalog, const std::string &name) {
  if (const auto known = targetsByName_.find(name); known != targetsByName_.end())
    return known->second;
  auto chip = catalog.target(name);
  if (!chip && chip.error().code == ErrorCode::notFound) {
    host_->plugins(); // a target may come with one
    chip = catalog.target(name);
  }
  Result<size_t> found = targets_.size();
  if (chip)
    targets_.push_back(std::move(*chip));
  else
    found = chip.error();
  targetsByName_.emplace(name, found);
  return found;
}

Result<> Bench::addFile(const hw::Catalog &catalog, const std::string &path,
                        const std::string &family, std::map<std::string, size_t> &skipReasons) {
  auto file = report::readMeasurements(path);
  if (!file)
    return file.error();
  const auto origin = file->table.column("source");
  for (const report::Measurement &m : file->all) {
    const auto target = targetOf(catalog, m.target);
    const auto skip = [&](const std::string &reason) {
      ++skipReasons[fmt::format("{}, {}: {}", path, m.target, reason)];
    };
    if (!target) {
      skip(target.error().text());
      continue;
    }
    if (targets_[*target].family != family)
      continue;
    if (!m.unusable.empty() || m.served || m.trained) {
      skip(m.served    ? "a whole server; its software's constants are in configs/software"
           : m.trained ? "a whole training step, which is no kernel"
                       : m.unusable);
      continue;
    }
    Row &row = rows_.emplace_back();
    row.kernel = m.kernel;
    row.before = m.before;
    row.measured_us = m.measured_us;
    row.target = *target;
    row.metric = m.metric;
    row.site = report::siteOf(m.kernel);
    row.origin = origin ? file->table.rows[m.row][*origin] : "";
  }
  return Ok{};
}

Result<> Bench::dropRowsWithoutEstimate(std::map<std::string, size_t> &skipReasons) {
  std::vector<bool> kept(rows_.size(), false);
  const Batches all = batches([](const Row &) { return true; });
  const auto done = estimate(all, ~OpSet{0}, [&](const Batch &batch) -> Result<> {
    auto model = host_->bind(targets_[batch.target]);
    if (!model)
      return model.error();
    for (size_t i = 0; i < batch.rows.size(); ++i) {
      const auto sound = report::checkEstimate(*model, batch.kernels[i], estimates_[i]);
      kept[batch.rows[i]] = sound && estimates_[i].latency_us > 0;
      if (!kept[batch.rows[i]])
        ++skipReasons[fmt::format("{}, {}: {}", kOpNames[batch.op], targets_[batch.target].id,
                                  sound ? "the estimate is zero" : general(sound.error().message))];
    }
    return Ok{};
  });
  if (!done)
    return done.error();
  std::vector<Row> rows;
  for (size_t i = 0; i < rows_.size(); ++i)
    if (kept[i])
      rows.push_back(std::move(rows_[i]));
  rows_ = std::move(rows);
  return Ok{};
}

void Bench::assignFolds(size_t folds) {
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
    std::vector<std::string> sites;
    for (const Row &row : rows_)
      if (row.kernel.op == op)
        sites.push_back(row.site);
    const std::vector<size_t> fold = foldsOf(sites, folds);
    size_t i = 0;
    for (Row &row : rows_)
      if (row.kernel.op == op)
        row.fold = fold[i++];
  }
}

Result<Bench> Bench::load(host::Host &host, const hw::Catalog &catalog,
                          const CalibrationRequest &request,
                          std::map<std::string, size_t> &skipReasons) {
  Bench bench(host);
  for (const std::string &path : request.files)
    if (auto added = bench.addFile(catalog, path, request.family, skipReasons); !added)
      return added.error();
  if (auto dropped = bench.dropRowsWithoutEstimate(skipReasons); !dropped)
    return dropped.error();
  bench.assignFolds(request.folds);
  return bench;
}

Batches Bench::batches(const std::function<bool(const Row &)> &wanted) const {
  std::map<std::tuple<size_t, uint32_t, uint32_t>, Batch> found;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row &row = rows_[i];
    if (!wanted(row))
      continue;
    Batch &batch = found[{row.target, row.kernel.op, row.kernel.dtype}];
    batch.target = row.target;
    batch.op = row.kernel.op;
    batch.rows.push_back(i);
    batch.kernels.push_back(row.kernel);
    batch.measured_us.push_back(row.measured_us);
  }
  Batches out;
  for (auto &[key, batch] : found) {
    for (size_t i = 0; i < batch.rows.size(); ++i)
      for (const work::Kernel &before : rows_[batch.rows[i]].before) {
        batch.kernels.push_back(before);
        batch.beforeRow.push_back(i);
      }
    out.push_back(std::move(batch));
  }
  return out;
}

void Bench::set(const std::string &name, double value) {
  for (hw::Chip &chip : targets_)
    if (const auto found = chip.calibration.find(name); found != chip.calibration.end())
      found->second.value = value;
}

Result<> Bench::estimate(const Batches &batches, OpSet ops,
                         const std::function<Result<>(const Batch &)> &take) {
  ++trials_;
  // Batches come in order of target: each is bound once.
  for (size_t first = 0; first < batches.size();) {
    size_t last = first;
    bool any = false;
    for (; last < batches.size() && batches[last].target == batches[first].target; ++last)
      any = any || (ops >> batches[last].op & 1);
    if (any) {
      auto model = host_->bind(targets_[batches[first].target]);
      if (!model)
        return model.error();
      for (size_t i = first; i < last; ++i) {
        const Batch &batch = batches[i];
        if (!(ops >> batch.op & 1))
          continue;
        if (estimates_.size() < batch.kernels.size())
          estimates_.resize(batch.kernels.size());
        auto done = model->estimate(batch.kernels, {estimates_.data(), batch.kernels.size()});
        if (!done)
          return done;
        for (size_t k = 0; k < batch.beforeRow.size(); ++k)
          report::addBefore(estimates_[batch.beforeRow[k]], estimates_[batch.rows.size() + k]);
        if (auto taken = take(batch); !taken)
          return taken;
      }
    }
    first = last;
  }
  return Ok{};
}

bool Bench::errors(const Batches &batches, OpSet ops, double softness,
                   double (&errors)[MANSARD_OP_COUNT]) {
  const auto loss = [softness](double error) {
    return std::sqrt(error * error + softness * softness) - softness;
  };
  double sums[MANSARD_OP_COUNT] = {}, weights[MANSARD_OP_COUNT] = {};
  const auto done = estimate(batches, ops, [&](const Batch &batch) -> Result<> {
    double sum = 0;
    for (size_t i = 0; i < batch.rows.size(); ++i) {
      const mansard_estimate &e = estimates_[i];
      if (e.status != MANSARD_OK || !(e.latency_us > 0))
        return Error{ErrorCode::pluginFailed, "a row has no estimate any more", ""};
      const double ratio = e.latency_us / batch.measured_us[i];
      sum += (loss(ratio - 1) + loss(std::log(ratio))) / 2;
    }
    const double rows = static_cast<double>(batch.rows.size());
    const double weight = std::sqrt(rows);
    sums[batch.op] += weight * sum / rows;
    weights[batch.op] += weight;
    return Ok{};
  });
  if (!done)
    return false;
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    if (ops >> op & 1)
      errors[op] = weights[op] > 0 ? sums[op] / weights[op] : 0;
  return true;
}

Result<> Bench::predict(const Batches &batches, std::vector<Prediction> &out) {
  return estimate(batches, ~OpSet{0}, [&](const Batch &batch) -> Result<> {
    for (size_t i = 0; i < batch.rows.size(); ++i) {
      if (estimates_[i].status != MANSARD_OK || !(estimates_[i].latency_us > 0))
        return Error{ErrorCode::pluginFailed, "a row has no estimate any more", ""};
      out[batch.rows[i]] = {estimates_[i].latency_us, estimates_[i].bound};
    }
    return Ok{};
  });
}

} // namespace mansard::explore
