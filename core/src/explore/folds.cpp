// Folds: what is held out together.
#include "../base/text_hash.h"

#include <mansard/explore/calibrate.h>

#include <algorithm>
#include <map>

namespace mansard::explore {
namespace {

/// FNV-1a (64 bits), finished by the mixer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): sites
/// that differ in one digit fall apart.
uint64_t scattered(const std::string &text) {
  uint64_t hash = hashOf(text);
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

} // namespace

std::vector<size_t> foldsOf(const std::vector<std::string> &sites, size_t folds) {
  std::map<std::string, size_t> foldBySite;
  for (const std::string &site : sites)
    foldBySite.emplace(site, 0);
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto &[site, fold] : foldBySite)
    order.emplace_back(scattered(site), site);
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < order.size(); ++i)
    foldBySite[order[i].second] = folds > 0 ? i % folds : 0;
  std::vector<size_t> out;
  out.reserve(sites.size());
  for (const std::string &site : sites)
    out.push_back(foldBySite[site]);
  return out;
}

} // namespace mansard::explore
