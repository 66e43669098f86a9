// Whether a claim about two sides holds, given samples of both over what is not known of them.
#pragma once

#include <mansard/explore/uncertainty.h>

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace mansard::explore {

/// Of several cases that a claim speaks of, how many must hold: "in some scenarios" is any, "behind
/// H100 and H200" is all, "leading chips" is most (more than half).
enum class Quantifier { any, most, all };
inline constexpr std::array<std::string_view, 3> kQuantifierNames{"any", "most", "all"};

enum class Verdict { confirmed, refuted, undecided };
inline constexpr std::array<std::string_view, 3> kVerdictNames{"confirmed", "refuted", "undecided"};

/// From the probability that the claim holds: confirmed from kConfirmed up, refuted from kRefuted
/// down.
inline constexpr double kConfirmed = 0.9, kRefuted = 0.1;
Verdict verdictOf(double probability);

/// Low and high from the samples, those that are not known left out: the 10th and the 90th
/// percentile, and as far as the value.
void setRange(Spread &spread);

/// Whether something holds at a point of a sampling design.
enum class Holds : char { no, yes, unknown };

/// Left over right at each point. Where one side has no figure it cannot do the work: its figure is
/// then 0 where high is good, infinite where low is; where neither has one, not a number.
std::vector<double> ratiosOf(std::span<const double> left, std::span<const double> right,
                             bool highIsGood);

/// Whether each value lies in [least, most].
std::vector<Holds> within(std::span<const double> values, double least, double most);

/// Point by point: whether it holds in as many of `cases` as the quantifier asks. Unknown where
/// what is unknown of the cases decides it.
std::vector<Holds> combine(Quantifier quantifier, const std::vector<std::vector<Holds>> &cases);

/// Share of the points known at which it holds; not a number where none is.
double probabilityOf(std::span<const Holds> points);

} // namespace mansard::explore
