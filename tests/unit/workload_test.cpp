#include <mansard/work/workload.h>

#include <gtest/gtest.h>

namespace mansard::work {
namespace {

Workload workload(int64_t tp, int64_t dp, int64_t ep) {
  Workload w;
  w.parallelism = {tp, 1, dp, ep};
  return w;
}

TEST(Workload, AcceptsExpertsInsideAReplicaAndAcrossReplicas) {
  EXPECT_TRUE(check(workload(8, 1, 4)).ok());
  EXPECT_TRUE(check(workload(1, 32, 32)).ok());
  EXPECT_TRUE(check(workload(4, 8, 16)).ok());
}

TEST(Workload, NamesTheNearestValidExpertDegree) {
  const auto problem = check(workload(1, 32, 30));
  ASSERT_FALSE(problem.ok());
  EXPECT_NE(problem.error().message.find("nearest that does is 32"), std::string::npos)
      << problem.error().message;
}

TEST(Workload, RefusesNonsense) {
  Workload w;
  w.batch = -1;
  EXPECT_FALSE(check(w).ok());
  w = {};
  w.accept = 1.5;
  EXPECT_FALSE(check(w).ok());
  w = {};
  w.parallelism.tp = int64_t{1} << 29;
  w.parallelism.dp = int64_t{1} << 29;
  EXPECT_FALSE(check(w).ok());
}

TEST(Workload, SpeculationYieldsOnePlusTheAcceptedTokens) {
  Workload w;
  w.batch = 96;
  w.new_tokens = 2;
  w.accept = 0.7;
  EXPECT_DOUBLE_EQ(w.tokensPerStep(), 96 * 1.7);
}

TEST(Workload, TheBusiestReplicaSetsTheBatch) {
  Workload w;
  w.batch = 33;
  w.parallelism.dp = 32;
  EXPECT_EQ(w.sequencesPerReplica(), 2);
}

} // namespace
} // namespace mansard::work
