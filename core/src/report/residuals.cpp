#include <mansard/base/names.h>
#include <mansard/report/residuals.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace mansard::report {
namespace {

constexpr size_t kFolds = 10;

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
  std::vector<double> ratios;
  std::set<std::string_view> sites;

  void add(const Residual &residual) {
    ratios.push_back(residual.ratio);
    sites.insert(residual.site);
  }
  ResidualBand band(uint32_t op, uint32_t bound) {
    std::sort(ratios.begin(), ratios.end());
    return {op,          bound, nextQuantile(ratios, 0.1), nextQuantile(ratios, 0.9), ratios.size(),
            sites.size()};
  }
};

/// Mixes `value` and `seed` well enough to order sites by (FNV-1a).
uint64_t hashOf(std::string_view text, uint64_t seed) {
  uint64_t hash = 14695981039346656037ull ^ (seed * 0x9E3779B97F4A7C15ull);
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash ^ (hash >> 29);
}

/// Sites in an order that depends on `seed` alone, dealt to as many folds as there are.
std::map<std::string_view, size_t> deal(const std::set<std::string_view> &sites, uint64_t seed) {
  std::vector<std::pair<uint64_t, std::string_view>> order;
  for (std::string_view site : sites)
    order.emplace_back(hashOf(site, seed), site);
  std::sort(order.begin(), order.end());
  std::map<std::string_view, size_t> folds;
  for (size_t i = 0; i < order.size(); ++i)
    folds[order[i].second] = i % kFolds;
  return folds;
}

bool inside(const std::vector<ResidualBand> &bands, const Residual &residual) {
  const ResidualBand *chosen = nullptr;
  for (const ResidualBand &band : bands)
    if (band.op == residual.op &&
        (band.bound == residual.bound || (!chosen && band.bound == MANSARD_BOUND_COUNT)))
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

std::map<std::string, std::vector<Residual>, std::less<>>
residualsByFamily(const Validation &validation) {
  std::map<std::string, std::vector<Residual>, std::less<>> out;
  for (size_t f = 0; f < validation.files.size(); ++f)
    for (size_t i = 0; i < validation.files[f].all.size(); ++i) {
      const Measurement &m = validation.files[f].all[i];
      const Compared &c = validation.compared[f][i];
      if (!c.skipped.empty())
        continue;
      out[validation.families.at(m.target)].push_back(
          {m.op, c.estimate.bound, siteOf(m.kernel), m.measured_us / c.estimate.latency_us});
    }
  return out;
}

std::string ResidualBand::key() const {
  return bound < MANSARD_BOUND_COUNT
             ? fmt::format("residual.{}.{}", kOpNames[op], kBoundNames[bound])
             : fmt::format("residual.{}", kOpNames[op]);
}

std::vector<ResidualBand> residualBands(std::span<const Residual> residuals) {
  std::map<uint32_t, Sample> byOp;
  std::map<std::pair<uint32_t, uint32_t>, Sample> byRegime;
  for (const Residual &residual : residuals) {
    byOp[residual.op].add(residual);
    byRegime[{residual.op, residual.bound}].add(residual);
  }
  std::vector<ResidualBand> bands;
  for (auto &[op, all] : byOp) {
    bands.push_back(all.band(op, MANSARD_BOUND_COUNT));
    for (uint32_t bound = 0; bound < MANSARD_BOUND_COUNT; ++bound)
      if (auto regime = byRegime.find({op, bound}); regime != byRegime.end() &&
                                                    regime->second.ratios.size() >= kFewestRows &&
                                                    regime->second.sites.size() >= kFewestSites)
        bands.push_back(regime->second.band(op, bound));
  }
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
