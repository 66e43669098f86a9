#include "../base/quantile.h"

#include "serving_validation.h"
#include "training_validation.h"

#include <mansard/base/counts.h>
#include <mansard/report/validation.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace mansard::report {
namespace {

/// Models by target, opened once; or why a target has none.
class Models {
public:
  explicit Models(host::Host &host) : host_(host) {}
  Result<host::Model> &of(const std::string &target) {
    auto found = models_.find(target);
    if (found == models_.end())
      found = models_.emplace(target, host_.open(target)).first;
    return found->second;
  }

private:
  host::Host &host_;
  std::map<std::string, Result<host::Model>> models_;
};

/// Estimates all of a file's measurements of one target in one call.
Result<> compareTarget(const host::Model &model, const std::vector<Measurement> &all,
                       const std::vector<size_t> &indices, std::vector<Compared> &out) {
  std::vector<work::Kernel> kernels; // the measured ones, then all that ran before them
  for (size_t i : indices)
    kernels.push_back(all[i].kernel);
  for (size_t i : indices)
    kernels.insert(kernels.end(), all[i].before.begin(), all[i].before.end());
  mansard_estimate blank{};
  blank.struct_size = sizeof blank;
  std::vector<mansard_estimate> estimates(kernels.size(), blank);
  if (auto done = model.estimate(kernels, estimates); !done)
    return done.error();
  for (size_t i = 0, next = indices.size(); i < indices.size(); ++i) {
    Compared &one = out[indices[i]];
    for (size_t k = 0; k < all[indices[i]].before.size(); ++k)
      addBefore(estimates[i], estimates[next++]);
    one.estimate = estimates[i];
    if (auto sound = checkEstimate(model, kernels[i], estimates[i]); !sound) {
      // The kernel's own description would make every reason different.
      const std::string &message = sound.error().message;
      const size_t colon = message.find(": ");
      one.skipped = colon == std::string::npos ? message : message.substr(colon + 2);
      continue;
    }
    if (!(estimates[i].latency_us > 0)) {
      one.skipped = "the estimate is zero";
      continue;
    }
    one.interval = host::interval(model, kernels[i], estimates[i]);
    one.roofline_us = roofline(model.view(), kernels[i]);
  }
  return Ok{};
}

double mean(const std::vector<double> &values) {
  if (values.empty())
    return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (double value : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

struct Samples {
  std::vector<double> ape, logs, rooflineApe, inside;
  size_t skipped = 0;
};

void summarise(Samples &samples, ErrorGroup &group) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  group.rows = samples.ape.size();
  group.skipped = samples.skipped;
  group.mape = mean(samples.ape);
  std::sort(samples.ape.begin(), samples.ape.end());
  group.median_ape = samples.ape.empty() ? none : quantile(samples.ape, 0.5);
  group.p90_ape = samples.ape.empty() ? none : quantile(samples.ape, 0.9);
  group.bias = mean(samples.logs);
  group.roofline_mape = mean(samples.rooflineApe);
  group.covered = mean(samples.inside);
}

void groupFile(const Measurements &file, const std::vector<Compared> &compared,
               std::vector<ErrorGroup> &groups) {
  std::map<std::tuple<std::string, std::string, std::string>, Samples> samples;
  for (size_t i = 0; i < file.all.size(); ++i) {
    const Measurement &m = file.all[i];
    const Compared &c = compared[i];
    Samples &s = samples[{m.metric, m.target, m.dtype}];
    if (!c.skipped.empty()) {
      ++s.skipped;
      continue;
    }
    const double predicted = c.estimate.latency_us;
    s.ape.push_back(100 * std::fabs(predicted / m.measured_us - 1));
    s.logs.push_back(std::log(predicted / m.measured_us));
    if (c.roofline_us > 0)
      s.rooflineApe.push_back(100 * std::fabs(c.roofline_us / m.measured_us - 1));
    if (c.interval.known)
      s.inside.push_back(m.measured_us >= c.interval.low_us && m.measured_us <= c.interval.high_us);
  }
  for (auto &[key, sample] : samples) {
    ErrorGroup &group = groups.emplace_back();
    group.file = file.table.file;
    group.op = file.op;
    std::tie(group.metric, group.target, group.dtype) = key;
    summarise(sample, group);
  }
}

} // namespace

double roofline(const mansard_chip &chip, const work::Kernel &kernel) {
  const Counts counts = countWork(kernel);
  double seconds = 0;
  const auto limit = [&](double work, double perSecond) {
    if (!(work > 0))
      return true;
    if (!(perSecond > 0))
      return false;
    seconds = std::max(seconds, work / perSecond);
    return true;
  };
  const bool vectorOnly = kernel.op == MANSARD_OP_VECTOR;
  bool known = limit(counts.matrixOperations, chip.matrix_ops_per_s[kernel.dtype]);
  if (vectorOnly)
    known = known &&
            limit(counts.vectorOperations, std::max(chip.vector_ops_per_s[kernel.dtype],
                                                    chip.vector_ops_per_s[MANSARD_DTYPE_FP32]));
  known = known && limit(counts.readBytes + counts.writeBytes, chip.dram_peak_bytes_per_s);
  if (counts.linkBytes > 0) {
    const int64_t ranks = kernel.op == MANSARD_OP_COLLECTIVE        ? kernel.u.collective.ranks
                          : kernel.op == MANSARD_OP_EXPERT_PARALLEL ? kernel.u.expert_parallel.ranks
                                                                    : 1;
    const mansard_link &up = chip.links[MANSARD_LINK_SCALE_UP];
    const bool inside = up.bytes_per_s > 0 && static_cast<double>(ranks) <= up.domain;
    known = known &&
            limit(counts.linkBytes, (inside ? up : chip.links[MANSARD_LINK_SCALE_OUT]).bytes_per_s);
  }
  return known ? seconds * 1e6 : 0;
}

Result<Validation> validate(host::Host &host, const std::vector<std::string> &files,
                            size_t serverSamples) {
  Validation out;
  Models models(host);
  for (const std::string &path : files) {
    auto file = readMeasurements(path);
    if (!file)
      return file.error();
    std::vector<Compared> compared(file->all.size());
    std::map<std::string, std::vector<size_t>> byTarget;
    for (size_t i = 0; i < file->all.size(); ++i) {
      compared[i].skipped = file->all[i].unusable;
      if (compared[i].skipped.empty())
        byTarget[file->all[i].target].push_back(i);
    }
    for (const auto &[target, indices] : byTarget) {
      auto &model = models.of(target);
      if (!model) {
        if (model.error().code == ErrorCode::pluginFailed)
          return model.error();
        for (size_t i : indices)
          compared[i].skipped = model.error().text();
        continue;
      }
      out.families.emplace(target, model->chip().family);
      auto done =
          isServing(file->op)
              ? compareServers(host.catalog(), *model, *file, indices, serverSamples, compared)
          : isTraining(file->op) ? compareTraining(host.catalog(), *model, *file, indices, compared)
                                 : compareTarget(*model, file->all, indices, compared);
      if (!done)
        return done.error();
    }
    for (size_t i = 0; i < compared.size(); ++i)
      if (!compared[i].skipped.empty())
        ++out.skipReasons[fmt::format("{}, {}: {}", path, file->all[i].target,
                                      compared[i].skipped)];
    groupFile(*file, compared, out.groups);
    out.files.push_back(std::move(*file));
    out.compared.push_back(std::move(compared));
  }
  return out;
}

} // namespace mansard::report
