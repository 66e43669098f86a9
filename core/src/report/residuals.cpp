#include "../base/text_hash.h"

#include <mansard/base/dtype.h>
#include <mansard/base/names.h>
#include <mansard/report/residuals.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace mansard::report {
namespace {

constexpr size_t kFolds = 10;
/// A regime of this many sites counts as much as the band above it: least interval score on sites
/// left out, of all measured tables (2 to 8 do about as well).
constexpr double kSitesOfDoubt = 4;
/// What n sites say of the next is wider than what they span: for a normal spread of sites by
/// Student's factor at n - 1 degrees of freedom and the root of 1 + 1 / n, which together are
/// within a tenth of 1 + 1.8 / n for 3 sites or more. It concerns the share of the variance that
/// lies between sites.
constexpr double kOfSites = 1.8;

/// The value that the next draw falls below with probability `share` (Weibull's plotting
/// positions: of n draws, the i-th from below stands at i / (n + 1)). `sorted` is not empty.
double nextQuantile(const std::vector<double> &sorted, double share) {
  const double n = static_cast<double>(sorted.size());
  const double at = std::clamp(share * (n + 1) - 1, 0.0, n - 1);
  const size_t below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

struct Sample {
  std::vector<double> logs;                                    // of the ratios
  std::map<std::string_view, std::pair<double, double>> sites; // sum of logs, rows

  void add(const Residual &residual) {
    logs.push_back(std::log(residual.ratio));
    auto &[sum, rows] = sites[residual.site];
    sum += logs.back();
    rows += 1;
  }
  /// The share of the variance that site means make up; 0 where all ratios are the same.
  double betweenSites() const {
    const auto rows = static_cast<double>(logs.size());
    double sum = 0, squares = 0, ofMeans = 0;
    for (const double log : logs) {
      sum += log;
      squares += log * log;
    }
    for (const auto &[site, its] : sites)
      ofMeans += its.first * its.first / its.second;
    const double variance = squares - sum * sum / rows, between = ofMeans - sum * sum / rows;
    return variance > 0 ? std::clamp(between / variance, 0.0, 1.0) : 0;
  }
  bool isEnough() const { return logs.size() >= kFewestRows && sites.size() >= kFewestSites; }
};

/// From the 10th to the 90th percentile, in log, before what few sites add.
struct Range {
  double middle = 0, half = 0;
};

Range rangeOf(Sample &sample) {
  std::sort(sample.logs.begin(), sample.logs.end());
  const double low = nextQuantile(sample.logs, 0.1), high = nextQuantile(sample.logs, 0.9);
  return {(low + high) / 2, (high - low) / 2};
}

/// Widths lean as factors do, middles as sums.
Range leaning(Sample &sample, const Range &above) {
  const Range own = rangeOf(sample);
  const double sites = static_cast<double>(sample.sites.size());
  const double weight = sites / (sites + kSitesOfDoubt);
  return {weight * own.middle + (1 - weight) * above.middle,
          std::pow(own.half, weight) * std::pow(above.half, 1 - weight)};
}

/// Bands of one operation.
class OpBands {
public:
  void add(const Residual &residual) {
    all_.add(residual);
    byDType_[residual.dtype].add(residual);
    byRegime_[{residual.dtype, residual.bound}].add(residual);
  }

  void appendTo(std::vector<ResidualBand> &bands, uint32_t op) {
    const Range all = rangeOf(all_);
    append(bands, {op}, all_, all);
    const bool several = byDType_.size() > 1;
    for (auto &[dtype, ofType] : byDType_) {
      Range above = all;
      const uint32_t named = several ? dtype : MANSARD_DTYPE_COUNT;
      if (several) {
        if (!ofType.isEnough())
          continue;
        above = leaning(ofType, all);
        append(bands, {op, named}, ofType, above);
      }
      for (uint32_t bound = 0; bound < MANSARD_BOUND_COUNT; ++bound)
        if (auto found = byRegime_.find({dtype, bound});
            found != byRegime_.end() && found->second.isEnough())
          append(bands, {op, named, bound}, found->second, leaning(found->second, above));
    }
  }

private:
  void append(std::vector<ResidualBand> &bands, ResidualBand band, const Sample &sample,
              const Range &range) const {
    const double half = range.half * (1 + kOfSites * sample.betweenSites() /
                                              static_cast<double>(all_.sites.size()));
    band.p10 = std::exp(range.middle - half);
    band.p90 = std::exp(range.middle + half);
    band.rows = sample.logs.size();
    band.sites = sample.sites.size();
    bands.push_back(band);
  }

  Sample all_;
  std::map<uint32_t, Sample> byDType_;
  std::map<std::pair<uint32_t, uint32_t>, Sample> byRegime_; // data type and bound
};

/// Mixes both well enough to order sites by.
uint64_t placeOf(std::string_view site, uint64_t seed) {
  const uint64_t hash = hashOf(site, kHashStart ^ (seed * 0x9E3779B97F4A7C15ull));
  return hash ^ (hash >> 29);
}

/// Sites in an order that depends on `seed` alone, dealt to as many folds as there are.
std::map<std::string_view, size_t> deal(const std::set<std::string_view> &sites, uint64_t seed) {
  std::vector<std::pair<uint64_t, std::string_view>> order;
  for (std::string_view site : sites)
    order.emplace_back(placeOf(site, seed), site);
  std::sort(order.begin(), order.end());
  std::map<std::string_view, size_t> folds;
  for (size_t i = 0; i < order.size(); ++i)
    folds[order[i].second] = i % kFolds;
  return folds;
}

bool inside(const std::vector<ResidualBand> &bands, const Residual &residual) {
  const ResidualBand *chosen = nullptr; // the narrowest, which comes last
  for (const ResidualBand &band : bands)
    if (band.holds(residual))
      chosen = &band;
  return chosen && residual.ratio >= chosen->p10 && residual.ratio <= chosen->p90;
}

} // namespace

std::string siteOf(const work::Kernel &kernel) {
  switch (kernel.op) {
  case MANSARD_OP_MATMUL:
    return fmt::format("n{} k{}", kernel.u.matmul.n, kernel.u.matmul.k);
  case MANSARD_OP_GROUPED_MATMUL:
    return fmt::format("n{} k{}", kernel.u.grouped_matmul.n, kernel.u.grouped_matmul.k);
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE: {
    const mansard_attention &a = kernel.u.attention;
    return fmt::format("heads {}/{} of {} window {}", a.heads, a.kv_heads, a.head_dim, a.window);
  }
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    return fmt::format("heads {}", kernel.u.mla.heads);
  case MANSARD_OP_VECTOR:
    return fmt::format("kind {} cols {}", kernel.u.vector.kind, kernel.u.vector.cols);
  case MANSARD_OP_MOE: {
    const mansard_moe &m = kernel.u.moe;
    return fmt::format("{}x{} top {} of {}", m.hidden, m.inter, m.topk, m.experts);
  }
  case MANSARD_OP_COLLECTIVE:
    return fmt::format("kind {} ranks {}", kernel.u.collective.kind, kernel.u.collective.ranks);
  case MANSARD_OP_EXPERT_PARALLEL: {
    const mansard_expert_parallel &e = kernel.u.expert_parallel;
    return fmt::format("ranks {} hidden {} top {} of {}", e.ranks, e.hidden, e.topk, e.experts);
  }
  default:
    return "";
  }
}

std::string companyOf(const work::Kernel &kernel) {
  const std::string types =
      fmt::format("{} {} {}", kernel.dtype, kernel.weight_dtype, kernel.scaling);
  switch (kernel.op) {
  case MANSARD_OP_MATMUL:
    return fmt::format("{} m{}", types, kernel.u.matmul.m);
  case MANSARD_OP_GROUPED_MATMUL:
    return fmt::format("{} {} groups m{}", types, kernel.u.grouped_matmul.groups,
                       kernel.u.grouped_matmul.m);
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE: {
    const mansard_attention &a = kernel.u.attention;
    return fmt::format("{} {} of {} over {}", types, a.batch, a.q_len, a.kv_len);
  }
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE: {
    const mansard_mla &a = kernel.u.mla;
    return fmt::format("{} {} of {} over {}", types, a.batch, a.q_len, a.kv_len);
  }
  case MANSARD_OP_VECTOR:
    return fmt::format("{} rows {}", types, kernel.u.vector.rows);
  case MANSARD_OP_MOE: {
    const mansard_moe &m = kernel.u.moe;
    return fmt::format("{} tokens {} tp {} ep {} as {} {}", types, m.tokens, m.tp, m.ep,
                       m.distribution, m.alpha);
  }
  case MANSARD_OP_COLLECTIVE:
    return fmt::format("{} bytes", kernel.u.collective.size_bytes);
  case MANSARD_OP_EXPERT_PARALLEL:
    return fmt::format("{} tokens {} direction {} mode {}", types, kernel.u.expert_parallel.tokens,
                       kernel.u.expert_parallel.direction, kernel.u.expert_parallel.mode);
  default:
    return types;
  }
}

std::optional<double> commonShare(std::span<const Residual> residuals) {
  struct Mean {
    double sum = 0, rows = 0;
    void add(double value) {
      sum += value;
      rows += 1;
    }
    double value() const { return sum / rows; }
  };
  std::map<std::pair<uint32_t, uint32_t>, Mean> regimes;
  for (const Residual &residual : residuals)
    regimes[{residual.dtype, residual.bound}].add(std::log(residual.ratio));
  std::map<std::string_view, std::map<std::string_view, Mean>> companies; // by site
  double variance = 0;
  for (const Residual &residual : residuals) {
    const double away =
        std::log(residual.ratio) - regimes.at({residual.dtype, residual.bound}).value();
    variance += away * away / static_cast<double>(residuals.size());
    companies[residual.company][residual.site].add(away);
  }
  double covariance = 0, weight = 0;
  size_t judged = 0;
  for (const auto &[company, sites] : companies) {
    if (sites.size() < 2)
      continue;
    double sum = 0, squares = 0;
    for (const auto &[site, mean] : sites) {
      sum += mean.value();
      squares += mean.value() * mean.value();
    }
    const auto count = static_cast<double>(sites.size());
    covariance += (sum * sum - squares) / (count - 1);
    weight += count;
    ++judged;
  }
  if (judged < kFewestCompanies || !(variance > 0))
    return std::nullopt;
  return std::clamp(covariance / weight / variance, 0.0, 1.0);
}

bool ResidualBand::holds(const Residual &residual) const {
  return op == residual.op && (dtype == MANSARD_DTYPE_COUNT || dtype == residual.dtype) &&
         (bound == MANSARD_BOUND_COUNT || bound == residual.bound);
}

std::string ResidualBand::key() const {
  std::string key = fmt::format("residual.{}", kOpNames[op]);
  if (dtype < MANSARD_DTYPE_COUNT)
    key += fmt::format(".{}", kDTypes[dtype].name);
  if (bound < MANSARD_BOUND_COUNT)
    key += fmt::format(".{}", kBoundNames[bound]);
  return key;
}

std::vector<ResidualBand> residualBands(std::span<const Residual> residuals) {
  std::map<uint32_t, OpBands> byOp;
  for (const Residual &residual : residuals)
    byOp[residual.op].add(residual);
  std::vector<ResidualBand> bands;
  for (auto &[op, ofOp] : byOp)
    ofOp.appendTo(bands, op);
  return bands;
}

Coverage heldOutCoverage(std::span<const Residual> residuals, int repeats) {
  struct Tally {
    double inside = 0, rows = 0; // inside: on average over the repeats
  };
  std::map<std::string_view, Tally> bySite;
  std::map<uint32_t, Tally> byBound;
  std::set<std::string_view> sites;
  for (const Residual &residual : residuals) {
    sites.insert(residual.site);
    bySite[residual.site].rows += 1;
    byBound[residual.bound].rows += 1;
  }
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const auto folds = deal(sites, static_cast<uint64_t>(repeat));
    for (size_t fold = 0; fold < std::min(kFolds, sites.size()); ++fold) {
      std::vector<Residual> others;
      for (const Residual &residual : residuals)
        if (folds.at(residual.site) != fold)
          others.push_back(residual);
      const std::vector<ResidualBand> bands = residualBands(others);
      for (const Residual &residual : residuals)
        if (folds.at(residual.site) == fold && inside(bands, residual)) {
          bySite[residual.site].inside += 1.0 / repeats;
          byBound[residual.bound].inside += 1.0 / repeats;
        }
    }
  }

  Coverage coverage;
  coverage.rows = residuals.size();
  coverage.sites = sites.size();
  if (residuals.empty())
    return coverage;
  const auto rows = static_cast<double>(residuals.size());
  for (const auto &[site, tally] : bySite)
    coverage.share += tally.inside / rows;
  for (const auto &[site, tally] : bySite)
    coverage.error += std::pow((tally.inside - coverage.share * tally.rows) / rows, 2);
  coverage.error = std::sqrt(coverage.error);
  for (const auto &[bound, tally] : byBound) {
    coverage.shares[bound] = tally.inside / tally.rows;
    coverage.counts[bound] = static_cast<size_t>(tally.rows);
  }
  return coverage;
}

} // namespace mansard::report
